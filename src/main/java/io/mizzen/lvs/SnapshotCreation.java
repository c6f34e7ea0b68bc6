package io.mizzen.lvs;

import io.mizzen.bdev.Status;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.BitSet;
import java.util.UUID;

/**
 * Takes a snapshot of a volume that may be in use. The snapshot gets the volume's clusters, extent pages and parent; the
 * volume goes on as an empty clone of it.
 *
 * <pre>
 * root page taken → (its turn) → both new states prepared on fresh pages → what was written before flushed
 *   → snapshot's root, with the mark that it is being made      a crash from here on: the snapshot is dropped
 *   → volume's root                                             a crash from here on: the snapshot is kept
 *   → snapshot's root without the mark, read-only
 *   → new writes held, those in flight ended → map split, bdev made known, turn over → writes go on
 *   → flushed → acknowledged
 * </pre>
 *
 * <p>The point in time is when the map is split: what was acknowledged before is in the snapshot, what is written after is
 * not. Everything on disk is done by then, so that writes wait for nothing but each other; reads never do. Until then
 * writes go to clusters that are the snapshot's on disk already, and which the volume reads through it: a crash loses
 * nothing of them, and leaves a snapshot, never acknowledged, of the moment of the crash.
 *
 * <p>Its turn keeps clusters from being allocated and freed meanwhile. All that can run out is taken before, so that
 * afterwards only a failing device stops it, which faults the pool.
 */
final class SnapshotCreation {
    private static final BitSet NONE = new BitSet();

    private final LvStore store;
    private final Lvol lvol;
    private final SnapshotOptions options;
    private final SnapshotMoment moment;
    private final UUID uuid;
    private final Completion<Lvol> done;
    private final BlobCommit commit;
    private Lvol snapshot;
    private BlobMetadata old;
    private BlobMetadata next;
    private BlobMetadata making;
    private BlobMetadata made;
    private long flushFailures;
    private BlobCommit.Prepared preparedVolume;
    private BlobCommit.Prepared preparedSnapshot;

    SnapshotCreation(LvStore store, Lvol lvol, SnapshotOptions options, SnapshotMoment moment, Completion<Lvol> done) {
        this.moment = moment;
        this.store = store;
        this.lvol = lvol;
        this.options = options;
        this.uuid = options.uuid() == null ? UUID.randomUUID() : options.uuid();
        this.done = done;
        this.commit = new BlobCommit(store.space(), store.writer());
    }

    void start() {
        LvolResize.checkUsable(store, lvol);
        LvolResize.checkParentSettled(lvol);
        if (lvol.snapshot()) {
            throw OperationException.precondition("snapshot-immutable", "volume " + lvol
                    + " is a snapshot, which never changes; make a clone of it");
        }
        LvolCreation.checkName(options.name(), "a snapshot");
        LvolCreation.checkFree(store, options.name(), uuid);
        store.commitLimit().check(lvol.allocatedBytes());
        store.heap().check(store, lvol.clusterCount(), lvol.clusterCount(), 1);
        making = new BlobMetadata(LvolCreation.takeRoot(store));
        snapshot = new Lvol(store, making, options.name(), uuid, "it is being created");
        snapshot.busy("it is being created");
        store.add(snapshot);
        lvol.busy("a snapshot of it is being taken");
        store.queue().add(this::run, this::torn);
    }

    private void run() {
        if (!store.writable()) {
            refused(LvStore.faulted());
            return;
        }
        fill();
        flushFailures = store.port().flushFailures();
        commit.prepare(next, NONE, (prepared, failure) -> {
            preparedVolume = prepared;
            if (failure != null) {
                refused(failure);
                return;
            }
            commit.prepare(made, NONE, (preparedToo, failureToo) -> {
                preparedSnapshot = preparedToo;
                if (failureToo != null) {
                    refused(failureToo);
                } else {
                    store.port().flush(flushFailures, this::flushedBefore);
                }
            });
        });
    }

