package io.mizzen.nexus;

import io.mizzen.bdev.IoChannel;

/** A {@link Fanout} to the children of a nexus, which note it: none is closed while one is under way. */
abstract class ChildFanout extends Fanout {
    private final NexusChild[] children;

    ChildFanout(Nexus nexus, Done done) {
        super(nexus.home(), done);
        this.children = nexus.children();
    }

    @Override
    final IoChannel channel(int child) {
        return children[child].homeChannel();
    }

    @Override
    final void onBegin(int child) {
        children[child].beginHomeIo();
    }

    @Override
    final void onEnd(int child) {
        children[child].endHomeIo();
    }
}
