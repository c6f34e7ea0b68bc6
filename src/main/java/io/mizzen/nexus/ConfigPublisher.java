package io.mizzen.nexus;

import io.mizzen.util.HotPath;

/**
 * Publishes the picture of the children that channels go by, and chooses the source of suspect regions. Home mthread, but
 * for what views and channels read.
 */
final class ConfigPublisher {
    private final Nexus nexus;
    private final boolean cacheKnown;
    private final FreezeWatch freeze;
    private volatile NexusConfig config;
    private volatile int source = -1;

    /** @param cacheKnown whether hosts were told of a volatile cache */
    ConfigPublisher(Nexus nexus, NexusChild[] members, boolean cacheKnown, FreezeWatch freeze, DirtyMap dirty) {
        this.nexus = nexus;
        this.cacheKnown = cacheKnown;
        this.freeze = freeze;
        for (int i = members.length - 1; i >= 0; i--) {
            source = members[i].isUsable() ? members[i].index() : source;
        }
        this.config = new NexusConfig(members, source, cacheKnown, false, false, dirty);
    }

    /** Publishes who is in, and waits until every channel has adopted it. */
    void publish(Runnable adopted) {
        chooseSource();
        boolean blocked = nexus.membership().isBlocked();
        freeze.update(nexus.usableMask() == 0 || blocked);
        config = new NexusConfig(nexus.children(), source, cacheKnown, blocked, freeze.isLost(), nexus.dirtyMap());
        nexus.forEachChannel((channel, iteration) -> {
            ((NexusChannel) channel).adoptConfig();
            iteration.next();
        }, nexus.home(), (value, failure) -> adopted.run());
    }

    private void chooseSource() {
        if (source >= 0 && nexus.child(source) != null && nexus.child(source).isUsable()) {
            return;
        }
        source = -1;
        for (NexusChild child : nexus.children()) {
            if (child.isUsable()) {
                source = child.index();
                return;
            }
        }
    }

    /** Makes the next healthy child the source of resynchronisation, which is not under way. */
    void rotateSource() {
        for (int i = 1; i <= NexusChildren.PLACE_COUNT; i++) {
            NexusChild next = nexus.child((source + i) % NexusChildren.PLACE_COUNT);
            if (next != null && next.isUsable()) {
                source = next.index();
                break;
            }
        }
        publish(() -> { });
    }

    /** Nobody waits for a child any more. */
    void giveUp() {
        freeze.giveUp();
        nexus.publishConfig(() -> { });
    }

    /** How long hosts wait from now on. */
    void setFreezeTimeoutNs(long timeoutNs) {
        freeze.setTimeoutNs(timeoutNs);
    }

    @HotPath
    NexusConfig config() {
        return config;
    }

    /** The child that suspect regions are read from, or -1. Any thread. */
    int source() {
        return source;
    }

    /** Whether hosts were told of a volatile cache. */
    boolean isCacheKnown() {
        return cacheKnown;
    }
}
