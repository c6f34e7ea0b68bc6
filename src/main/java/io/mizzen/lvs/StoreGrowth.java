package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;

/**
 * Takes clusters in that the device under a pool has gained at its end: the super block with the new size and the longer mask
 * of used clusters is written (through the redo page, where the device may tear it), then they are free to use. The masks
 * themselves are written when the pool closes; until then it is unclean, as every open pool.
 */
final class StoreGrowth {
    private final LvStore store;
    private final Completion<LvStore> done;

    StoreGrowth(LvStore store, Completion<LvStore> done) {
        this.store = store;
        this.done = done;
    }

    void start() {
        store.queue().add(this::run, this::end);
    }

    private void run() {
        Geometry old = store.geometry();
        long allBytes = store.port().sizeBytes();
        long deviceBytes = Math.min(allBytes, old.growableToBytes());       // Rather a part of a device than nothing.
        if (!store.writable()) {
            end(LvStore.faulted());
            return;
        }
        store.device().onGrown();
        if (allBytes < old.storeSizeBytes()) {
            end(OperationException.precondition("pool-device-shrunk", "the device under pool " + store.name() + " has only "
                    + allBytes + " bytes now, the pool has " + old.storeSizeBytes() + ": make it as large as it was"));
            return;
        }
        boolean more = deviceBytes / old.clusterSizeBytes() > old.totalClusterCount();
        if (!more && allBytes / old.clusterSizeBytes() <= old.totalClusterCount()) {
            end(null);
            return;
        }
        Geometry grown;
        try {
            grown = old.grown(more ? deviceBytes : allBytes);
        } catch (FormatException e) {
            end(e.toOperation());
            return;
        }
        MemorySegment superBlock = MemorySegment.ofArray(new byte[SuperBlock.SIZE_BYTES]).copyFrom(store.superBlock());
        SuperBlock.grow(superBlock, 0, grown);
        store.writer().commitSuperBlock(superBlock, status -> {
            if (status != 0) {
                OperationException failure = BlobCommit.failed("writing the super block", status);
                store.fault(failure);
                end(failure);
                return;
            }
            store.grown(grown, superBlock);
            end(null);
        });
    }

    private void end(OperationException failure) {
        store.queue().done();
        done.complete(failure == null ? store : null, failure);
    }
}
