package io.mizzen.nvmf.target;

import io.mizzen.bdev.Status;
import io.mizzen.util.HotPath;

/** A subsystem in one poll group: its namespaces by id, and whether it is paused. The group's thread only. */
final class GroupSubsystem {
    final Subsystem subsystem;
    private final GroupNamespace[] namespaces;
    boolean paused;
    int inFlight;
    /** Set while a pause waits for the commands in flight. */
    Runnable drained;

    GroupSubsystem(Subsystem subsystem, int namespacesMax) {
        this.subsystem = subsystem;
        this.namespaces = new GroupNamespace[namespacesMax + 1];
    }

    /** The namespace, or null. Any id. */
    @HotPath
    GroupNamespace find(int nsid) {
        return nsid > 0 && nsid < namespaces.length ? namespaces[nsid] : null;
    }

    void put(int nsid, GroupNamespace namespace) {
        namespaces[nsid] = namespace;
    }

    /** Commands that wait because of a volume's limit go at once: somebody waits until none is in flight. */
    void releaseLimited() {
        for (GroupNamespace namespace : namespaces) {
            if (namespace != null && !namespace.detached) {
                namespace.channel.releaseLimited();
            }
        }
    }

    /** A connection is gone: its commands that wait because of a volume's limit, or for a child, end. */
    void abortWaiting(Connection connection) {
        for (GroupNamespace namespace : namespaces) {
            if (namespace != null && !namespace.detached) {
                namespace.channel.abortWaiting(
                        io -> io.completion instanceof Request request && request.connection == connection,
                        Status.ABORTED_SQ_DELETION);
            }
        }
    }

    /** Whether somebody waits until none of the namespace's commands is in flight. */
    @HotPath
    boolean isDraining(GroupNamespace namespace) {
        return drained != null || namespace.drained != null;
    }

    @HotPath
    void begin(GroupNamespace namespace) {
        inFlight++;
        namespace.inFlight++;
    }

    @HotPath
    void end(GroupNamespace namespace) {
        inFlight--;
        namespace.inFlight--;
        assert namespace.inFlight >= 0;
        if (namespace.inFlight == 0 && namespace.drained != null) {
            Runnable told = namespace.drained;
            namespace.drained = null;
            told.run();
        }
        if (inFlight == 0 && drained != null) {
            Runnable told = drained;
            drained = null;
            told.run();
        }
    }
}
