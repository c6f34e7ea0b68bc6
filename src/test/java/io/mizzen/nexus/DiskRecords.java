package io.mizzen.nexus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What simulated disks carry of a nexus: records, dirty maps and stamps, as a power failure would leave them. */
final class DiskRecords {
    private DiskRecords() {
    }

    /** Whether what a disk carries is a member of that generation. */
    static boolean isMember(SimDisk disk, NexusMetadata newest) {
        return memberOf(disk, newest) != null;
    }

    /** The member that a disk carries, as that generation has it, or null. */
    static Member memberOf(SimDisk disk, NexusMetadata newest) {
        MetadataCodec.Copy copy = durableCopy(disk);
        return copy == null || !copy.metadata().uuid().equals(newest.uuid()) ? null
                : newest.member(copy.metadata().members().get(copy.selfIndex()).uuid());
    }

    /** The newest record that is durable on any disk; null if there is none. */
    static NexusMetadata newestDurable(List<SimDisk> disks) {
        NexusMetadata newest = null;
        for (SimDisk disk : disks) {
            MetadataCodec.Copy copy = durableCopy(disk);
            if (copy != null && copy.metadata().uuid().equals(NexusSim.NEXUS)
                    && (newest == null || copy.metadata().generation() > newest.generation())) {
                newest = copy.metadata();
            }
        }
        return newest;
    }

    /** The newer of the disk's two records, if power failed now. */
    static MetadataCodec.Copy durableCopy(SimDisk disk) {
        return MetadataCodec.newer(
                MetadataCodec.decode(disk.media.durableBytes(MetadataCodec.slotOffsetBytes(0), 4096), 0, 0),
                MetadataCodec.decode(disk.media.durableBytes(MetadataCodec.slotOffsetBytes(1), 4096), 0, 1));
    }

    /** Where hosts' data begins on every disk. */
    static long dataBlock() {
        return Label.V2.dataOffsetBytes() / SimDisk.BLOCK;
    }

    /** The dirty map, if power failed now. */
    static long[] durableBits(SimDisk disk, NexusMetadata metadata, DirtyGeometry geometry) {
        long[] words = new long[geometry.wordCount()];
        for (int page = 0; page < geometry.pageCount(); page++) {
            MemorySegment bytes = disk.media.durableBytes(geometry.pageOffsetBytes(page), geometry.pageBytes());
            if (DirtyPageCodec.check(geometry, metadata.uuid(), metadata.dirtyEpoch(), page, bytes, 0) >= 0) {
                DirtyPageCodec.addBits(geometry, page, bytes, 0, words);
            }
        }
        return words;
    }

    /** The stamp of a block, which is not torn. */
    static long stampOf(MemorySegment segment, long offset) {
        long stamp = segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
        for (int at = 8; at < SimDisk.BLOCK; at += 8) {
            NexusSim.require(segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + at) == stamp, "a block is torn");
        }
        return stamp;
    }

    /** At rest: healthy legs are equal, and hold what was acknowledged. */
    static void checkLegs(List<SimDisk> disks, NexusMetadata newest, NexusSim.History history, long blockCount) {
        List<SimDisk> healthy = new ArrayList<>();
        for (SimDisk disk : disks) {
            if (isMember(disk, newest) && memberOf(disk, newest).isHealthy()) {
                healthy.add(disk);
            }
        }
        NexusSim.require(!healthy.isEmpty(), "no healthy leg");
        for (int block = 0; block < blockCount; block++) {
            byte[] data = healthy.get(0).media.current(dataBlock() + block);
            for (SimDisk other : healthy) {
                NexusSim.require(Arrays.equals(data, other.media.current(dataBlock() + block)),
                        "legs differ at block " + block);
            }
            long stamp = stampOf(MemorySegment.ofArray(data), 0);
            if (stamp == NexusSim.FOREIGN) {
                continue;       // What was there before the nexus grew.
            }
            NexusSim.require(history.possible.get(block).contains(stamp), "block " + block + " holds " + stamp
                    + ", possible " + history.possible.get(block));
        }
    }
}
