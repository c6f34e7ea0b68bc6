package io.mizzen.sim;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.nexus.Nexus;
import java.util.HashMap;
import java.util.Map;

/**
 * Watches the disks for writes of hosts and copies of a rebuild, or of a repair, that meet in one range: a piece that is being copied is
 * locked from its first read until its last write has ended, so no write of a host may be on its way to it meanwhile.
 */
final class LockWatch implements SimDisk.Tap {
    private static final String REBUILD = "io.mizzen.rebuild.";
    private static final String REPAIR = "io.mizzen.nexus.";

    /** A piece of a volume with I/O at a disk; {@code count} blocks from {@code lba}. */
    private record Piece(SimVolume volume, boolean copy, long lba, long count) {
        boolean meets(Piece other) {
            return volume == other.volume && copy != other.copy && lba < other.lba + other.count
                    && other.lba < lba + count;
        }
    }

    private final Map<BdevIo, Piece> inFlight = new HashMap<>();
    private final Iterable<SimVolume> volumes;

    LockWatch(Iterable<SimVolume> volumes) {
        this.volumes = volumes;
    }

    @Override
    public void onArrival(SimDisk disk, BdevIo io) {
        Piece piece = pieceOf(io);
        if (piece == null) {
            return;
        }
        for (Piece other : inFlight.values()) {
            Checks.require(!piece.meets(other), () -> "locks: " + disk + " gets " + piece + " while " + other + " is on its way");
        }
        inFlight.put(io, piece);
        if (piece.copy) {
            piece.volume.copiesInFlight++;
        }
    }

    @Override
    public void onCompletion(SimDisk disk, BdevIo io, int status) {
        Piece piece = inFlight.remove(io);
        if (piece != null && piece.copy) {
            piece.volume.copiesInFlight--;
        }
    }

    /** Whose piece it is: a host's write to a volume, any copy's I/O, or null for everything else. */
    private Piece pieceOf(BdevIo io) {
        BdevIo top = io;
        while (top.parent != null && !(top.parent.channel().bdev() instanceof Nexus)) {
            top = top.parent;
        }
        if (top.parent != null) {
            BdevIo hosts = top.parent;
            return IoType.isWrite(hosts.type)
                    ? new Piece(volumeOf(hosts.channel().bdev()), false, hosts.offsetBlocks, hosts.blockCount) : null;
        }
        String receiver = top.completion.getClass().getName();
        boolean repairs = receiver.startsWith(REPAIR)
                && top.offsetBlocks * top.channel().bdev().blockSizeBytes() >= SimVolume.DATA_OFFSET_BYTES;
        if (!IoType.hasRange(io.type) || !repairs && !receiver.startsWith(REBUILD)) {
            return null;
        }
        SimVolume volume = ownerOf(top.channel().bdev());
        return volume == null ? null : new Piece(volume, true,
                top.offsetBlocks - SimVolume.DATA_OFFSET_BYTES / volume.blockBytes(), top.blockCount);
    }

    private SimVolume volumeOf(Bdev nexus) {
        for (SimVolume volume : volumes) {
            if (volume.uuid().equals(nexus.uuid())) {
                return volume;
            }
        }
        throw new IllegalStateException("nobody's nexus: " + nexus);
    }

    private SimVolume ownerOf(Bdev child) {
        for (SimVolume volume : volumes) {
            if (volume.nexus != null && volume.nexus.childStatuses().stream().anyMatch(s -> child.name().equals(s.bdev()))) {
                return volume;
            }
        }
        return null;
    }
}
