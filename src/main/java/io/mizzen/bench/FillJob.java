package io.mizzen.bench;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.util.HotPath;

/**
 * Writes its part of a bdev once, one I/O in each stride, in sequence or in a random order, and ends by itself. The random
 * order is a permutation of the smallest power of two that holds all strides; those beyond the end are passed over.
 */
final class FillJob extends Job {
    private static final long MIX_FIRST = 0x9E3779B97F4A7C15L;
    private static final long MIX_SECOND = 0xD6E8FEB86659FD93L;

    private final boolean randomOrder;
    private final long strideBlocks;
    private final long firstStride;
    private final long strideCount;
    private final long mask;
    private final int halfBits;
    private long cursor;
    private long submitted;

    /** @param part so many cores share the bdev; this is the {@code index}-th, and the last one also gets what is left over */
    FillJob(IoChannel channel, long buffers, int regionIndex, BenchOptions options, int index, int part, long seed) {
        super(channel, buffers, regionIndex, options.blockBytes, options.depth, seed);
        this.randomOrder = options.workload.random;
        this.strideBlocks = options.strideBytes >>> channel.bdev().blockShift();
        long strides = channel.bdev().blockCount() / strideBlocks;
        this.firstStride = strides / part * index;
        this.strideCount = index == part - 1 ? strides - firstStride : strides / part;
        int bits = 64 - Long.numberOfLeadingZeros(strideCount - 1);
        this.mask = (1L << bits) - 1;
        this.halfBits = (bits + 1) / 2;
        assert strideCount > 0;
    }

    @Override
    @HotPath
    void next(int slot, BdevIo io) {
        io.prepare(IoType.WRITE, (firstStride + choose()) * strideBlocks, unitBlocks, buffer(slot), regionIndex, this);
        submitted++;
        if (submitted == strideCount) {
            running = false;
        }
        submit(io, slot);
    }

    @HotPath
    private long choose() {
        long stride = place(cursor++);
        while (stride >= strideCount) {
            stride = place(cursor++);
        }
        return stride;
    }

    /** Each step can be undone within the mask, so that no two numbers end at the same place. */
    @HotPath
    private long place(long number) {
        if (!randomOrder) {
            return number;
        }
        long x = number * MIX_FIRST & mask;
        x ^= x >>> halfBits;
        x = x * MIX_SECOND & mask;
        return x ^ x >>> halfBits;
    }

    @Override
    @HotPath
    void onSuccess(int slot, int type) {
        // The data is nobody's business.
    }
}
