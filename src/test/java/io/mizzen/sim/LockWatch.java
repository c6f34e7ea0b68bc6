package io.mizzen.sim;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.nexus.Nexus;
import java.util.HashMap;
import java.util.Map;

/**
 * Watches the disks for writes of hosts and copies of the rebuild that meet in one range: a piece that is being copied is
 * locked from its first read until its last write has ended, so no write of a host may be on its way to it meanwhile.
 */
final class LockWatch implements SimDisk.Tap {
    private static final String COPIES = "io.mizzen.rebuild.";

    /** A piece of a volume with I/O at a disk; {@code count} blocks from {@code lba}. */
    private record Piece(Nexus nexus, boolean copy, long lba, long count) {
        boolean meets(Piece other) {
            return nexus == other.nexus && copy != other.copy && lba < other.lba + other.count
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
    }

    @Override
    public void onCompletion(SimDisk disk, BdevIo io, int status) {
        inFlight.remove(io);
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
                    ? new Piece((Nexus) hosts.channel().bdev(), false, hosts.offsetBlocks, hosts.blockCount) : null;
        }
        if (!IoType.hasRange(io.type) || !top.completion.getClass().getName().startsWith(COPIES)) {
            return null;
        }
        Nexus nexus = ownerOf(top.channel().bdev());
        return nexus == null ? null : new Piece(nexus, true,
                top.offsetBlocks - SimVolume.DATA_OFFSET_BYTES / nexus.blockSizeBytes(), top.blockCount);
    }

    private Nexus ownerOf(Bdev child) {
        for (SimVolume volume : volumes) {
            if (volume.nexus != null && volume.nexus.childStatuses().stream().anyMatch(s -> child.name().equals(s.bdev()))) {
                return volume.nexus;
            }
        }
        return null;
    }
}
