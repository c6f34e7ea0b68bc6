package io.mizzen.sim;

import io.mizzen.lvs.SlowDecoder;
import java.util.function.BooleanSupplier;

/**
 * What carries a child of a volume: a bare disk, or a replica in the pool on a disk. Its bytes are read from the disk's
 * medium, without any code of the engine.
 *
 * @param lvol name of the replica, or null for a bare disk
 */
record SimLeg(StoredDisk disk, String lvol) {
    /** A disk as it lies there, whether a machine runs or not. */
    static final class StoredDisk {
        final int number;
        final long sizeBytes;
        final Media media;
        final boolean unmapsToZeroes;
        final DiskFaults faults;
        /** Name of the pool on it, or null. */
        final String pool;
        /** Whether the pool on it takes no changes any more; set by the machine that runs. */
        BooleanSupplier poolFaulted = () -> false;
        /** It is not in the machine. */
        boolean pulled;
        /** It has been out of the machine that runs: nobody uses it before it has been brought back. */
        boolean wasPulled;
        private long pluggedAtNs = Long.MIN_VALUE;
        private SlowDecoder decoder;
        private boolean torn;
        private long metadataVersion;
        private long decodedVersion = -1;

        StoredDisk(int number, long sizeBytes, int blockBytes, boolean unmapsToZeroes, String pool) {
            this.number = number;
            this.sizeBytes = sizeBytes;
            this.media = new Media(blockBytes);
            this.unmapsToZeroes = unmapsToZeroes;
            this.faults = new DiskFaults(blockBytes);
            this.pool = pool;
        }

        /** Something may have changed below that offset. */
        void onWritten(long atBytes) {
            if (decoder == null || atBytes < decoder.metadataEndBytes()) {
                metadataVersion++;
            }
        }

        /** It has been pulled out: what its cache held is lost, and nobody can read it. */
        void onPulled() {
            pulled = true;
            wasPulled = true;
            onCrash();
        }

        /** It is in the machine again. */
        void onPlugged(long nowNs) {
            pulled = false;
            pluggedAtNs = nowNs;
        }

        /** Whether it was out at any moment since then. */
        boolean wasOut(long sinceNs) {
            return pulled || pluggedAtNs >= sinceNs;
        }

        /** The pool on it may have torn pages until it has been loaded again. */
        void onCrash() {
            metadataVersion++;
            torn = pool != null;
        }

        void onLoaded() {
            metadataVersion++;
            torn = false;
            faults.forgetFailedFlush();
        }

        /** The pool as it lies on the disk; fails if a cluster has two owners or anything else is wrong. */
        SlowDecoder pool() {
            if (decodedVersion != metadataVersion) {
                decoder = new SlowDecoder((at, size) -> media.bytes(at, size, false));
                decodedVersion = metadataVersion;
            }
            return decoder;
        }
    }

    /** Whether commands may have failed since then. */
    boolean mayHaveFailed(long sinceNs) {
        return disk.wasOut(sinceNs) || disk.faults.failedSince(sinceNs) || lvol != null && disk.poolFaulted.getAsBoolean();
    }

    /** Whether a flush of the leg may fail now: that of another user of the pool has, and may have cost what was written here. */
    boolean mayTellLoss() {
        return lvol != null && disk.faults.hasFlushFailed();
    }

    /** Bytes of the child. {@code durableOnly}: what a power failure would leave at least. */
    byte[] read(long atBytes, int sizeBytes, boolean durableOnly) {
        if (lvol == null) {
            return disk.media.bytes(atBytes, sizeBytes, durableOnly);
        }
        if (disk.torn) {
            return new byte[sizeBytes];
        }
        SlowDecoder pool = disk.pool();
        SlowDecoder.Volume volume = pool.volumes.get(lvol);
        if (volume == null) {
            return new byte[sizeBytes];         // It never came to be, or is gone.
        }
        byte[] out = new byte[sizeBytes];
        for (int done = 0; done < sizeBytes;) {
            int index = (int) ((atBytes + done) / pool.clusterBytes);
            int within = (int) ((atBytes + done) % pool.clusterBytes);
            int part = (int) Math.min(pool.clusterBytes - within, sizeBytes - done);
            int cluster = index < volume.clusters.size() ? volume.clusters.get(index) : 0;
            if (cluster != 0) {
                byte[] bytes = disk.media.bytes(cluster * pool.clusterBytes + within, part, durableOnly);
                System.arraycopy(bytes, 0, out, done, part);
            }
            done += part;
        }
        return out;
    }

    /** The newest record of a nexus on it, or null. */
    SlowMembers members() {
        return SlowMembers.read((at, size) -> read(at, size, true));
    }

    @Override
    public String toString() {
        return lvol == null ? "disk" + disk.number : disk.pool + "/" + lvol;
    }
}
