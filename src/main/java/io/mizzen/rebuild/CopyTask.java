package io.mizzen.rebuild;

import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.RangeLock;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Timer;

/**
 * One locked piece of a {@link CopyJob}: read the source; for each destination read, compare, write if different.
 *
 * <pre>
 * IDLE → READING_SOURCE → READING_TARGET ⇄ WRITING_TARGET → IDLE      (without an I/O record: a timer tries again)
 * </pre>
 *
 * The task has its buffers before its piece is locked: host writes that wait for the lock may hold all the others. A
 * destination that cannot be read is written: that may heal it. Worker's reactor, but for what the job sets.
 */
final class CopyTask implements IoCompletion {
    private static final long RETRY_NS = 1_000_000;

    private enum Step {
        IDLE, READING_SOURCE, READING_TARGET, WRITING_TARGET
    }

    final CopyPlan.Segment segment = new CopyPlan.Segment();
    /** Has its buffers, as far as the home mthread knows. */
    boolean supplied;
    boolean busy;
    RangeLock lock;
    int sourceStatus;
    int destinationStatus;
    int failedDestination;
    long writtenBlocks;

    private final CopyJob job;
    private Step step = Step.IDLE;
    private int destination;
    private DmaBuffer sourceBuffer;
    private DmaBuffer targetBuffer;
    private final Timer retry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            go();
        }
    };
    final Message ended = new Message() {
        @Override
        public void run() {
            job.onTaskEnd(CopyTask.this);
        }
    };

    CopyTask(CopyJob job) {
        this.job = job;
    }

    /** The piece is locked: begin. */
    void start() {
        sourceStatus = Status.SUCCESS;
        destinationStatus = Status.SUCCESS;
        failedDestination = CopyJob.NONE;
        writtenBlocks = 0;
        destination = 0;
        step = Step.READING_SOURCE;
        go();
    }

    /** Starts the step's I/O, or tries again a little later. */
    private void go() {
        assert hasBuffers();
        if (!submit()) {
            job.worker().reactor().arm(retry, RETRY_NS);
        }
    }

    boolean hasBuffers() {
        return targetBuffer != null;
    }

    /** Takes both buffers or none; before a piece is locked for this task. */
    boolean tryTakeBuffers() {
        assert targetBuffer == null;
        BufferPool.Cache large = BdevContext.of(job.worker().reactor()).large();
        sourceBuffer = large.tryAcquire();
        if (sourceBuffer == null) {
            return false;
        }
        targetBuffer = large.tryAcquire();
        if (targetBuffer == null) {
            sourceBuffer.close();               // Two tasks holding one each would wait for ever.
            sourceBuffer = null;
            return false;
        }
        return true;
    }

    /** The job is over. */
    void returnBuffers() {
        assert step == Step.IDLE;
        if (targetBuffer != null) {
            sourceBuffer.close();
            targetBuffer.close();
            sourceBuffer = null;
            targetBuffer = null;
        }
    }

    private boolean submit() {
        boolean fromSource = step == Step.READING_SOURCE;
        IoChannel channel = fromSource ? job.sourceChannel() : job.destinationChannel(destination);
        CopyJob.Leg leg = fromSource ? job.source() : job.destination(destination);
        BdevIo io = channel.tryAcquire();
        if (io == null) {
            return false;
        }
        DmaBuffer buffer = step == Step.READING_TARGET ? targetBuffer : sourceBuffer;
        io.prepare(step == Step.WRITING_TARGET ? IoType.WRITE : IoType.READ,
                segment.offsetBlocks + leg.dataOffsetBlocks(), segment.blockCount, buffer.address(),
                buffer.regionIndex(), this);
        channel.submit(io);
        return true;
    }

    @Override
    public void onIoComplete(BdevIo io) {
        int status = io.status();
        io.release();
        switch (step) {
            case READING_SOURCE -> onSourceRead(status);
            case READING_TARGET -> onTargetRead(status);
            case WRITING_TARGET -> onTargetWritten(status);
            default -> throw new AssertionError("completion in " + step);
        }
    }

    private void onSourceRead(int status) {
        if (status != Status.SUCCESS) {
            sourceStatus = status;
            finish();
            return;
        }
        nextDestination(0);
    }

    private void nextDestination(int index) {
        destination = index;
        if (index == job.destinationCount()) {
            finish();
        } else {
            step = Step.READING_TARGET;
            go();
        }
    }

    private void onTargetRead(int status) {
        boolean equal = status == Status.SUCCESS && RawMemory.equal(sourceBuffer.address(), targetBuffer.address(),
                segment.blockCount << job.blockShift());
        if (equal) {
            nextDestination(destination + 1);
        } else {
            step = Step.WRITING_TARGET;
            go();
        }
    }

    private void onTargetWritten(int status) {
        if (status == Status.SUCCESS) {
            writtenBlocks += segment.blockCount;
        } else if (failedDestination == CopyJob.NONE) {
            failedDestination = destination;
            destinationStatus = status;
        }
        nextDestination(destination + 1);
    }

    private void finish() {
        step = Step.IDLE;
        job.postToHome(this);
    }
}
