package io.mizzen.bdev;

import io.mizzen.memory.BufferPool;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.ReactorLocal;
import io.mizzen.util.HotPath;

/**
 * What the bdev layer has on each reactor: the pool of I/O records, the core's caches of DMA buffers and a block of
 * zeroes. Installed before the first channel is opened there.
 */
public final class BdevContext {
    /** I/O records of one reactor. */
    public static final int IO_COUNT_DEFAULT = 16_384;

    private static final ReactorLocal<BdevContext> LOCAL = new ReactorLocal<>();

    private final BdevIoPool ioPool;
    private final BufferPool.Cache small;
    private final BufferPool.Cache large;
    private final DmaMemory.Block zeroes;
    private final DmaMemory.Block spare;
    private final DmaMemory memory;
    private boolean spareTaken;

    private BdevContext(Reactor reactor, int ioCount, BufferPools pools, DmaMemory.Block zeroes) {
        this.ioPool = new BdevIoPool(ioCount);
        this.small = pools.small().cache(reactor.index());
        this.large = pools.large().cache(reactor.index());
        this.zeroes = zeroes;
        this.memory = pools.memory();
        this.spare = pools.spare(reactor.index());
    }

    /**
     * Installs a context.
     *
     * @param zeroes a block of zeroes that nobody writes, shared by all reactors, at least 128 KiB
     */
    public static void install(Reactor reactor, int ioCount, BufferPools pools, DmaMemory.Block zeroes) {
        LOCAL.set(reactor, new BdevContext(reactor, ioCount, pools, zeroes));
    }

    /** The reactor's context. */
    public static BdevContext of(Reactor reactor) {
        BdevContext context = LOCAL.get(reactor);
        if (context == null) {
            throw new IllegalStateException("no bdev context on " + reactor);
        }
        return context;
    }

    public BdevIoPool ioPool() {
        return ioPool;
    }

    /** This core's 8 KiB buffers. */
    public BufferPool.Cache small() {
        return small;
    }

    /** This core's 128 KiB buffers. */
    public BufferPool.Cache large() {
        return large;
    }

    public DmaMemory.Block zeroes() {
        return zeroes;
    }

    /**
     * The one buffer of 128 KiB that only the bdev layer uses, or null when it is taken: with the pools empty, because
     * hosts wait with all their buffers for what needs one more, it still goes on.
     */
    @HotPath
    DmaMemory.Block tryTakeSpare() {
        if (spareTaken) {
            return null;
        }
        spareTaken = true;
        return spare;
    }

    @HotPath
    void returnSpare() {
        assert spareTaken;
        spareTaken = isLost(spare.address(), spare.sizeBytes());
    }

    /** Whether a device that could not be stopped may still write there: nothing more is to be read into it. */
    @HotPath
    public boolean isLost(long address, long lengthBytes) {
        return memory.isQuarantined(address, lengthBytes);
    }
}
