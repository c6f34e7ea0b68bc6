package io.mizzen.rebuild;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import java.util.UUID;

/** A disk in memory that takes its time, completes in any order, may be thin, and fails as told. */
final class RigDisk extends Bdev {
    static final int BLOCK = 512;
    /** Blocks that a thin disk allocates together. */
    static final int CLUSTER_BLOCKS = 64;

    /** Decides the outcome of an I/O when it is carried out; SUCCESS lets it happen. */
    interface Fault {
        int status(BdevIo io);
    }

    final byte[] data;
    private final Random random;
    private final boolean thin;
    private final BitSet allocated = new BitSet();
    Fault fault = io -> Status.SUCCESS;
    long maxDelayNs = 100_000;
    long bytesRead;
    int writes;
    int flushes;
    int unflushedWrites;

    RigDisk(String name, int number, long blocks, boolean thin, long seed) {
        super(name, new UUID(9, number), "rig", BLOCK, blocks);
        this.data = new byte[(int) blocks * BLOCK];
        this.thin = thin;
        this.random = new Random(seed);
    }

    /** Content from before the test: the blocks are allocated. */
    void fill(long firstBlock, long blocks, byte value) {
        Arrays.fill(data, (int) firstBlock * BLOCK, (int) (firstBlock + blocks) * BLOCK, value);
        allocate(firstBlock, blocks);
    }

    private void allocate(long firstBlock, long blocks) {
        allocated.set((int) (firstBlock / CLUSTER_BLOCKS), (int) ((firstBlock + blocks - 1) / CLUSTER_BLOCKS) + 1);
    }

    int allocatedClusters() {
        return allocated.cardinality();
    }

    @Override
    public long nextAllocated(long fromBlock, long endBlock) {
        return thin ? next(fromBlock, endBlock, true) : fromBlock;
    }

    @Override
    public long nextUnallocated(long fromBlock, long endBlock) {
        return thin ? next(fromBlock, endBlock, false) : endBlock;
    }

    private long next(long fromBlock, long endBlock, boolean wanted) {
        long block = fromBlock;
        while (block < endBlock && allocated.get((int) (block / CLUSTER_BLOCKS)) != wanted) {
            block = (block / CLUSTER_BLOCKS + 1) * CLUSTER_BLOCKS;
        }
        return Math.min(block, endBlock);
    }

    private int carryOut(BdevIo io) {
        int status = fault.status(io);
        if (status != Status.SUCCESS) {
            return status;
        }
        int at = (int) io.offsetBlocks * BLOCK;
        int length = (int) io.blockCount * BLOCK;
        switch (io.type) {
            case IoType.READ -> {
                MemorySegment.copy(MemorySegment.ofArray(data), at, RawMemory.ALL, io.address, length);
                bytesRead += length;
            }
            case IoType.WRITE -> {
                MemorySegment.copy(RawMemory.ALL, io.address, MemorySegment.ofArray(data), at, length);
                allocate(io.offsetBlocks, io.blockCount);
                writes++;
                unflushedWrites++;
            }
            case IoType.WRITE_ZEROES -> {
                Arrays.fill(data, at, at + length, (byte) 0);
                writes++;
                unflushedWrites++;
            }
            case IoType.FLUSH -> {
                flushes++;
                unflushedWrites = 0;
            }
            default -> throw new AssertionError(IoType.name(io.type));
        }
        return Status.SUCCESS;
    }

    @Override
    public boolean supports(int ioType) {
        return ioType == IoType.READ || ioType == IoType.WRITE || ioType == IoType.WRITE_ZEROES || ioType == IoType.FLUSH;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new IoChannel(this, mthread) {
            @Override
            protected void doSubmit(BdevIo io) {
                mthread().reactor().arm(new Timer() {
                    @Override
                    protected void onTimer(long nowNs) {
                        io.complete(carryOut(io));
                    }
                }, 1 + random.nextLong(maxDelayNs));
            }
        };
    }
}
