package io.mizzen.lvs;

import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.BitSet;

/**
 * Makes a volume, which may be in use, independent of its snapshot: allocates what it reads from there, as first writes
 * would, a few clusters at a time, then commits without the snapshot. Inflating allocates all of the volume, which is
 * thick afterwards; decoupling only what its parent holds, and it is a clone of the parent's parent afterwards. Cut short or
 * cancelled, it has merely allocated some; nothing that is read changes at any moment.
 */
final class LvolInflation {
    private static final long RETRY_NS = 1_000_000;
    private static final int REQUESTS_MAX = ClusterAllocator.ZEROING_MAX;

    private final LvStore store;
    private final Lvol lvol;
    private final boolean decouple;
    private final WorkWatch watch;
    private final Completion<Lvol> done;
    /** Clusters to allocate, as far as is known; those before {@link #at} have been asked for. */
    private BitSet missing = new BitSet();
    private int at;
    private int requests;
    /** Of the clusters to allocate, and of those found since because an unmap had freed them. */
    private long doneCount;
    private long totalCount;
    private int failedStatus;
    private boolean cancelled;
    /** Requests are being made: one that is answered at once is seen by the loop that makes them. */
    private boolean asking;

    LvolInflation(LvStore store, Lvol lvol, boolean decouple, WorkWatch watch, Completion<Lvol> done) {
        this.store = store;
        this.lvol = lvol;
        this.decouple = decouple;
        this.watch = watch;
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
            throw lvol.parent().busyRefusal("snapshot " + lvol.parent());
        }
        if (decouple) {
            SnapshotRemoval.checkLengths(lvol.parent(), lvol);
            LvolResize.checkParentSettled(lvol.parent());
        }
        look();
        if (totalCount > store.space().freeClusterCount()) {
            throw LvolCreation.noSpace(store, (int) totalCount);
        }
        tell();
        lvol.busy(decouple ? "it is being decoupled" : "it is being inflated");
        go();
    }

    /** Finds what is to be allocated now. */
    private void look() {
        missing = new BitSet();
        for (int i = 0; i < lvol.clusterCount(); i++) {
            missing.set(i, isMissing(i));
        }
        at = 0;
        totalCount = doneCount + missing.cardinality();
    }

    private void tell() {
        long clusterBytes = store.clusterSizeBytes();
        cancelled = !watch.at(doneCount * clusterBytes, totalCount * clusterBytes);
        lvol.work(new Lvol.Work(decouple ? "decouple" : "inflate", totalCount == 0 ? 100 : (int) (doneCount * 100 / totalCount)));
    }

    private boolean isMissing(int index) {
        return lvol.map().get(index) == BlobMetadata.UNALLOCATED
                && (!decouple || index < lvol.parent().clusterCount()
                && lvol.parent().map().get(index) != BlobMetadata.UNALLOCATED);
    }

    private void go() {
        asking = true;
        for (int next; goesOn() && requests < REQUESTS_MAX && (next = missing.nextSetBit(at)) >= 0; at = next + 1) {
            if (store.state() != LvStore.State.ONLINE) {
                failedStatus = LvStore.STATUS_POOL_FAULTED;
            } else if (isMissing(next)) {
                requests++;
                store.allocator().request(lvol, next, false, this::allocated);
            } else {
                doneCount++;        // Somebody has written there.
            }
        }
        asking = false;
        if (requests == 0 && !goesOn()) {
            ended(reason());
        } else if (requests == 0) {
            store.queue().add(this::commit, this::ended);
        }
    }

    private boolean goesOn() {
        return failedStatus == 0 && !cancelled;
    }

    private OperationException reason() {
        return failedStatus == 0 ? new OperationException(ErrorKind.UNAVAILABLE, LvStore.INFLATION_ENDED, "it was cancelled; what was"
                + " allocated stays, and the volume is a clone still")
                : failedStatus == LvStore.STATUS_CAPACITY_EXCEEDED
                ? LvolCreation.noSpace(store, 1)
                : store.state() == LvStore.State.CLOSING
                ? OperationException.precondition("pool-closing", "pool " + store.name() + " is being closed")
                : BlobCommit.failed("allocating a cluster", failedStatus);
    }

    private void allocated(int status) {
        requests--;
        if (status != 0) {
            failedStatus = status;
        } else {
            doneCount++;
        }
        tell();
        if (!asking && (requests == 0 || goesOn())) {
            go();
        }
    }

    private void commit() {
        if (!store.writable()) {
            store.queue().done();
            ended(LvStore.faulted());
            return;
        }
        look();
        tell();
        if (cancelled || !missing.isEmpty()) {
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
            above.busy("volume " + lvol + " becomes its clone");     // Nobody deletes it before it has this clone.
            next.internalXattr(LvolFeatures.PARENT, above.blob().id());
        } else {
            next.removeInternalXattr(LvolFeatures.PARENT);
        }
        if (!decouple) {
            next.invalidFlags &= ~BlobFlags.THIN_PROVISIONED;
        }
        new BlobCommit(store.space(), store.writer()).commit(lvol.blob(), next, new BitSet(), (failure, torn) -> {
            if (above != null) {
                above.idle();
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
        lvol.idle();
        if (failure != null) {
            done.fail(failure);
        } else {
            done.ok(lvol);
        }
    }
}
