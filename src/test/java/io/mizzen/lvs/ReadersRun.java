package io.mizzen.lvs;

import io.mizzen.bdev.IoType;
import io.mizzen.testsupport.Seeds;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.LongFunction;

/**
 * Runs seeds of reads that are under way while the snapshot that they go to is left by its volume, and goes, and another volume
 * takes its clusters: says what a seed found, or null. One thread.
 */
public final class ReadersRun implements LongFunction<String> {
    private static final long DISK_BYTES = 24 * CrashPlan.CLUSTER_BYTES;
    private static final int CLUSTERS = 4;
    private static final int SECTORS = (int) (CrashPlan.CLUSTER_BYTES / CrashModel.SECTOR);
    private static final int READ_SECTORS = 16;
    private static final int READERS = 4;
    private static final long VALUE = 7;
    private static final long OTHER = 9;
    private static final int TURNS_MAX = 100_000;

    private final CrashMemory memory = new CrashMemory();
    private Random random;
    private CrashMachine machine;
    private final List<Read> reads = new ArrayList<>();
    private VolumeHandle[] readers;

    private record Read(VolumeHandle.Pending pending, int slot, long sector) {
    }

    @Override
    public String apply(long seed) {
        return Seeds.finding(() -> run(seed));
    }

    private void run(long seed) {
        random = new Random(seed);
        boolean unmaps = random.nextBoolean();
        machine = new CrashMachine(memory, CrashMedia.used(4096, DISK_BYTES, random.nextBoolean()), DISK_BYTES, unmaps, seed);
        reads.clear();
        readers = new VolumeHandle[0];
        machine.store = ok(machine.run(done -> machine.stores.create(machine.disk,
                new LvStores.Options("pool", new UUID(1, 1), CrashPlan.CLUSTER_BYTES, 100), done), () -> { }));
        Lvol volume = create("v");
        write(volume, VALUE);
        Lvol snapshot = ok(machine.run(done -> machine.store.createSnapshot(volume,
                new SnapshotOptions("s", new UUID(1, 2), null, null, Instant.EPOCH), done), () -> { }));
        readers = new VolumeHandle[CrashMachine.REACTORS];
        for (int i = 0; i < readers.length; i++) {
            readers[i] = machine.open(volume.bdev(), i);
        }
        boolean inflates = random.nextInt(3) > 0;
        if (inflates) {
            boolean entirely = random.nextBoolean();
            ok(machine.<Lvol>run(done -> {
                if (entirely) {
                    machine.store.inflateLvol(volume, WorkWatch.NONE, done);
                } else {
                    machine.store.decoupleLvol(volume, WorkWatch.NONE, done);
                }
            }, this::readMore));
        } else {
            write(volume, VALUE);       // It holds all itself now, and the snapshot's clusters are given back.
        }
        ok(machine.<Void>run(done -> machine.store.destroyLvol(snapshot, done), this::readMore));
        Lvol other = create("w");
        write(other, OTHER);
        for (int turns = 0; !reads.isEmpty(); turns++) {
            CrashStory.require(turns < TURNS_MAX, "a read does not end");
            machine.turn();
            checkEnded();
        }
    }

    private Lvol create(String name) {
        return ok(machine.<Lvol>run(done -> machine.store.createLvol(name, null, CLUSTERS * CrashPlan.CLUSTER_BYTES, true, done),
                this::readMore));
    }

    /** All of each cluster's beginning, so that each is allocated. */
    private void write(Lvol lvol, long value) {
        VolumeHandle handle = machine.open(lvol.bdev(), 0);
        for (int cluster = 0; cluster < CLUSTERS; cluster++) {
            int slot = machine.takeSlot();
            CrashStory.require(slot >= 0, "no buffer is left");
            machine.fill(slot, value, (long) cluster * SECTORS, READ_SECTORS);
            VolumeHandle.Pending pending = handle.submitSectors(IoType.WRITE, (long) cluster * SECTORS, READ_SECTORS, machine.address(slot), 0);
            for (int turns = 0; !pending.ended; turns++) {
                CrashStory.require(turns < TURNS_MAX, "a write does not end");
                machine.turn();
                readMore();
            }
            CrashStory.require(pending.status == 0, "a write fails");
            machine.releaseSlot(slot);
        }
        handle.close();
    }

    /** After a turn: what has ended is looked at, and new reads begin. */
    private void readMore() {
        checkEnded();
        if (readers.length > 0 && reads.size() < READERS && random.nextInt(4) == 0) {
            int slot = machine.takeSlot();
            long sector = (long) random.nextInt(CLUSTERS) * SECTORS;
            reads.add(new Read(readers[random.nextInt(readers.length)].submitSectors(IoType.READ, sector, READ_SECTORS, machine.address(slot), 0),
                    slot, sector));
        }
    }

    private void checkEnded() {
        for (Read read : List.copyOf(reads)) {
            if (read.pending.ended) {
                reads.remove(read);
                CrashStory.require(read.pending.status == 0, "a read fails");
                CrashModel.Contents contents = machine.contents(read.slot, read.sector);
                for (int i = 0; i < READ_SECTORS; i++) {
                    CrashStory.require(contents.tagAt(read.sector + i) == CrashModel.tag(VALUE, read.sector + i),
                            "a read brings what its volume never held");
                }
                machine.releaseSlot(read.slot);
            }
        }
    }

    private static <T> T ok(LvsRig.Outcome<T> outcome) {
        CrashStory.require(outcome.failure == null, "refused: " + outcome.failure);
        return outcome.value;
    }
}
