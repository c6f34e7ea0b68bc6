package io.mizzen.lvs;

import io.mizzen.bdev.IoType;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * One seed: a pool is made, used and cut off several times. At many moments a twin of the machine loses its power as
 * well, starts again (now and then losing it once more while it starts) and is compared with what was acknowledged.
 * Whoever finds something throws an AssertionError.
 */
final class CrashStory {
    /** What a seed came to, if nothing was found. */
    record Result(long hash, long acknowledged, int cuts, int cutsWhileStarting) {
    }

    private static final int CUTS_WHILE_STARTING_MAX = 2;
    private static final int READS_AFTER_START = 2;
    /** In so many of the lives in which else nothing fails a flush does. */
    private static final int LOSS_ONE_IN = 4;
    private static final int LOSS_FLUSHES_MAX = 20;
    /** With so many metadata pages free no change is refused for lack of them. */
    private static final int PAGES_FOR_ANY_CHANGE = 8;
    private static final int START_TURNS_MAX = 200_000;

    final CrashPlan plan;
    final Random random;
    private final Random losses;
    final CrashModel model = new CrashModel();
    CrashMachine machine;
    private final CrashMemory memory;
    private final CrashMemory twinMemory;
    private final List<String> trace;
    private final UUID poolUuid = new UUID(77, 7);
    private CrashWorkload workload;
    private boolean isMade;
    private long momentsSeen;
    private long hash;
    long acknowledged;
    private int cuts;
    private int cutsWhileStarting;
    private int names;
    long diskBytes;

    /** @param traces whether {@link #trace} keeps what happens */
    CrashStory(long seed, boolean cutsEverywhere, CrashMemory memory, CrashMemory twinMemory, boolean traces) {
        random = new Random(seed * 0x9E3779B97F4A7C15L + 3);
        losses = new Random(~seed);
        CrashPlan some = CrashPlan.of(random);
        plan = cutsEverywhere ? some.cutEverywhere() : some;
        this.memory = memory;
        this.twinMemory = twinMemory;
        trace = traces ? new ArrayList<>() : null;
        event("plan", 0, traces ? plan.toString() : null);
    }

    List<String> trace() {
        return trace;
    }

    boolean traces() {
        return trace != null;
    }

    /** Something happened. @param more for the trace alone; null where there is none */
    void event(String what, long number, String more) {
        hash = hash * 31 + what.hashCode() * 7L + number;
        if (trace != null) {
            trace.add((machine == null ? 0 : machine.hand.nowNs() / 1000 - 1_000_000) + " us: " + what + " " + number
                    + (more == null ? "" : " " + more));
        }
    }

    Result run() {
        CrashMedia media = CrashMedia.used(plan.blockBytes(), plan.diskBytesMax(), plan.volatileCache());
        diskBytes = plan.clusters() * CrashPlan.CLUSTER_BYTES;
        model.poolClusters = plan.clusters();
        model.otherPoolClusters = plan.clusters();
        start(media);
        LvsRig.Outcome<LvStore> made = machine.run(done -> machine.stores.create(machine.disk,
                new LvStores.Options("pool", poolUuid, CrashPlan.CLUSTER_BYTES, plan.pagesPerHundredClusters()), done), this::moment);
        require(made.failure == null, "the pool cannot be made: " + made.failure);
        machine.store = made.value;
        isMade = true;
        for (int life = 0; life < plan.lives(); life++) {
            if (life > 0) {
                cutAndStart();
            }
            if (plan.fails()) {
                int after = random.nextInt(40);
                if (random.nextBoolean()) {
                    machine.disk.loseCacheAfter(after / 2);
                } else {
                    machine.disk.failOneAfter(after, random.nextBoolean());
                }
            } else if (losses.nextInt(LOSS_ONE_IN) == 0) {
                machine.disk.loseCacheAfter(losses.nextInt(LOSS_FLUSHES_MAX));
            }
            workload.live(plan.turns());
        }
        cutAndStart();
        workload.end();
        return new Result(hash, acknowledged, cuts, cutsWhileStarting);
    }

    private void start(CrashMedia media) {
        machine = new CrashMachine(memory, media, diskBytes, plan.unmapsToZeroes(), random.nextLong());
        momentsSeen = 0;
        workload = new CrashWorkload(this);
    }

    /** The power fails, and everything goes on with what is left. */
    void cutAndStart() {
        event("power cut", machine.disk.moments(), null);
        cuts++;
        CrashMachine next = startOn(machine.disk.cut(random), memory, CUTS_WHILE_STARTING_MAX);
        require(next != null, "a pool that was made is gone");
        machine = next;
        momentsSeen = machine.disk.moments();
        workload = new CrashWorkload(this);
        model.restarted();
        settle(true);
    }

