package io.mizzen.lvs;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Replaces one blob on disk by a changed copy of it: extent pages whose contents change and all chain pages go to fresh
 * pages, then the root is committed, then the pages of the old state are zeroed and released. Pages come from and return
 * to the {@link PoolSpace}; clusters are the caller's. One at a time, from the {@link MetadataQueue}.
 */
final class BlobCommit {
    private final PoolSpace space;
    private final MetadataWriter writer;

    BlobCommit(PoolSpace space, MetadataWriter writer) {
        this.space = space;
        this.writer = writer;
    }

    /** How a change ended. */
    interface Outcome {
        /**
         * @param failure null: done and durable. Else nothing was changed, unless {@code torn}
         * @param torn the commit itself failed: disk and memory may differ, and the pool must not be changed any more
         */
        void ended(OperationException failure, boolean torn);
    }

    /**
     * Commits {@code next} over {@code old}.
     *
     * @param old null for a new blob, whose root page is taken already
     * @param rewritten indices of the extent pages whose contents differ from those of {@code old}
     */
    void commit(BlobMetadata old, BlobMetadata next, BitSet rewritten, Outcome outcome) {
        prepare(next, rewritten, (prepared, failure) -> {
            if (failure != null) {
                outcome.ended(failure, false);
            } else {
                finish(old, next, prepared, null, outcome);
            }
        });
    }

    /** The first half of a commit has been done: {@link #finish} it, or {@link #abandon} it. */
    record Prepared(MemorySegment root, List<Integer> taken) {
    }

    /** Receives a prepared commit, or why there is none; then nothing was changed. */
    interface Ready {
        void ready(Prepared prepared, OperationException failure);
    }

    /** Writes everything of {@code next} but its root, to fresh pages. Without any it is ready at once. */
    void prepare(BlobMetadata next, BitSet rewritten, Ready ready) {
        List<Integer> taken = new ArrayList<>();
        List<MetadataWriter.Page> fresh = new ArrayList<>();
        MemorySegment root;
        try {
            root = prepare(next, rewritten, taken, fresh);
        } catch (FormatException e) {
            taken.forEach(space::releasePage);
            ready.ready(null, new OperationException(ErrorKind.INVALID_ARGUMENT, e.code(), e.getMessage()));
            return;
        } catch (OperationException e) {
            taken.forEach(space::releasePage);
            ready.ready(null, e);
            return;
        }
        if (fresh.isEmpty()) {
            ready.ready(new Prepared(root, taken), null);
            return;
        }
        writer.writeFresh(fresh, status -> {
            if (status != 0) {
                taken.forEach(space::releasePage);
                ready.ready(null, failed("writing metadata pages", status));
            } else {
                ready.ready(new Prepared(root, taken), null);
            }
        });
    }

    /** Gives the pages of a prepared commit back. */
    void abandon(Prepared prepared) {
        prepared.taken().forEach(space::releasePage);
    }

    /** @param heir a blob that has taken over extent pages of {@code old}, or null */
    void finish(BlobMetadata old, BlobMetadata next, Prepared prepared, BlobMetadata heir, Outcome outcome) {
        writer.commit(new MetadataWriter.Page(next.rootPage, prepared.root()), status -> {
            if (status != 0) {
                outcome.ended(failed("writing the root page of a volume", status), true);
            } else {
                free(replacedPages(old, next, heir), outcome);
            }
        });
    }

    /**
     * Deletes the blob: zeroes its root, then its other pages, and releases all of them.
     *
     * @param heir a blob that has taken over extent pages of it, or null
     */
    void delete(BlobMetadata blob, BlobMetadata heir, Outcome outcome) {
        writer.commitZero(blob.rootPage, status -> {
            if (status != 0) {
                outcome.ended(failed("zeroing the root page of a volume", status), true);
                return;
            }
            space.releaseBlobId(blob.rootPage);
            space.releasePage(blob.rootPage);
            free(replacedPages(blob, null, heir), outcome);
        });
    }

    private MemorySegment prepare(BlobMetadata next, BitSet rewritten, List<Integer> taken, List<MetadataWriter.Page> fresh)
            throws FormatException {
        for (int i = rewritten.nextSetBit(0); i >= 0; i = rewritten.nextSetBit(i + 1)) {
            next.extentPages[i] = take(taken);
            fresh.add(new MetadataWriter.Page(next.extentPages[i], BlobEncoder.extentPage(next, i)));
        }
        List<MemorySegment> chain = BlobEncoder.encode(next);
        next.chainPages = new int[chain.size() - 1];
        for (int i = 0; i < next.chainPages.length; i++) {
            next.chainPages[i] = take(taken);
        }
        BlobEncoder.link(chain, next.chainPages);
        for (int i = 0; i < next.chainPages.length; i++) {
            fresh.add(new MetadataWriter.Page(next.chainPages[i], chain.get(i + 1)));
        }
        return chain.get(0);
    }

    private int take(List<Integer> taken) {
        int page = space.takePage();
        if (page < 0) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "pool-metadata-full",
                    "no metadata page of the pool is free; delete volumes, or make the pool with more metadata pages");
        }
        taken.add(page);
        return page;
    }

    private void free(int[] pages, Outcome outcome) {
        if (pages.length == 0) {
            outcome.ended(null, false);
            return;
        }
        writer.zeroFreed(pages, status -> {
            // What could not be zeroed stays taken until the next import: nothing refers to it, nothing is lost.
            if (status != 0) {
                space.onStrayPages();
            } else {
                for (int page : pages) {
                    space.releasePage(page);
                }
            }
            outcome.ended(null, false);
        });
    }

    /** Pages of {@code old}, without the root, that neither {@code next} nor {@code heir} uses. */
    private static int[] replacedPages(BlobMetadata old, BlobMetadata next, BlobMetadata heir) {
        if (old == null) {
            return new int[0];
        }
        BitSet pages = new BitSet();
        for (int page : old.chainPages) {
            pages.set(page);
        }
        for (int page : old.extentPages) {
            pages.set(page);
        }
        for (BlobMetadata user : Arrays.asList(next, heir)) {
            for (int i = 0; user != null && i < user.extentPages.length; i++) {
                pages.clear(user.extentPages[i]);
            }
        }
        pages.clear(0);
        return pages.stream().toArray();
    }

    static OperationException failed(String what, int status) {
        return new OperationException(ErrorKind.INTERNAL, "pool-io-error", what + " failed with NVMe status 0x"
                + Integer.toHexString(status));
    }
}
