package io.mizzen.lvs;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import java.util.Random;

/** What hosts do with volumes: reads, writes, flushes, zeroes, unmaps. Reads overlap nothing that changes data meanwhile. */
final class CrashIo {
    private static final int SECTOR = CrashModel.SECTOR;

    private final CrashStory story;
    private final CrashMachine machine;
    private final CrashModel model;
    private final CrashPlan plan;
    private final Random random;

    CrashIo(CrashStory story) {
        this.story = story;
        this.machine = story.machine;
        this.model = story.model;
        this.plan = story.plan;
        this.random = story.random;
    }

    CrashWorkload.Step write() {
        return begin(IoType.WRITE, CrashMachine.SLOT_BYTES);
    }

    CrashWorkload.Step read() {
        return begin(IoType.READ, CrashMachine.SLOT_BYTES);
    }

    CrashWorkload.Step writeZeroes() {
        return begin(IoType.WRITE_ZEROES, 3 * CrashPlan.CLUSTER_BYTES);
    }

    CrashWorkload.Step unmap() {
        return begin(IoType.UNMAP, 5 * CrashPlan.CLUSTER_BYTES);
    }

    CrashWorkload.Step flush() {
        CrashModel.Volume v = pick(IoType.FLUSH);
        if (v == null) {
            return null;
        }
        long since = model.flushing();
        Io io = new Io(v, IoType.FLUSH, -1);
        io.start(0, 0, 0);
        io.done = () -> model.flushed(v, since);
        io.failed = () -> model.flushFailed(v);
        return io;
    }

    /** A range of sectors, whole blocks: anywhere, round the border of a cluster, or at its beginning. */
    static long[] range(Random random, CrashPlan plan, long sizeBytes, long bytesMax) {
        long clusterSectors = CrashPlan.CLUSTER_BYTES / SECTOR;
        long block = plan.blockBytes() / SECTOR;
        long sectors = sizeBytes / SECTOR;
        long border = random.nextLong(sectors / clusterSectors) * clusterSectors;
        long most = Math.min(sectors, bytesMax / SECTOR) / block;
        long count = (1 + random.nextLong(random.nextInt(3) == 0 ? most : Math.min(most, 8))) * block;
        long from = switch (random.nextInt(4)) {
            case 0 -> random.nextLong(sectors);
            case 1 -> border - random.nextLong(count + 1);
            default -> border + random.nextLong(4) * 8;
        };
        if (bytesMax > CrashPlan.CLUSTER_BYTES && random.nextInt(3) > 0) {      // Whole clusters.
            from = border;
            count = Math.min(most * block, (1 + random.nextLong(4)) * clusterSectors);
        }
        from = Math.max(0, from / block * block);
        return new long[] {from, Math.min(sectors, from + count)};
    }

    private CrashModel.Volume pick(int type) {
        return story.pick(v -> !v.mayBeAbsent && !v.isBeingTakenBack() && v.otherSizeBytes >= v.sizeBytes && !(v.frozen && IoType.isWrite(type)));
    }

