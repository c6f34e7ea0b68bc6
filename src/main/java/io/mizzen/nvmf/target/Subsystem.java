package io.mizzen.nvmf.target;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * An NVM subsystem of the target, or its discovery subsystem. Changed on the control reactor, through {@link Target};
 * what poll groups read is published as immutable snapshots.
 */
public final class Subsystem {
    /** Largest controller id (base specification 2.0, section 6.3). */
    private static final int CNTLID_MAX = 0xFFEF;

    private final String nqn;
    private final String serial;
    private final boolean discovery;
    private volatile HostAccess access;
    private volatile List<Namespace> namespaces = List.of();

    // Control reactor only.
    final TreeMap<Integer, Namespace> active = new TreeMap<>();
    /** Ids that are being added or removed. */
    final List<Integer> changing = new ArrayList<>();
    final List<Controller> controllers = new ArrayList<>();
    final List<Runnable> idleWaiters = new ArrayList<>();
    boolean closing;
    boolean paused;
    /** Counts pauses, so that one that was ended early is told from the next. */
    int pauses;
    private int nextControllerId = 1;

    Subsystem(String nqn, String serial, boolean discovery, HostAccess access) {
        this.nqn = nqn;
        this.serial = serial;
        this.discovery = discovery;
        this.access = access;
    }

    public String nqn() {
        return nqn;
    }

    public String serial() {
        return serial;
    }

    public boolean isDiscovery() {
        return discovery;
    }

    public HostAccess access() {
        return access;
    }

    void setAccess(HostAccess newAccess) {
        access = newAccess;
    }

    /** Whether I/O is held back. Control reactor. */
    public boolean isPaused() {
        return paused;
    }

    /** The namespaces by ascending id. Any thread. */
    public List<Namespace> namespaces() {
        return namespaces;
    }

    void publish() {
        namespaces = List.copyOf(active.values());
    }

    /** The namespace, or null. Any thread. */
    public Namespace find(int nsid) {
        for (Namespace namespace : namespaces) {
            if (namespace.nsid() == nsid) {
                return namespace;
            }
        }
        return null;
    }

    Controller controller(int id) {
        for (Controller controller : controllers) {
            if (controller.id() == id) {
                return controller;
            }
        }
        return null;
    }

    /** An id that no controller has; they are used in turn. */
    int allocateControllerId() {
        while (controller(nextControllerId) != null) {
            nextControllerId = nextControllerId % CNTLID_MAX + 1;
        }
        int id = nextControllerId;
        nextControllerId = nextControllerId % CNTLID_MAX + 1;
        return id;
    }

    @Override
    public String toString() {
        return nqn;
    }
}
