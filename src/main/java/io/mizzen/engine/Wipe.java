package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.engine.model.WipeMethod;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Crc32c;
import io.mizzen.util.OperationException;

/**
 * Goes through a bdev from its first block to its last, one piece after the other: zeroes, unmaps or reads it. The writing ones
 * hold the write claim, and end with a flush. Control reactor only.
 */
final class Wipe {
    private static final long RETRY_NS = 1_000_000;
    private static final long ZERO_BYTES = 8L << 20;
    private static final long UNMAP_BYTES = 64L << 20;

    private final Descriptor descriptor;
    private final Mthread mthread;
    private final WipeMethod method;
    private final Jobs.Job job;
    private final Runnable ended;
    private final Crc32c sum = new Crc32c();
    private final int blockShift;
    private final long blockCount;
    private IoChannel channel;
    private DmaBuffer buffer;
    private long block;
    private boolean gone;

    /** @throws OperationException when the claim is taken, or the bdev can only be read */
    Wipe(PlaneContext plane, Bdev bdev, WipeMethod method, Jobs.Job job, Runnable ended) {
        this.method = method;
        this.job = job;
        this.ended = ended;
        this.mthread = plane.control();
        this.blockShift = bdev.blockShift();
        this.blockCount = bdev.blockCount();
        this.descriptor = plane.registry().open(bdev, "wipe (job " + job.view().id() + ")", method != WipeMethod.CHECKSUM,
                new Descriptor.Listener() {
            @Override
            public void onRemoved(Bdev removed) {
                gone = true;        // What is in flight fails, and the wipe with it.
            }

            @Override
            public void onResized(Bdev resized) {
                // What it had at the start is wiped; shrinking is refused while it is open.
            }
        });
    }

    void start() {
        channel = descriptor.openChannel(mthread);
        sum.reset();
        job.progress(0, blockCount << blockShift);
        next();
    }

    private void next() {
        job.progress(block << blockShift, blockCount << blockShift);
        if (job.isCancelled()) {
            end(null, null);
        } else if (block < blockCount) {
            submit();
        } else if (method == WipeMethod.CHECKSUM) {
            end(String.format("crc32c:%08x", sum.value()), null);
        } else {
            submitFlush();
        }
    }

    private void submit() {
        if (method == WipeMethod.CHECKSUM && buffer == null) {
            buffer = BdevContext.of(mthread.reactor()).large().tryAcquire();
        }
        BdevIo io = method == WipeMethod.CHECKSUM && buffer == null ? null : channel.tryAcquire();
        if (io == null) {
            later(this::next);
            return;
        }
        long bytes = switch (method) {
            case ZEROES -> ZERO_BYTES;
            case UNMAP -> UNMAP_BYTES;
            case CHECKSUM -> buffer.sizeBytes();
        };
        long count = Math.min(bytes >>> blockShift, blockCount - block);
        int type = switch (method) {
            case ZEROES -> IoType.WRITE_ZEROES;
            case UNMAP -> IoType.UNMAP;
            case CHECKSUM -> IoType.READ;
        };
        boolean data = type == IoType.READ;
        io.prepare(type, block, count, data ? buffer.address() : 0, data ? buffer.regionIndex() : -1, done -> {
            int status = done.status();
            done.release();
            if (status != Status.SUCCESS) {
                failed(status);
                return;
            }
            if (data) {
                sum.update(buffer.address(), (int) (count << blockShift));
            }
            block += count;
            next();
        });
        channel.submit(io);
    }

    private void submitFlush() {
        BdevIo io = channel.tryAcquire();
        if (io == null) {
            later(this::next);
            return;
        }
        io.prepare(IoType.FLUSH, 0, 0, 0, -1, done -> {
            int status = done.status();
            done.release();
            if (status != Status.SUCCESS) {
                failed(status);
            } else {
                end("", null);
            }
        });
        channel.submit(io);
    }

    private void failed(int status) {
        end(null, OperationException.internal("wipe-failed", "at byte " + (block << blockShift) + ": " + (gone ? "the device is gone"
                : Status.describe(status))));
    }

    private void end(String result, OperationException failure) {
        if (buffer != null) {
            buffer.close();
        }
        channel.close();
        descriptor.close();
        job.end(result, failure);
        ended.run();
    }

    private void later(Runnable step) {
        mthread.reactor().arm(new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                step.run();
            }
        }, RETRY_NS);
    }
}
