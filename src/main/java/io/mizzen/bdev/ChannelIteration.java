package io.mizzen.bdev;

import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.Completion;

/**
 * Visits every channel of a bdev on its own core, one after the other, then calls back on the mthread that started it.
 * The visitor calls {@link #next()} once per visit, at once or later, on the channel's reactor.
 */
public final class ChannelIteration extends Message {
    /** What is done at each channel. */
    @FunctionalInterface
    public interface Visitor {
        void visit(IoChannel channel, ChannelIteration iteration);
    }

    private final Bdev bdev;
    private final Visitor visitor;
    private final Mthread origin;
    private final Completion<Void> done;
    private int slot = -1;
    private boolean visiting;

    ChannelIteration(Bdev bdev, Visitor visitor, Mthread origin, Completion<Void> done) {
        this.bdev = bdev;
        this.visitor = visitor;
        this.origin = origin;
        this.done = done;
    }

    /** The visit of this channel is over. */
    public void next() {
        assert visiting;
        visiting = false;
        advance();
    }

    void advance() {
        Mthread target = origin;
        IoChannel channel = null;
        do {
            slot = bdev.nextChannelSlot(slot + 1);
            channel = slot < 0 ? null : bdev.channelAt(slot);
        } while (slot >= 0 && channel == null);     // Closed between the two looks.
        if (channel != null) {
            target = channel.mthread();
        }
        target.send(this, Reactor.current());
    }

    @Override
    public void run() {
        if (slot < 0) {
            done.ok(null);
            return;
        }
        IoChannel channel = bdev.channelAt(slot);
        if (channel == null || channel.references == 0) {
            advance();
            return;
        }
        visiting = true;
        visitor.visit(channel, this);
    }
}
