package io.mizzen.bdev;

import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;

/**
 * The result of opening a bdev: a claim, and who is told of its events. Opened and closed on the control reactor; its
 * channels are opened on whatever mthread needs one, and closed before it.
 */
public final class Descriptor {
    /** Events of the bdev, on the control reactor. */
    public interface Listener {
        /** The device is gone: close channels and descriptor as soon as I/O has drained. */
        void onRemoved(Bdev bdev);

        /** The size changed. */
        void onResized(Bdev bdev);
    }

    private final Bdev bdev;
    private final String owner;
    private final boolean writable;
    private final Listener listener;
    private boolean closed;

    Descriptor(Bdev bdev, String owner, boolean writable, Listener listener) {
        this.bdev = bdev;
        this.owner = owner;
        this.writable = writable;
        this.listener = listener;
    }

    public Bdev bdev() {
        return bdev;
    }

    /** Who opened it, in words: {@code nexus <uuid>}. */
    public String owner() {
        return owner;
    }

    /** Whether it holds the write claim. */
    public boolean isWritable() {
        return writable;
    }

    Listener listener() {
        return listener;
    }

    /** The mthread's channel, one more reference; give it back with {@link IoChannel#close()}. On its reactor. */
    public IoChannel openChannel(Mthread mthread) {
        return bdev.getChannel(mthread);
    }

    /** Closes; the claim is free. Control reactor. */
    public void close() {
        assert Reactor.current() != null && Reactor.current().index() == 0;
        assert !closed;
        closed = true;
        bdev.onDescriptorClosed(this);
    }
}