    /** A snapshot that a crash leaves has what was acknowledged before it was asked for. */
    private void flushedBefore(int status) {
        if (status != Status.SUCCESS) {
            refused(BlobCommit.failed("flushing what a snapshot is taken of", status));
            return;
        }
        if (!moment.isOpen()) {
            refused(new OperationException(ErrorKind.UNAVAILABLE, "snapshot-too-late", "snapshot " + options.name() + " of "
                    + lvol + " did not begin in the time that was allowed; nothing was changed"));
            return;
        }
        commit.commit(null, making, NONE, (failure, torn) -> {
            if (torn) {
                torn(failure);
            } else if (failure != null) {
                refused(failure);
            } else {
                commit.finish(old, next, preparedVolume, making, this::unmark);
            }
        });
    }

    private void unmark(OperationException failure, boolean torn) {
        if (failure != null) {
            torn(failure);
            return;
        }
        commit.finish(making, made, preparedSnapshot, null, (madeFailure, madeTorn) -> {
            if (madeFailure != null || lvol.bdev() == null) {
                torn(madeFailure != null ? madeFailure : LvStore.faulted());
            } else {
                hold(lvol.bdev());
            }
        });
    }

    private void hold(LvolBdev bdev) {
        int[] empty = new int[old.clusters.length];
        long startNs = Reactor.current().nowNs();
        bdev.holdWrites(store.mthread(), (lock, never) -> {
            snapshot.map(lvol.map().split(empty));
            lvol.blob(next);
            snapshot.blob(made);
            snapshot.parent(lvol.parent());
            lvol.parent(snapshot);
            moment.onPassed();
            bdev.unlockRange(lock, store.mthread(), (nothing, neverToo) -> {
                snapshot.pauseNs(Reactor.current().nowNs() - startNs);
                store.port().flush(flushFailures, this::flushedAfter);
            });
            snapshot.unusable(null);
            store.publish(snapshot);    // First: with its turn over, others look at all that can be used.
            store.queue().done();
        });
    }

    private void fill() {
        old = lvol.blob();
        making.invalidFlags = old.invalidFlags;
        making.metadataReadOnlyFlags = old.metadataReadOnlyFlags;
        making.extentTable = old.extentTable;
        making.clusters = old.clusters;
        making.extentPages = old.extentPages;
        making.xattr(Xattr.ofText("name", options.name(), LvStore.NAME_BYTES_MAX + 1));
        making.xattr(Xattr.ofText("uuid", uuid.toString(), 37));
        SnapshotInfo.set(making, lvol, uuid, options, moment.id());
        long parent = LvolFeatures.parentOf(old);
        if (parent != 0) {
            making.internalXattr(LvolFeatures.PARENT, parent);
        }
        made = making.copy();
        if (parent == 0) {
            made.invalidFlags &= ~BlobFlags.INTERNAL_XATTR;
        }
        made.dataReadOnlyFlags |= BlobFlags.READ_ONLY;
        making.internalXattr(LvolFeatures.SNAPSHOT_MAKING, old.id());
        next = old.copy();
        next.clusters = new int[old.clusters.length];
        next.extentPages = new int[old.extentPages.length];
        next.invalidFlags |= BlobFlags.THIN_PROVISIONED;
        next.internalXattr(LvolFeatures.PARENT, making.id());
    }

    /** What it holds does not change any more, whatever happens. */
    private void flushedAfter(int status) {
        snapshot.idle();
        lvol.idle();
        if (status != Status.SUCCESS) {
            OperationException failure = BlobCommit.failed("flushing a snapshot", status);
            store.fault(failure);
            done.fail(failure);
            return;
        }
        done.ok(snapshot);
    }

    /** Nothing has changed: everything is given back. */
    private void refused(OperationException failure) {
        if (preparedVolume != null) {
            commit.abandon(preparedVolume);
        }
        if (preparedSnapshot != null) {
            commit.abandon(preparedSnapshot);
        }
        store.space().releaseBlobId(making.rootPage);
        store.space().releasePage(making.rootPage);
        store.remove(snapshot);
        release();
        done.fail(failure);
    }

    /** What is on the disk is not known: an import finds out. What was taken stays so. */
    private void torn(OperationException failure) {
        store.fault(failure);
        store.remove(snapshot);
        release();
        done.fail(failure);
    }

    private void release() {
        snapshot.idle();
        lvol.idle();
        store.queue().done();
    }
}