    private CrashWorkload.Step begin(int type, long bytesMax) {
        CrashModel.Volume v = pick(type);
        if (v == null) {
            return null;
        }
        long[] range = range(random, plan, v.sizeBytes, bytesMax);
        long from = range[0];
        long end = range[1];
        int slot = IoType.hasData(type) ? machine.takeSlot() : -1;
        boolean mayOverlap = type != IoType.READ && random.nextInt(3) == 0;
        if (!v.isQuiet(from, end, mayOverlap) || slot < 0 && IoType.hasData(type)) {
            if (slot >= 0) {
                machine.releaseSlot(slot);
            }
            return null;
        }
        Io io = new Io(v, type, slot);
        if (type == IoType.READ) {
            v.reading(from, end);
            io.done = () -> {
                v.read(from, end);
                String wrong = model.wrong(v, from, end, machine.contents(slot, from), false);
                CrashStory.require(wrong == null, "read: " + wrong);
                if (v.frozen && !v.mayBeAbsent) {
                    model.seen(v, from, end, machine.contents(slot, from));
                }
            };
            io.failed = () -> v.read(from, end);
            io.start(from, end, 0);
            return io;
        }
        boolean forced = type != IoType.UNMAP && random.nextInt(3) == 0;
        boolean unmapsToZeroes = machine.store.findLvol(v.name).bdev().unmapReadsZeroes();
        long value = type == IoType.WRITE ? model.nextValue() : type == IoType.UNMAP && !unmapsToZeroes ? CrashModel.ANY : 0;
        if (slot >= 0) {
            machine.fill(slot, value, from, end - from);
        }
        CrashModel.Version version = model.write(v, from, end, value);
        boolean mayFree = type == IoType.WRITE_ZEROES && (from + end) / 8 % 2 == 0;
        boolean frees = (type == IoType.UNMAP || mayFree) && v.standsAlone();
        int parentChanges = machine.store.findLvol(v.name).parentChanges();
        io.done = () -> {
            model.written(v, from, end, version, true, forced || !plan.volatileCache());
            if (frees && v.standsAlone() && machine.store.findLvol(v.name).parentChanges() == parentChanges
                    && !version.overlapped && !machine.disk.hasFailed()) {
                requireFreed(v, from, end);
            }
        };
        io.failed = () -> model.written(v, from, end, version, false, false);
        io.start(from, end, (forced ? BdevIo.FLAG_FUA : 0) | (mayFree ? BdevIo.FLAG_DEALLOCATE : 0));
        return io;
    }

    /** An unmap has freed the clusters that it covered, and nobody has written there since. */
    private void requireFreed(CrashModel.Volume v, long from, long end) {
        long perCluster = CrashPlan.CLUSTER_BYTES / SECTOR;
        Lvol lvol = machine.store.findLvol(v.name);
        for (long cluster = (from + perCluster - 1) / perCluster; cluster < end / perCluster; cluster++) {
            CrashStory.require(lvol.map().get((int) cluster) == BlobMetadata.UNALLOCATED
                    || lvol.map().inherited((int) cluster) != BlobMetadata.UNALLOCATED, v.name + " still holds cluster "
                    + cluster + " after its unmap");
        }
    }

    /** One I/O on a handle of its own. */
    private final class Io implements CrashWorkload.Step {
        private final CrashModel.Volume v;
        private final int type;
        private final int slot;
        private final VolumeHandle handle;
        private VolumeHandle.Pending pending;
        private Runnable done;
        private Runnable failed = () -> { };

        private Io(CrashModel.Volume v, int type, int slot) {
            this.v = v;
            this.type = type;
            this.slot = slot;
            this.handle = machine.open(machine.store.findLvol(v.name).bdev(), random.nextInt(CrashMachine.REACTORS));
        }

        private void start(long from, long end, int flags) {
            v.openCount++;
            story.event(IoType.name(type), from, story.traces() ? v.name + " to " + end + ((flags & BdevIo.FLAG_FUA) != 0 ? " FUA" : "") : null);
            pending = handle.submitSectors(type, from, end - from, slot < 0 ? 0 : machine.address(slot), flags);
        }

        @Override
        public boolean ended() {
            return pending.ended;
        }

        @Override
        public void finish() {
            story.event("ended", pending.status, story.traces() ? v.name + " " + IoType.name(type) : null);
            v.openCount--;
            if (slot >= 0) {
                machine.releaseSlot(slot);
            }
            if (pending.status == 0) {
                done.run();
            } else {
                boolean isFull = pending.status == LvStore.STATUS_CAPACITY_EXCEEDED && (v.thin || v.otherThin)
                        && (type == IoType.WRITE || IoType.isWrite(type) && v.mayHaveParent());
                CrashStory.require(isFull || machine.disk.hasFailed(), IoType.name(type) + " of " + v.name + " fails with 0x"
                        + Integer.toHexString(pending.status));
                failed.run();
            }
            handle.close();
        }
    }
}