    /** Compares what is there with the model, which goes on from there. @param afterCut else nothing may be lost */
    void settle(boolean afterCut) {
        CrashImage image = check(machine, afterCut);
        image.settle(machine.store, model, afterCut);
    }

    /** What an export left must be clean, whenever the power fails after it. */
    void checkClean(CrashMedia left) {
        CrashMachine twin = startOn(left, twinMemory, 0);
        require(!twin.store.recovered(), "an exported pool has to be recovered");
        check(twin, true);
    }

    /** One of the volumes for which that holds; null: none. */
    CrashModel.Volume pick(Predicate<CrashModel.Volume> fits) {
        List<CrashModel.Volume> some = model.volumes.values().stream().filter(fits).toList();
        return some.isEmpty() ? null : some.get(random.nextInt(some.size()));
    }

    int nextName() {
        return names++;
    }

    /** To be called after every turn: lets the power of a twin fail. */
    void moment() {
        if (machine.disk.hasLost()) {
            model.lost();
        }
        long moments = machine.disk.moments();
        if (moments == momentsSeen) {
            return;
        }
        momentsSeen = moments;
        if (random.nextInt(plan.checkOneIn()) == 0) {
            event("twin cut", moments, null);
            cuts++;
            CrashMachine twin = startOn(machine.disk.cut(random), twinMemory, CUTS_WHILE_STARTING_MAX);
            if (twin != null) {
                check(twin, true);
            }
        }
    }

    /** Imports what is left on a disk, perhaps with more cuts while that is under way; null: there is no pool yet. */
    private CrashMachine startOn(CrashMedia left, CrashMemory bytes, int cutsMax) {
        CrashMedia media = left;
        for (int further = 0;; further++) {
            long cutAt = further < cutsMax && random.nextInt(3) == 0 ? 1 + random.nextInt(8) : Long.MAX_VALUE;
            CrashMachine next = new CrashMachine(bytes, media, diskBytes, plan.unmapsToZeroes(), random.nextLong());
            LvsRig.Outcome<LvStore> loaded = next.start(done -> next.stores.load(next.disk, LvStores.Expected.any(), done));
            for (int turns = 0; (!loaded.ended || next.store != null && next.changesByItself()) && next.disk.moments() < cutAt; turns++) {
                require(turns < START_TURNS_MAX, "a start does not end");
                next.turn();
                next.store = loaded.ended ? loaded.value : null;
            }
            if (next.disk.moments() >= cutAt) {
                event("cut while starting", cutAt, null);
                cutsWhileStarting++;
                media = next.disk.cut(random);
                continue;
            }
            if (loaded.failure != null) {
                require(!isMade, "the pool is refused: " + loaded.failure);
                return null;
            }
            return next;
        }
    }

    private CrashImage check(CrashMachine started, boolean afterCut) {
        CrashImage image = new CrashImage(started.disk.media());
        boolean isFull = started.store.metadataPageCount() - started.store.usedMetadataPageCount() < PAGES_FOR_ANY_CHANGE;
        require(isFull || !image.keepsWhatCanGo(), "a snapshot that was deleted stays though it could go");
        image.compareSpace(started.store);
        image.compare(started.store, model, afterCut);
        require(started.store.uuid().equals(poolUuid), "the pool has another uuid");
        List<Lvol> lvols = List.copyOf(started.store.lvols());
        for (int i = 0; i < READS_AFTER_START && !lvols.isEmpty(); i++) {
            read(started, lvols.get(random.nextInt(lvols.size())), afterCut);
        }
        return image;
    }

    /** A host reads some of a volume after a start. */
    private void read(CrashMachine started, Lvol lvol, boolean afterCut) {
        CrashModel.Volume v = model.volumes.get(lvol.name());
        long[] range = CrashIo.range(random, plan, lvol.sizeBytes(), CrashMachine.SLOT_BYTES);
        VolumeHandle handle = started.open(lvol.bdev(), random.nextInt(CrashMachine.REACTORS));
        int slot = started.takeSlot();
        VolumeHandle.Pending pending = handle.submitSectors(IoType.READ, range[0], range[1] - range[0],
                started.address(slot), 0);
        while (!pending.ended) {
            started.turn();
        }
        require(pending.status == 0, "a read after a start fails with 0x" + Integer.toHexString(pending.status));
        String lost = model.wrong(v, range[0], range[1], started.contents(slot, range[0]), afterCut);
        require(lost == null, "read after a start: " + lost);
        started.releaseSlot(slot);
        handle.close();
    }

    /** Whether that failure is one that a full pool has. */
    static boolean isFull(OperationException failure) {
        return failure.kind() == ErrorKind.RESOURCE_EXHAUSTED;
    }

    static void require(boolean condition, String otherwise) {
        CrashImage.require(condition, otherwise);
    }
}
