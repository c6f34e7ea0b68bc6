package io.mizzen.nexus;

import io.mizzen.reactor.Message;
import io.mizzen.util.HotPath;

/**
 * A channel's standing request to the home mthread to make the wanted regions durable: one is under way at a time, and
 * each gets one reply. Two messages, reused.
 */
final class DirtyRequest extends Message {
    private final NexusChannel channel;
    private final Nexus nexus;
    private final Reply reply = new Reply();
    private boolean underWay;

    DirtyRequest(NexusChannel channel, Nexus nexus) {
        this.channel = channel;
        this.nexus = nexus;
    }

    /** Asks, unless that is under way. Channel's reactor. */
    @HotPath
    void send() {
        if (!underWay) {
            underWay = true;
            nexus.home().send(this, channel.mthread().reactor());
        }
    }

    /** Runs on the home mthread. */
    @Override
    public void run() {
        nexus.dirtyKeeper().onRequest(this);
    }

    /** Home mthread: something has become durable, or, if {@code failed}, cannot. */
    void reply(boolean failed) {
        reply.failed = failed;
        channel.mthread().send(reply, nexus.home().reactor());
    }

    private final class Reply extends Message {
        private boolean failed;

        @Override
        public void run() {
            underWay = false;
            channel.onDirtyReply(failed);
        }
    }
}
