package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Deferred;
import io.mizzen.reactor.Mthread;

/**
 * The same I/O to several children by way of the home mthread's channels: metadata, map pages, flushes. The count is set
 * before the first is submitted; {@link Done} is called once, never inside {@link #submit}. Cold path.
 */
abstract class Fanout {
    /** Told how it went. */
    @FunctionalInterface
    interface Done {
        /**
         * @param okMask children on which it succeeded
         * @param failMask children on which it failed
         */
        void onDone(int okMask, int failMask);
    }

    private final Mthread home;
    private final Done done;
    private int pending;
    private int okMask;
    private int failMask;

    Fanout(Mthread home, Done done) {
        this.home = home;
        this.done = done;
    }

    /** Fills in the I/O for a child. */
    abstract void prepare(int child, BdevIo io, IoCompletion completion);

    /** The child's channel on the home mthread. */
    abstract IoChannel channel(int child);

    /** An I/O to the child begins. */
    void onBegin(int child) {
        // Nothing to note.
    }

    /** It ended. */
    void onEnd(int child, boolean failed) {
        // Nothing to note.
    }

    /** Submits to every child of the mask. */
    final void submit(int mask) {
        pending = Integer.bitCount(mask);
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            onBegin(Integer.numberOfTrailingZeros(rest));
        }
        if (mask == 0) {
            home.reactor().defer(new Deferred() {
                @Override
                protected void runDeferred() {
                    done.onDone(0, 0);
                }
            });
        }
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            submitOne(Integer.numberOfTrailingZeros(rest));
        }
    }

    private void submitOne(int child) {
        BdevIo io = channel(child).tryAcquire();
        if (io == null) {
            home.reactor().defer(new Deferred() {
                @Override
                protected void runDeferred() {
                    submitOne(child);
                }
            });
            return;
        }
        prepare(child, io, ended -> onIoEnd(child, ended));
        channel(child).submit(io);
    }

    private void onIoEnd(int child, BdevIo io) {
        boolean failed = io.status() != Status.SUCCESS;
        if (failed) {
            failMask |= 1 << child;
        } else {
            okMask |= 1 << child;
        }
        io.release();
        onEnd(child, failed);
        if (--pending == 0) {
            done.onDone(okMask, failMask);
        }
    }
}
