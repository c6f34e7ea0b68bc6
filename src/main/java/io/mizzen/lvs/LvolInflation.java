package io.mizzen.lvs;

import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.BitSet;

/**
 * Makes a volume, which may be in use, independent of its snapshot: allocates what it reads from there, as first writes
 * would, a few clusters at a time, then commits without the snapshot. Inflating allocates all of the volume, which is
 * thick afterwards; decoupling only what its parent holds, and it is a clone of the parent's parent afterwards. Cut short,
 * it has merely allocated some; nothing that is read changes at any moment.
 */
final class LvolInflation {
    private static final long RETRY_NS = 1_000_000;
    private static final int REQUESTS_MAX = ClusterAllocator.ZEROING_MAX;

    private final LvStore store;
    private final Lvol lvol;
    private final boolean decouple;
    private final Completion<Lvol> done;
    private int at;
    private int requests;
    private int failedStatus;
    /** Requests are being made: one that is answered at once is seen by the loop that makes them. */
    private boolean asking;

    LvolInflation(LvStore store, Lvol lvol, boolean decouple, Completion<Lvol> done) {
        this.store = store;
        this.lvol = lvol;
        this.decouple = decouple;
        this.done = done;
    }

    void start() {
        LvolResize.checkUsable(store, lvol);
        if (lvol.snapshot()) {
            throw OperationException.precondition("snapshot-immutable", "volume " + lvol + " is a snapshot and never changes");
        }
        if (lvol.parent() == null && decouple) {
            throw OperationException.precondition("replica-no-clone", "volume " + lvol + " is no clone of a snapshot");
        }
        if (lvol.parent() != null && lvol.parent().busy()) {
            throw OperationException.precondition("replica-busy", "snapshot " + lvol.parent() + " is being changed; try again");
        }
        if (decouple) {
            SnapshotRemoval.checkLengths(lvol.parent(), lvol);
            LvolResize.checkParentSettled(lvol.parent());
        }
        int missing = 0;
        for (int i = 0; i < lvol.clusterCount(); i++) {
            missing += isMissing(i) ? 1 : 0;
        }
        if (missing > store.space().freeClusterCount()) {
            throw LvolCreation.noSpace(store, missing);
        }
        lvol.busy(true);
        lvol.work(new Lvol.Work(decouple ? "decouple" : "inflate", 0));
        go();
    }

    private boolean isMissing(int index) {
        return lvol.map().get(index) == BlobMetadata.UNALLOCATED
                && (!decouple || index < lvol.parent().clusterCount()
                && lvol.parent().map().get(index) != BlobMetadata.UNALLOCATED);
    }

    private void go() {
        asking = true;
        while (failedStatus == 0 && requests < REQUESTS_MAX && at < lvol.clusterCount()) {
            if (store.state() != LvStore.State.ONLINE) {
                failedStatus = LvStore.STATUS_POOL_FAULTED;
            } else if (isMissing(at++)) {
                requests++;
                store.allocator().request(lvol, at - 1, false, this::allocated);
            }
        }
        asking = false;
        if (requests == 0 && failedStatus != 0) {
            ended(reason());
        } else if (requests == 0) {
            store.queue().add(this::commit, this::ended);
        }
    }

    private OperationException reason() {
        return failedStatus == LvStore.STATUS_CAPACITY_EXCEEDED
                ? LvolCreation.noSpace(store, 1)
                : store.state() == LvStore.State.CLOSING
                ? OperationException.precondition("pool-closing", "pool " + store.name() + " is being closed")
                : BlobCommit.failed("allocating a cluster", failedStatus);
    }

    private void allocated(int status) {
        requests--;
        if (status != 0) {
            failedStatus = status;
        }
        lvol.work(new Lvol.Work(decouple ? "decouple" : "inflate", (int) (at * 100L / lvol.clusterCount())));
        if (!asking && (requests == 0 || failedStatus == 0)) {
            go();
        }
    }

    private void commit() {
        if (!store.writable()) {
            store.queue().done();
            ended(LvStore.faulted());
            return;
        }
        for (at = 0; at < lvol.clusterCount() && !isMissing(at); ) {
            at++;
        }
        if (at < lvol.clusterCount()) {
            store.queue().done();       // An unmap has freed some meanwhile.
            go();
            return;
        }
        Lvol above = decouple ? lvol.parent().parent() : null;
        if (above != null && above.busy()) {
            store.queue().done();       // It may be going, and leave what it holds to the parent.
            commitLater();
            return;
        }
        BlobMetadata next = lvol.blob().copy();
        if (above != null) {
            above.busy(true);           // Nobody deletes it before it has this clone.
            next.internalXattr(LvolFeatures.PARENT, above.blob().id());
        } else {
            next.removeInternalXattr(LvolFeatures.PARENT);
        }
        if (!decouple) {
            next.invalidFlags &= ~BlobFlags.THIN_PROVISIONED;
        }
        new BlobCommit(store.space(), store.writer()).commit(lvol.blob(), next, new BitSet(), (failure, torn) -> {
            if (above != null) {
                above.busy(false);
            }
            if (torn) {
                store.fault(failure);
            } else if (failure == null) {
                lvol.blob(next);
                lvol.parent(above);
                lvol.zeroed(false);
            }
            // The snapshot, which nobody may stand on any more, can be deleted from here on: in its turn, which comes after this.
            new ReaderDrain(store, lvol, () -> {
                store.queue().done();
                ended(failure);
            }).start();
        });
    }

    /** A timer, not a loop: this is rare and short. */
    private void commitLater() {
        store.mthread().reactor().arm(new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                store.queue().add(LvolInflation.this::commit, LvolInflation.this::ended);
            }
        }, RETRY_NS);
    }

    private void ended(OperationException failure) {
        lvol.work(null);
        lvol.busy(false);
        if (failure != null) {
            done.fail(failure);
        } else {
            done.ok(lvol);
        }
    }
}
