package io.mizzen.testsupport;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;

/** Submits single I/Os on hand-driven reactors and waits for them by taking turns. */
public final class TestIo {
    /** An outcome that is not there yet. */
    public static final int PENDING = -1;

    /** The outcome of one I/O. */
    public static final class Outcome {
        public int status = PENDING;

        public boolean isDone() {
            return status != PENDING;
        }
    }

    private final HandReactors reactors;

    public TestIo(HandReactors reactors) {
        this.reactors = reactors;
    }

    /** A listener that ignores every event. */
    public static Descriptor.Listener ignoring() {
        return new Descriptor.Listener() {
            @Override
            public void onRemoved(Bdev bdev) {
                // The test closes.
            }

            @Override
            public void onResized(Bdev bdev) {
                // Not looked at.
            }
        };
    }

    public Descriptor open(BdevRegistry registry, Bdev bdev, boolean writable) {
        return reactors.call(0, () -> registry.open(bdev, "test", writable, ignoring()));
    }

    public IoChannel channel(Descriptor descriptor, int reactor) {
        return reactors.call(reactor, () -> descriptor.openChannel(reactors.reactor(reactor).mthread()));
    }

    /** Submits; the outcome comes with later turns. */
    public Outcome submit(IoChannel channel, int type, long offsetBlocks, long blocks, long address) {
        return submit(channel, type, offsetBlocks, blocks, address, 0);
    }

    public Outcome submit(IoChannel channel, int type, long offsetBlocks, long blocks, long address, int flags) {
        Outcome outcome = new Outcome();
        reactors.on(channel.mthread().reactor().index(), () -> {
            BdevIo io = channel.tryAcquire();
            io.prepare(type, offsetBlocks, blocks, address, 0, done -> {
                outcome.status = done.status();
                done.release();
            });
            io.flags = flags;
            channel.submit(io);
        });
        return outcome;
    }

    /** Submits and takes turns until it has ended; returns the status. */
    public int run(IoChannel channel, int type, long offsetBlocks, long blocks, long address) {
        Outcome outcome = submit(channel, type, offsetBlocks, blocks, address);
        reactors.runUntil(outcome::isDone);
        return outcome.status;
    }

    public int flush(IoChannel channel) {
        return run(channel, IoType.FLUSH, 0, 0, 0);
    }
}
