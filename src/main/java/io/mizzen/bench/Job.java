package io.mizzen.bench;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Deferred;
import io.mizzen.util.HotPath;

/**
 * The load on one bdev from one core: so many slots, each with a buffer and one I/O in flight, which is followed by the
 * next from within its completion. Its reactor's own, but for the counters, which the main thread reads when it has
 * stopped. An I/O's tag is its slot; below zero when it is one of those that are timed.
 */
abstract class Job extends Deferred implements IoCompletion {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private static final long STAR = 0x2545F4914F6CDD1DL;

    final IoChannel channel;
    final int regionIndex;
    final long buffers;
    final int ioBytes;
    final int depth;
    final long unitBlocks;
    final LatencyHistogram readLatency = new LatencyHistogram();
    final LatencyHistogram writeLatency = new LatencyHistogram();
    /** What is timed is noted here as well; null: nowhere. */
    private Window window;
    private final long[] startNs;
    private final int[] waiting;
    private int waitingCount;
    private boolean retrying;
    private long random;
    private int sampleEvery = 1;
    /** The next that begins when so many have ended. */
    private long nextSample;
    private boolean frozen;
    boolean running;
    int inFlight;
    long reads;
    long writes;
    long errors;
    int firstError;
    Runnable drained;

    /**
     * @param buffers address of {@code depth} buffers of {@code ioBytes}
     * @param seed of the addresses
     */
    Job(IoChannel channel, long buffers, int regionIndex, int ioBytes, int depth, long seed) {
        this.channel = channel;
        this.buffers = buffers;
        this.regionIndex = regionIndex;
        this.ioBytes = ioBytes;
        this.depth = depth;
        this.unitBlocks = ioBytes >>> channel.bdev().blockShift();
        this.startNs = new long[depth];
        this.waiting = new int[depth];
        this.random = (seed + 1) * GOLDEN;
    }

    /** Fills in and submits the next I/O of a slot. */
    @HotPath
    abstract void next(int slot, BdevIo io);

    /** An I/O of the slot has ended well. */
    @HotPath
    abstract void onSuccess(int slot, int type);

    /** Puts every slot to work. */
    final void start() {
        running = true;
        for (int slot = 0; slot < depth && running; slot++) {
            inFlight++;
            begin(slot);
        }
    }

    /** The same for a job that ends by itself: runs {@code whenDrained} when nothing is in flight any more. */
    final void start(Runnable whenDrained) {
        drained = whenDrained;
        start();
    }

    /** What ends from now on is not counted. */
    final void freeze() {
        frozen = true;
    }

    /** Lets what is in flight end, then runs {@code whenDrained}. */
    final void stop(Runnable whenDrained) {
        running = false;
        drained = whenDrained;
        if (inFlight == 0) {
            whenDrained.run();
        }
    }

    /** Forgets what was counted; from now on one I/O in {@code every} is timed. */
    final void clear(int every) {
        reads = 0;
        writes = 0;
        readLatency.clear();
        writeLatency.clear();
        sampleEvery = every;
        nextSample = 0;
    }

    /** From now on notes go to another window; returns the one before. */
    final Window window(Window next) {
        Window before = window;
        window = next;
        return before;
    }

    @HotPath
    private void begin(int slot) {
        BdevIo io = channel.tryAcquire();
        if (io == null) {
            waiting[waitingCount++] = slot;
            retryLater();
            return;
        }
        next(slot, io);
    }

    @HotPath
    private void retryLater() {
        if (!retrying) {
            retrying = true;
            channel.mthread().reactor().defer(this);
        }
    }

    @Override
    @HotPath
    protected void runDeferred() {
        retrying = false;
        for (int left = waitingCount; left > 0; left--) {
            int slot = waiting[--waitingCount];
            if (running) {
                begin(slot);
            } else {
                end();
            }
        }
    }

    @HotPath
    final void submit(BdevIo io, int slot) {
        if (reads + writes >= nextSample) {
            nextSample = reads + writes + sampleEvery;
            io.tag = ~slot;
            startNs[slot] = System.nanoTime();
        } else {
            io.tag = slot;
        }
        channel.submit(io);
    }

    @Override
    @HotPath
    public final void onIoComplete(BdevIo io) {
        int slot = (int) io.tag;
        int type = io.type;
        int status = io.status();
        if (slot < 0) {
            slot = ~slot;
            long endNs = System.nanoTime();
            (type == IoType.READ ? readLatency : writeLatency).record(endNs - startNs[slot]);
            if (window != null) {
                window.note(type, startNs[slot], endNs);
            }
        }
        io.release();
        if (status == Status.SUCCESS) {
            count(type);
            onSuccess(slot, type);
        } else {
            fail(status);
        }
        if (running) {
            begin(slot);
        } else {
            end();
        }
    }

    @HotPath
    private void count(int type) {
        if (frozen) {
            return;
        }
        if (type == IoType.READ) {
            reads++;
        } else {
            writes++;
        }
    }

    /** The first error ends the measurement: nobody wants to know how fast a disk fails. */
    @HotPath
    final void fail(int status) {
        if (errors++ == 0) {
            firstError = status;
        }
        running = false;
    }

    @HotPath
    private void end() {
        if (--inFlight == 0 && drained != null) {
            drained.run();
        }
    }

    /** What went wrong, or null. */
    String failure() {
        return errors == 0 ? null : errors + " I/Os of " + channel.bdev().name() + " failed, the first with: "
                + Status.describe(firstError);
    }

    /** Address of a slot's buffer. */
    @HotPath
    final long buffer(int slot) {
        return buffers + (long) slot * ioBytes;
    }

    /** 64 random bits: xorshift64*. */
    @HotPath
    final long random() {
        long x = random;
        x ^= x >>> 12;
        x ^= x << 25;
        x ^= x >>> 27;
        random = x;
        return x * STAR;
    }
}
