package io.mizzen.lvs;

import io.mizzen.util.OperationException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * What hosts and operators do with the pool in one life of the machine: several steps at a time. {@link #operations} says
 * what there is; what is new joins there.
 */
final class CrashWorkload {
    /** Snapshots and clones, beyond the volumes made alone. */
    private static final int SNAPSHOTS_MAX = 5;
    private static final int DRAIN_TURNS_MAX = 200_000;

    /** Something under way. */
    interface Step {
        boolean ended();

        /** Tells the model how it ended. */
        void finish();
    }

    /** Something that can be begun. @param start begins it; null: it does not fit now */
    private record Operation(int weight, Supplier<Step> start) {
    }

    private final CrashStory story;
    private final CrashMachine machine;
    private final CrashModel model;
    private final CrashPlan plan;
    private final Random random;
    private final List<Step> steps = new ArrayList<>();
    private final List<Operation> operations;
    private final int weights;

    CrashWorkload(CrashStory story) {
        this.story = story;
        this.machine = story.machine;
        this.model = story.model;
        this.plan = story.plan;
        this.random = story.random;
        CrashIo io = new CrashIo(story);
        operations = List.of(new Operation(3, this::create), new Operation(1, this::destroy), new Operation(2, this::resize),
                new Operation(2, this::snapshot), new Operation(2, this::cloneSnapshot), new Operation(1, this::rollback),
                new Operation(1, this::inflate),
                new Operation(1, this::limit), new Operation(1, this::grow),
                new Operation(12, io::write), new Operation(3, io::writeZeroes), new Operation(3, io::unmap),
                new Operation(4, io::read), new Operation(4, io::flush));
        weights = operations.stream().mapToInt(Operation::weight).sum();
    }

    /** So many turns; the pool is open before and, perhaps with steps under way, after. */
    void live(int turns) {
        for (int turn = 0; turn < turns; turn++) {
            if (machine.store.state() == LvStore.State.FAULTED || random.nextInt(plan.turns()) == 0) {
                exportAndImport();
            }
            if (steps.size() < plan.steps() && random.nextInt(4) == 0) {
                begin();
            }
            turn();
        }
    }

    private void turn() {
        machine.turn();
        for (int i = 0; i < steps.size(); i++) {
            if (steps.get(i).ended()) {
                steps.remove(i--).finish();
                story.acknowledged++;
            }
        }
        leave();
        story.moment();         // After the acknowledgements, so that the power fails right behind them, too.
    }

    private void drain() {
        for (int turns = 0; !steps.isEmpty() || machine.changesByItself(); turns++) {
            CrashStory.require(turns < DRAIN_TURNS_MAX, "a step does not end");
            turn();
        }
    }

    /** Snapshots that were deleted while several volumes stood on them go by themselves. */
    private void leave() {
        for (CrashModel.Volume v : List.copyOf(model.volumes.values())) {
            Lvol lvol = v.discarded ? machine.store.findLvol(v.name) : null;
            if (v.discarded && lvol == null) {
                story.event("left", 0, v.name);
                model.left(v);
            } else if (v.discarded && !lvol.usable()) {
                lvol.clones().forEach(clone -> model.leaving(v, model.volumes.get(clone.name())));
            } else if (v.discarded) {
                model.leaving(v, null);
            }
        }
    }

    private void begin() {
        int at = random.nextInt(weights);
        for (Operation operation : operations) {
            at -= operation.weight();
            if (at < 0) {
                Step step = operation.start().get();
                if (step != null) {
                    steps.add(step);
                }
                return;
            }
        }
    }

    // --- the pool -----------------------------------------------------------------------------------

    private static boolean isNamed(OperationException failure, String name) {
        return failure != null && failure.code().equals(LvStore.CODE_WRITES_LOST) && failure.getMessage().matches(".*\\b" + name + "\\b.*");
    }

    private void exportAndImport() {
        drain();
        boolean wasFaulted = machine.store.state() == LvStore.State.FAULTED;
        CrashStory.require(!wasFaulted || machine.disk.hasFailed(), "the pool is faulted: " + machine.store.fault());
        story.event("export", machine.store.freeClusterCount(), null);
        if (!machine.disk.hasFailed()) {
            CrashImage image = new CrashImage(machine.disk.media());
            image.compareSpace(machine.store);
            image.compare(machine.store, model, false);
        }
        LvsRig.Outcome<Void> exported = machine.run(done -> machine.store.export(done), story::moment);
        CrashStory.require(exported.failure == null || machine.disk.hasFailed(), "the pool cannot be exported: " + exported.failure);
        if (!machine.disk.hasFailed()) {
            CrashStory.require(new CrashImage(machine.disk.media()).isClean(), "an exported pool is unclean");
            if (random.nextInt(4) == 0) {
                story.event("cut after export", 0, null);
                story.checkClean(machine.disk.cut(random));
            }
        }
        machine.disk.failOneAfter(-1, false);
        machine.disk.loseCacheAfter(-1);
        if (machine.disk.hasLost()) {
            // Who opens a volume anew is not told of what was before: the export has named those that were not told.
            model.volumes.values().stream().filter(v -> isNamed(exported.failure, v.name)).forEach(model::flushFailed);
        }
        LvsRig.Outcome<LvStore> loaded = machine.run(done -> machine.stores.load(machine.disk, LvStores.Expected.any(), done),
                story::moment);
        CrashStory.require(loaded.failure == null, "the pool is refused" + (wasFaulted ? " after a fault: " : ": ") + loaded.failure);
        machine.store = loaded.value;
        drain();
        story.settle(false);
    }

    /** Everything is deleted: all of the pool must be free again. */
    void end() {
        while (!model.volumes.isEmpty()) {
            CrashModel.Volume v = story.pick(one -> !one.discarded && model.clones(one).isEmpty());
            model.removing(v);
            LvsRig.Outcome<Void> gone = machine.run(done -> machine.store.destroyLvol(machine.store.findLvol(v.name), done),
                    story::moment);
            CrashStory.require(gone.failure == null, v.name + " cannot be deleted: " + gone.failure);
            model.removed(v);
            drain();
            leave();
        }
        CrashStory.require(machine.store.freeClusterCount() == machine.store.clusterCount(), "of an empty pool "
                + (machine.store.clusterCount() - machine.store.freeClusterCount()) + " clusters are in use");
        CrashStory.require(machine.store.usedMetadataPageCount() == 1, "of an empty pool " + machine.store.usedMetadataPageCount()
                + " metadata pages are in use");
        exportAndImport();
    }

    /** The disk has grown, and the pool is told. */
    private Step grow() {
        long room = (plan.diskBytesMax() - story.diskBytes) / CrashPlan.CLUSTER_BYTES;
        if (model.poolClusters != model.otherPoolClusters || room == 0) {
            return null;
        }
        story.diskBytes += (1 + random.nextLong(room)) * CrashPlan.CLUSTER_BYTES;
        int clusters = (int) (story.diskBytes / CrashPlan.CLUSTER_BYTES);
        model.otherPoolClusters = clusters;
        story.event("grow", clusters, null);
        machine.hand.on(0, () -> machine.disk.grow(story.diskBytes));
        LvsRig.Outcome<LvStore> outcome = machine.start(done -> machine.store.grow(done));
        return changing("the pool's size", outcome, () -> {
            CrashStory.require(machine.store.geometry().totalClusterCount() == clusters, "the pool has not grown");
            model.poolClusters = clusters;
        }, null);
    }

    private Step limit() {
        if (model.commitLimit != model.otherCommitLimit) {
            return null;
        }
        int percent = random.nextBoolean() ? CommitLimit.NONE : CommitLimit.PERCENT_MIN + random.nextInt(400);
        model.otherCommitLimit = percent;
        story.event("limit", percent, null);
        LvsRig.Outcome<Void> outcome = machine.start(done -> machine.store.setCommitLimit(percent, done));
        return changing("the commit limit", outcome, () -> model.commitLimit = percent,
                () -> model.otherCommitLimit = model.commitLimit);
    }

    // --- volumes ------------------------------------------------------------------------------------

    private Step create() {
        if (model.volumes.size() >= plan.volumes()) {
            return null;
        }
        int number = story.nextName();
        boolean thin = random.nextInt(4) > 0;
        int most = thin ? machine.store.clusterCount() : Math.max(1, machine.store.freeClusterCount() / 2);
        long sizeBytes = (1 + random.nextInt(random.nextInt(3) == 0 ? most : Math.min(most, 6))) * CrashPlan.CLUSTER_BYTES;
        boolean unmaps = plan.unmapsToZeroes() && !machine.disk.isToFail();     // An unmap that fails is none of more than the head.
        long zeroBytes = thin || unmaps ? Long.MAX_VALUE : LvStore.ZEROED_HEAD_BYTES;
        CrashModel.Volume v = model.creating("v" + number, new UUID(9, number), thin, sizeBytes, zeroBytes);
        story.event("create", number, (thin ? "thin " : "thick ") + sizeBytes);
        return changing(v.name, machine.<Lvol>start(done -> machine.store.createLvol(v.name, v.uuid, sizeBytes, thin, done)),
                () -> model.created(v), () -> model.gone(v));
    }

    private Step destroy() {
        CrashModel.Volume v = story.pick(this::canGo);
        if (v == null) {
            return null;
        }
        if (model.clones(v).size() > 1) {
            model.discarding(v);
            story.event("discard", model.clones(v).size(), v.name);
            return changing(v.name, machine.<Void>start(done -> machine.store.destroyLvol(machine.store.findLvol(v.name), done)),
                    () -> model.discarded(v), () -> model.notRemoved(v));
        }
        model.removing(v);
        story.event("destroy", 0, v.name);
        return changing(v.name, machine.<Void>start(done -> machine.store.destroyLvol(machine.store.findLvol(v.name), done)),
                () -> model.removed(v), () -> model.notRemoved(v));
    }

    private Step resize() {
        CrashModel.Volume v = story.pick(one -> !one.changing && !one.frozen);
        if (v == null) {
            return null;
        }
        long before = v.sizeBytes;
        long clusters = 1 + random.nextInt(random.nextInt(3) == 0 ? machine.store.clusterCount()
                : (int) (before / CrashPlan.CLUSTER_BYTES + 3));
        long sizeBytes = Math.min(clusters, machine.store.clusterCount()) * CrashPlan.CLUSTER_BYTES;
        if (sizeBytes < before && (v.openCount > 0 || v.parent != null)) {
            return null;
        }
        model.resizing(v, sizeBytes);
        story.event("resize", sizeBytes, v.name);
        return changing(v.name, machine.<Lvol>start(done -> machine.store.resizeLvol(machine.store.findLvol(v.name), sizeBytes, done)),
                () -> model.resized(v, sizeBytes), () -> model.resized(v, before));
    }

    private Step snapshot() {
        CrashModel.Volume v = story.pick(one -> !one.changing && !one.frozen);
        if (v == null || model.volumes.size() >= plan.volumes() + SNAPSHOTS_MAX) {
            return null;
        }
        int number = story.nextName();
        CrashModel.Volume snapshot = model.snapshotting(v, "s" + number, new UUID(9, number));
        story.event("snapshot", number, v.name);
        return changing(v.name, machine.<Lvol>start(done -> machine.store.createSnapshot(machine.store.findLvol(v.name),
                new SnapshotOptions(snapshot.name, snapshot.uuid, null, null, Instant.EPOCH), done)),
                () -> {
                    model.snapshotted(v, snapshot);
                    model.seen(snapshot, 0, snapshot.sizeBytes / CrashModel.SECTOR,
                            CrashImage.contents(machine.disk.media(), machine.store.findLvol(snapshot.name)));
                }, () -> model.notSnapshotted(v, snapshot));
    }

    /** Whether a volume can be deleted: what stands on it may not be changing, and gets what it holds if it is one clone. */
    private boolean canGo(CrashModel.Volume v) {
        List<CrashModel.Volume> clones = model.clones(v);
        if (v.changing || v.openCount > 0 || v.discarded) {
            return false;
        }
        if (clones.size() > 1) {
            return clones.stream().noneMatch(one -> one.changing);
        }
        CrashModel.Volume clone = clones.isEmpty() ? null : clones.getFirst();
        boolean hidesWhatIsAbove = clone != null && v.parent != null && v.parent.sizeBytes > v.sizeBytes
                && clone.sizeBytes > v.sizeBytes;
        return clone == null || !clone.changing && !hidesWhatIsAbove;
    }

    private Step rollback() {
        CrashModel.Volume v = story.pick(one -> !one.changing && !one.frozen && one.openCount == 0 && one.parent != null
                && !one.parent.changing);
        if (v == null) {
            return null;
        }
        CrashModel.Volume up = v.parent.parent;
        CrashModel.Volume to = up != null && !up.changing && random.nextBoolean() ? up : v.parent;
        if (to.discarded) {
            return null;
        }
        model.takingBack(v, to);
        story.event("rollback", 0, v.name + " to " + to.name);
        return changing(v.name, machine.<Lvol>start(done -> machine.store.rollbackLvol(machine.store.findLvol(v.name),
                machine.store.findLvol(to.name), done)), () -> model.takenBack(v, to), () -> model.notTakenBack(v, to));
    }

    private Step inflate() {
        CrashModel.Volume v = story.pick(one -> !one.changing && !one.frozen && one.parent != null && !one.parent.changing);
        if (v == null) {
            return null;
        }
        CrashModel.Volume up = v.parent.parent;
        boolean entirely = up != null && (up.changing || up.sizeBytes > v.parent.sizeBytes) || random.nextBoolean();
        boolean joinsUp = !entirely && up != null;
        model.inflating(v, entirely);
        if (joinsUp) {
            up.changing = true;     // Refused while it gets this clone, which is for an instant.
        }
        story.event("inflate", entirely ? 1 : 0, v.name);
        return changing(v.name, machine.<Lvol>start(done -> {
            if (entirely) {
                machine.store.inflateLvol(machine.store.findLvol(v.name), WorkWatch.NONE, done);
            } else {
                machine.store.decoupleLvol(machine.store.findLvol(v.name), WorkWatch.NONE, done);
            }
        }), () -> {
            model.inflated(v, entirely);
            settled(joinsUp, up);
        }, () -> {
            model.notInflated(v);
            settled(joinsUp, up);
        });
    }

    private static void settled(boolean joined, CrashModel.Volume up) {
        if (joined) {
            up.changing = false;
        }
    }

    private Step cloneSnapshot() {
        CrashModel.Volume of = story.pick(one -> !one.changing && one.frozen && !one.discarded);
        if (of == null || model.volumes.size() >= plan.volumes() + SNAPSHOTS_MAX) {
            return null;
        }
        int number = story.nextName();
        CrashModel.Volume clone = model.cloning(of, "c" + number, new UUID(9, number));
        of.changing = true;
        story.event("clone", number, of.name);
        return changing(clone.name, machine.<Lvol>start(done -> machine.store.cloneSnapshot(machine.store.findLvol(of.name), clone.name,
                clone.uuid, Instant.EPOCH, done)), () -> {
                    of.changing = false;
                    model.created(clone);
                }, () -> {
                    of.changing = false;
                    model.gone(clone);
                });
    }

    /** @param refused what holds when the pool was full; null: that cannot be */
    private Step changing(String what, LvsRig.Outcome<?> outcome, Runnable done, Runnable refused) {
        return new Step() {
            @Override
            public boolean ended() {
                return outcome.ended;
            }

            @Override
            public void finish() {
                OperationException failure = outcome.failure;
                story.event("changed", failure == null ? 1 : 0, what + (failure == null ? "" : ": " + failure));
                if (failure == null) {
                    done.run();
                } else if (refused != null && CrashStory.isFull(failure)) {
                    refused.run();
                } else {        // What became of it shows at the next import.
                    CrashStory.require(machine.disk.hasFailed(), "a change of " + what + " fails: " + failure);
                }
            }
        };
    }
}
