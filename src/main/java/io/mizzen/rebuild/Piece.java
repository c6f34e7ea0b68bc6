package io.mizzen.rebuild;

import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Timer;
import io.mizzen.util.HotPath;

/**
 * One piece of a locked window at a time: read the source, write each destination; where the job compares, read each
 * destination first and write only what differs. Where the source holds nothing, destinations that may hold something
 * are zeroed.
 *
 * <pre>
 * IDLE → READING_SOURCE → (READING_TARGET →) WRITING_TARGET ⇄ next destination → IDLE
 *   └──→ ZEROING_TARGET ⇄ next stretch, next destination → IDLE       (without an I/O record: a timer tries again)
 * </pre>
 *
 * It has its buffers before its window is locked: host writes that wait for the lock may hold all the others. A
 * destination that cannot be read is written: that may heal it. Worker's reactor.
 */
final class Piece implements IoCompletion {
    private static final long RETRY_NS = 1_000_000;

    private enum Step {
        IDLE, READING_SOURCE, READING_TARGET, WRITING_TARGET, ZEROING_TARGET
    }

    private final RebuildWorker worker;
    private final RebuildKind kind;
    private final RebuildLeg source;
    private final RebuildLeg[] destinations;
    private final int blockShift;
    private Step step = Step.IDLE;
    private Window window;
    private long offsetBlocks;
    private long blockCount;
    private int destination;
    private long zeroBlock;
    private long zeroCount;
    private DmaBuffer sourceBuffer;
    private DmaBuffer targetBuffer;
    private final Timer retry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            go();
        }
    };

    Piece(RebuildWorker worker, RebuildSpec spec) {
        this.worker = worker;
        this.kind = spec.kind();
        this.source = spec.source();
        this.destinations = spec.destinations().toArray(RebuildLeg[]::new);
        this.blockShift = spec.volume().blockShift();
    }

    // --- buffers ------------------------------------------------------------------------------------

    @HotPath
    boolean isIdle() {
        return step == Step.IDLE;
    }

    @HotPath
    boolean hasBuffers() {
        return sourceBuffer != null;
    }

    /** Whether a device that could not be stopped may still write to one of its buffers. */
    @HotPath
    boolean hasLostBuffer() {
        BdevContext context = BdevContext.of(worker.mthread().reactor());
        return context.isLost(sourceBuffer.address(), sourceBuffer.sizeBytes())
                || targetBuffer != null && context.isLost(targetBuffer.address(), targetBuffer.sizeBytes());
    }

    /** Takes the buffers that it needs, or none. */
    boolean tryTakeBuffers() {
        assert sourceBuffer == null;
        BufferPool.Cache large = BdevContext.of(worker.mthread().reactor()).large();
        sourceBuffer = large.tryAcquire();
        if (sourceBuffer != null && kind.compares()) {
            targetBuffer = large.tryAcquire();
            if (targetBuffer == null) {
                sourceBuffer.close();           // Two pieces holding one each would wait for ever.
                sourceBuffer = null;
            }
        }
        return sourceBuffer != null;
    }

    void returnBuffers() {
        assert step == Step.IDLE;
        if (sourceBuffer != null) {
            sourceBuffer.close();
            sourceBuffer = null;
        }
        if (targetBuffer != null) {
            targetBuffer.close();
            targetBuffer = null;
        }
    }

    // --- steps --------------------------------------------------------------------------------------

    /** Copies a stretch of at most one buffer. */
    @HotPath
    void copy(Window of, long firstBlock, long blocks) {
        begin(of, firstBlock, blocks);
        step = Step.READING_SOURCE;
        go();
    }

    /** Makes a stretch read as zeroes on all destinations. */
    @HotPath
    void zero(Window of, long firstBlock, long blocks) {
        begin(of, firstBlock, blocks);
        step = Step.ZEROING_TARGET;
        zeroBlock = firstBlock;
        nextZero();
    }

    @HotPath
    private void begin(Window of, long firstBlock, long blocks) {
        assert step == Step.IDLE;
        assert hasBuffers();
        window = of;
        offsetBlocks = firstBlock;
        blockCount = blocks;
        destination = 0;
        of.piecesOut++;
    }

    /** Starts the step's I/O, or tries again a little later; ends if the job has been cut short. */
    @HotPath
    private void go() {
        if (worker.isCut()) {
            window.cutShort();
            finish();
        } else if (!submit()) {
            worker.mthread().reactor().arm(retry, RETRY_NS);
        }
    }

    @HotPath
    private boolean submit() {
        boolean fromSource = step == Step.READING_SOURCE;
        IoChannel channel = fromSource ? worker.sourceChannel() : worker.destinationChannel(destination);
        RebuildLeg leg = fromSource ? source : destinations[destination];
        BdevIo io = channel.tryAcquire();
        if (io == null) {
            return false;
        }
        if (step == Step.ZEROING_TARGET) {
            io.prepare(IoType.WRITE_ZEROES, zeroBlock + leg.dataOffsetBlocks(), zeroCount, 0, -1, this);
        } else {
            DmaBuffer buffer = step == Step.READING_TARGET ? targetBuffer : sourceBuffer;
            io.prepare(step == Step.WRITING_TARGET ? IoType.WRITE : IoType.READ,
                    offsetBlocks + leg.dataOffsetBlocks(), blockCount, buffer.address(), buffer.regionIndex(), this);
        }
        if (isWriting()) {
            worker.onWriteStart();
        }
        channel.submit(io);
        return true;
    }

    @HotPath
    private boolean isWriting() {
        return step == Step.WRITING_TARGET || step == Step.ZEROING_TARGET;
    }

    @Override
    @HotPath
    public void onIoComplete(BdevIo io) {
        int status = io.status();
        io.release();
        if (isWriting()) {
            worker.onWriteEnd();
        }
        if (step == Step.READING_SOURCE) {
            onSourceRead(status);
        } else if (step == Step.READING_TARGET) {
            onTargetRead(status);
        } else {
            onTargetWritten(status);
        }
    }

    @HotPath
    private void onSourceRead(int status) {
        if (status == Status.SUCCESS) {
            writeOrCompare();
        } else {
            window.failSource(status);
            finish();
        }
    }

    @HotPath
    private void writeOrCompare() {
        while (destination < destinations.length) {
            if (kind.compares()) {
                step = Step.READING_TARGET;
                go();
                return;
            }
            if (!isZeroOnBoth()) {
                step = Step.WRITING_TARGET;
                go();
                return;
            }
            destination++;
        }
        window.copiedBlocks += blockCount;
        finish();
    }

    /** Zeroes are not written to a destination that holds nothing there: a thin one stays thin. */
    @HotPath
    private boolean isZeroOnBoth() {
        long end = offsetBlocks + blockCount;
        return destinations[destination].nextData(offsetBlocks, end) == end
                && RawMemory.isZero(sourceBuffer.address(), blockCount << blockShift);
    }

    @HotPath
    private void onTargetRead(int status) {
        if (status != Status.SUCCESS && !kind.writes()) {
            window.failDestination(destination, status);
            finish();
        } else if (status == Status.SUCCESS && RawMemory.equal(sourceBuffer.address(), targetBuffer.address(),
                blockCount << blockShift)) {
            destination++;
            writeOrCompare();
        } else {
            if (status == Status.SUCCESS) {
                findDifferences();
            }
            if (kind.writes()) {
                step = Step.WRITING_TARGET;
                go();
            } else {
                destination++;
                writeOrCompare();
            }
        }
    }

    private void findDifferences() {
        long first = -1;
        for (long block = 0; block <= blockCount; block++) {
            long at = block << blockShift;
            boolean differs = block < blockCount && !RawMemory.equal(sourceBuffer.address() + at,
                    targetBuffer.address() + at, 1L << blockShift);
            if (differs) {
                window.differentBlocks++;
                first = first < 0 ? block : first;
            } else if (first >= 0) {
                if (window.differences.size() < RebuildJob.DIFFERENCE_MAX) {
                    window.differences.add(new RebuildDifference(destination, offsetBlocks + first, block - first));
                }
                first = -1;
            }
        }
    }

    @HotPath
    private void onTargetWritten(int status) {
        if (status != Status.SUCCESS) {
            window.failDestination(destination, status);
            finish();
        } else if (step == Step.ZEROING_TARGET) {
            window.writtenBlocks += zeroCount;
            zeroBlock += zeroCount;
            nextZero();
        } else {
            window.writtenBlocks += blockCount;
            destination++;
            writeOrCompare();
        }
    }

    /** The next stretch in which a destination may hold something. */
    @HotPath
    private void nextZero() {
        long end = offsetBlocks + blockCount;
        while (destination < destinations.length) {
            RebuildLeg leg = destinations[destination];
            zeroBlock = leg.nextData(zeroBlock, end);
            if (zeroBlock < end) {
                zeroCount = leg.nextHole(zeroBlock, end) - zeroBlock;
                go();
                return;
            }
            destination++;
            zeroBlock = offsetBlocks;
        }
        window.skippedBlocks += blockCount;
        finish();
    }

    @HotPath
    private void finish() {
        step = Step.IDLE;
        Window of = window;
        window = null;
        of.piecesOut--;
        worker.onPieceEnd(of);
    }
}
