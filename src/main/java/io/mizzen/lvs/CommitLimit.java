package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.BitSet;

/**
 * How far the volumes of a pool together may exceed what it can hold, in percent of its capacity: an attribute of the super
 * blob, so that it stays with the pool. Others ignore it. Control reactor only.
 */
final class CommitLimit {
    /** No limit. */
    static final int NONE = 0;
    static final int PERCENT_MIN = 100;
    static final int PERCENT_MAX = 1_000_000;
    private static final String XATTR = "mizzen.commit-limit-percent";
    private static final int VALUE_BYTES = 16;

    private final LvStore store;
    private BlobMetadata superBlob;
    private int percent;

    CommitLimit(LvStore store, BlobMetadata superBlob) {
        this.store = store;
        this.superBlob = superBlob;
        this.percent = superBlob == null ? NONE : read(superBlob.xattr(XATTR));
    }

    /** {@link #NONE}, or 100 and more. */
    int percent() {
        return percent;
    }

    private static int read(Xattr xattr) {
        try {
            int stored = xattr == null ? NONE : Integer.parseInt(xattr.text());
            return stored >= PERCENT_MIN && stored <= PERCENT_MAX ? stored : NONE;
        } catch (NumberFormatException e) {
            return NONE;        // Not ours.
        }
    }

    /** Refuses what would take the volumes above the limit. @param addedBytes beyond what is committed already */
    void check(long addedBytes) {
        long limitBytes = limitBytes();
        long committedBytes = store.committedBytes();
        if (addedBytes > 0 && limitBytes - committedBytes < addedBytes) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "pool-commit-limit", "the volumes of pool " + store.name()
                    + " have " + committedBytes + " bytes in all, and with " + addedBytes + " more they would exceed its limit of "
                    + limitBytes + " (" + percent + " % of its capacity); raise the limit, or delete volumes");
        }
    }

    private long limitBytes() {
        long hundredth = store.capacityBytes() / 100;
        return percent == NONE || hundredth >= Long.MAX_VALUE / percent ? Long.MAX_VALUE
                : hundredth * percent + store.capacityBytes() % 100 * percent / 100;
    }

    /** Sets it, durably. A limit below what is committed already only refuses what is new. */
    void set(int newPercent, Completion<Void> done) {
        if (newPercent != NONE && (newPercent < PERCENT_MIN || newPercent > PERCENT_MAX)) {
            throw OperationException.invalid("commit-limit-invalid", "the limit is from " + PERCENT_MIN + " to " + PERCENT_MAX
                    + " percent of the pool's capacity, or " + NONE + " for none, not " + newPercent);
        }
        String unknown = LvolFeatures.unusableReason(LvolFeatures.of(superBlob, false));
        if (unknown != null) {
            throw OperationException.precondition("pool-metadata-unknown", "the attributes of pool " + store.name() + " cannot be changed: "
                    + "what holds them, blob 0x" + Long.toHexString(superBlob.id()) + ", has more than that (" + unknown + "), which would be lost");
        }
        store.queue().add(() -> {
            if (!store.writable()) {
                store.queue().done();
                done.fail(LvStore.faulted());
                return;
            }
            BlobMetadata next = superBlob.copy();
            next.xattrs.removeIf(x -> x.name().equals(XATTR));
            if (newPercent != NONE) {
                next.xattrs.add(Xattr.ofText(XATTR, Integer.toString(newPercent), VALUE_BYTES));
            }
            new BlobCommit(store.space(), store.writer()).commit(superBlob, next, new BitSet(), (failure, torn) -> {
                if (torn) {
                    store.fault(failure);
                } else if (failure == null) {
                    superBlob = next;
                    percent = newPercent;
                }
                store.queue().done();
                done.complete(null, failure);
            });
        }, done::fail);
    }
}
