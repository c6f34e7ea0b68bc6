package io.mizzen.lvs;

import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Closes a pool. Export: changes drained → bdevs unregistered → masks written → redo page cleared → super block marked
 * clean, each durable before the next → base device closed. Destruction wipes the super block instead. A FAULTED pool is
 * closed without a write and stays unclean: the next import recovers it.
 *
 * <p>A flush of the device that failed is told to each volume by its own next flush. A volume that has none any more is named by
 * the failure of the export, though the pool is closed as it should be: nobody would learn it later.
 */
final class StoreClose {
    private static final long DRAIN_POLL_NS = 1_000_000;

    private final LvStore store;
    private final boolean destroy;
    private final Completion<Void> done;
    private final List<String> untold = new ArrayList<>();
    private OperationException failure;

    StoreClose(LvStore store, boolean destroy, Completion<Void> done) {
        this.store = store;
        this.destroy = destroy;
        this.done = done;
    }

    void start() {
        if (store.state() == LvStore.State.CLOSING || store.state() == LvStore.State.CLOSED) {
            done.fail(OperationException.precondition("pool-closing", "pool " + store.name() + " is being closed"));
            return;
        }
        if (destroy && store.readOnly()) {
            done.fail(OperationException.precondition("pool-read-only", "pool " + store.name() + " is open read-only; export it and"
                    + " import it without \"readOnly\" to destroy it"));
            return;
        }
        List<Lvol> open = store.openLvols();
        if (!open.isEmpty()) {
            Lvol first = open.getFirst();
            done.fail(OperationException.precondition("pool-in-use", "volume " + first + " is open ("
                    + first.bdev().claimedBy() + "), and " + (open.size() - 1) + " others"));
            return;
        }
        store.state(LvStore.State.CLOSING);
        drain();
    }

    /** Waits for what was accepted before. A timer, not a loop: this is rare and short. */
    private void drain() {
        if (store.quiet()) {
            unregister(new ArrayList<>(store.lvols()));
            return;
        }
        store.mthread().reactor().arm(new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                drain();
            }
        }, DRAIN_POLL_NS);
    }

    private void unregister(List<Lvol> rest) {
        while (!rest.isEmpty()) {
            Lvol lvol = rest.removeLast();
            if (lvol.bdev() != null) {
                LvolBdev bdev = lvol.bdev();
                if (bdev.hasUntoldLoss()) {
                    untold.add(lvol.name());
                }
                lvol.bdev(null);
                lvol.unusable("the pool is closed");
                store.registry().unregister(bdev, (value, refused) -> unregister(rest));
                return;
            }
        }
        if (store.readOnly()) {
            close();
        } else if (store.fault() != null) {
            failure = destroy ? store.fault() : null;
            close();
        } else if (destroy) {
            wipe();
        } else if (store.space().hasStrayPages()) {
            close();            // Left unclean: the next import takes the masks from the metadata.
        } else {
            writeMasks();
        }
    }

    private void wipe() {
        MemorySegment zeroes = MemorySegment.ofArray(new byte[SuperBlock.SIZE_BYTES]);
        store.port().writeDurably(List.of(new StorePort.PageWrite(0, zeroes)), status -> finish("wiping the super block", status));
    }

    private void writeMasks() {
        store.port().writeDurably(masks(store.geometry(), store.space()), status -> {
            if (status != 0) {
                finish("writing the masks", status);
                return;
            }
            store.writer().clearRedo(redoStatus -> {
                if (redoStatus != 0) {
                    finish("clearing the redo page", redoStatus);
                    return;
                }
                SuperBlock.clean(store.superBlock(), 0, true);
                SuperBlock.updateCrc(store.superBlock(), 0);
                store.port().writeDurably(List.of(new StorePort.PageWrite(0, store.superBlock())),
                        superStatus -> finish("writing the super block", superStatus));
            });
        });
    }

    static List<StorePort.PageWrite> masks(Geometry g, PoolSpace space) {
        return List.of(
                mask(g.usedPageMaskStart(), MetadataMask.TYPE_USED_PAGES, g.metadataPageCount(),
                        space.usedPages()),
                mask(g.usedClusterMaskStart(), MetadataMask.TYPE_USED_CLUSTERS, g.totalClusterCount(),
                        space.usedClusters()),
                mask(g.usedBlobIdMaskStart(), MetadataMask.TYPE_USED_BLOBIDS, g.metadataPageCount(),
                        space.usedBlobIds()));
    }

    /** The pages that it takes; it may have room for more. */
    private static StorePort.PageWrite mask(long start, int type, int bits, BitSet used) {
        int sizeBytes = Math.toIntExact(MetadataMask.pagesFor(bits) * MetadataPage.SIZE_BYTES);
        MemorySegment data = MemorySegment.ofArray(new byte[sizeBytes]);
        MetadataMask.write(data, 0, sizeBytes, type, bits, used);
        return new StorePort.PageWrite(start * MetadataPage.SIZE_BYTES, data);
    }

    private void finish(String what, int status) {
        if (status != 0) {
            failure = BlobCommit.failed(what, status);
        }
        close();
    }

    private void close() {
        store.device().close();
        store.state(LvStore.State.CLOSED);
        done.complete(null, destroy || untold.isEmpty() ? failure : lossUntold());
    }

    private OperationException lossUntold() {
        return new OperationException(ErrorKind.DATA_LOSS, LvStore.CODE_WRITES_LOST, "pool " + store.name() + " is closed, but a flush of its"
                + " device has failed, and these were written and not flushed since: " + String.join(", ", untold.reversed()) + ". What was"
                + " written to them last may be lost: rebuild them from another copy, or check what is on them"
                + (failure == null ? "" : ". And " + failure.getMessage()), failure);
    }
}
