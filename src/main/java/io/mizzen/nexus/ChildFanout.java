package io.mizzen.nexus;

import io.mizzen.bdev.IoChannel;

/**
 * A {@link Fanout} to the children of a nexus, by place; they note it: none is closed while one is under way. Nearly all are
 * flushes or may end with one, so all count as such.
 */
abstract class ChildFanout extends Fanout {
    private final Nexus nexus;
    private final NexusChild[] children = new NexusChild[NexusChildren.PLACE_COUNT];
    private final int[] sides = new int[NexusChildren.PLACE_COUNT];

    ChildFanout(Nexus nexus, Done done) {
        super(nexus.home(), done);
        this.nexus = nexus;
    }

    @Override
    final IoChannel channel(int child) {
        return children[child].homeChannel();
    }

    @Override
    final void onBegin(int child) {
        children[child] = nexus.child(child);
        children[child].beginHomeIo();
        sides[child] = nexus.childrenTable().flushes().begin();
    }

    @Override
    final void onEnd(int child, boolean failed) {
        nexus.childrenTable().flushes().end(sides[child], failed);
        children[child].endHomeIo();
    }
}
