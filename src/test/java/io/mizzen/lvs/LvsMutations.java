package io.mizzen.lvs;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.FlushLedger;
import io.mizzen.bdev.RangeLock;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import java.util.BitSet;
import java.util.List;

/** What the broken variants of this package do instead. Called from class files that the simulator's tests change. */
final class LvsMutations {
    private LvsMutations() {
    }

    /** Instead of waiting until a page of the map is durable. */
    static void commitUnderWay(MetadataWriter writer, MetadataWriter.Page page, StorePort.Done done) {
        done.done(0);
        writer.commit(page, status -> { });
    }

    /** Instead of waiting until a new cluster is zeroed. */
    static void skipZeroing(StorePort port, long atBytes, long sizeBytes, StorePort.Done done) {
        done.done(0);
    }

    /** Instead of asking whether the zeroes are durable. */
    static boolean isZero(PoolSpace space, int cluster) {
        return space.isZero(cluster);
    }

    /** Instead of waiting until what was written before is durable. */
    static void skipFlush(StorePort port, long since, StorePort.Done done) {
        done.done(0);
    }

    /** Instead of minding flushes that failed before this one. */
    static void flushNow(StorePort port, long since, StorePort.Done done) {
        port.flush(port.flushFailures(), done);
    }

    /** As above, of a volume's own. */
    static int flushOutcome(LvolBdev bdev, BdevIo io) {
        return io.childStatus;
    }

    /** Instead of asking whether others flush, who may be told of a loss. */
    static boolean nobodyFlushes(FlushLedger flushes) {
        return true;
    }

    /** Instead of asking whether an I/O ends with a flush. */
    static boolean countsNot(FlushLedger flushes, BdevIo io) {
        return false;
    }

    /** As above, of all that are written through. */
    static boolean flushesNot(FlushLedger flushes) {
        return false;
    }

    /** Instead of waiting until pages are written. */
    static void writeUnderWay(StorePort port, List<StorePort.PageWrite> writes, StorePort.Done done) {
        done.done(0);
        port.writeDurably(writes, status -> { });
    }

    /** As above, of the device itself. */
    static void skipWrite(BaseDevice device, List<StorePort.PageWrite> writes, StorePort.Done done) {
        done.done(0);
    }

    /** Instead of writing pages. */
    static void skipWrite(StorePort port, List<StorePort.PageWrite> writes, StorePort.Done done) {
        done.done(0);
    }

    /** Instead of writing what the root will refer to before the root. */
    static void rootFirst(MetadataWriter writer, List<MetadataWriter.Page> pages, StorePort.Done done) {
        done.done(0);
        writer.writeFresh(pages, status -> { });
    }

    /** As above, of the device itself. */
    static void skipFlush(BaseDevice device, long since, StorePort.Done done) {
        done.done(0);
    }

    /** Instead of waiting until a volume's new metadata is durable. */
    static void commitUnderWay(BlobCommit commit, BlobMetadata old, BlobMetadata next, BitSet rewritten,
            BlobCommit.Outcome outcome) {
        outcome.ended(null, false);
        commit.commit(old, next, rewritten, (failure, torn) -> { });
    }

    /** Instead of waiting until a deletion is durable. */
    static void deleteUnderWay(BlobCommit commit, BlobMetadata blob, BlobMetadata heir, BlobCommit.Outcome outcome) {
        outcome.ended(null, false);
        commit.delete(blob, heir, (failure, torn) -> { });
    }

    /** Instead of holding writes back; the lock that is released is none, of an empty range. */
    static RangeLock holdNothing(LvolBdev bdev, Mthread control, Completion<RangeLock> held) {
        bdev.lockRange(bdev.blockCount(), 0, false, control, held);
        return null;
    }

    /** Instead of waiting until the root is durable. */
    static void finishUnderWay(BlobCommit commit, BlobMetadata old, BlobMetadata next, BlobCommit.Prepared prepared,
            BlobMetadata heir, BlobCommit.Outcome outcome) {
        outcome.ended(null, false);
        commit.finish(old, next, prepared, heir, (failure, torn) -> { });
    }

    /** Instead of waiting until nothing in flight is in the way. */
    static void lockNothing(LvolBdev bdev, long offsetBlocks, long blockCount, boolean blocksReads, Mthread control,
            Completion<RangeLock> granted) {
        granted.ok(null);
    }

    /** Instead of waiting for the reads that began before. */
    static void awaitNothing(LvolBdev bdev, Mthread control, Completion<Void> done) {
        done.ok(null);
    }
}
