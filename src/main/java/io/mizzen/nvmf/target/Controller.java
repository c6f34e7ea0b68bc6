package io.mizzen.nvmf.target;

import io.mizzen.nvme.AsyncEvents;
import io.mizzen.nvme.Features;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Properties;
import io.mizzen.util.HotPath;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/**
 * An association of a host with a subsystem (dynamic controller model). Its registration and the list of its queues
 * belong to the control reactor; properties, features and events to the poll group of its admin queue; the volatile
 * fields may be read by the groups of its I/O queues.
 */
final class Controller {
    /** Asynchronous event requests that may be parked (AERL is one less). */
    static final int ASYNC_EVENTS_MAX = 4;
    /** Changed namespaces that the log can name; more are told as "all" (base specification 2.0, section 5.16.1.5). */
    private static final int CHANGED_MAX = 1024;
    /** A discovery controller without keep alive lives this long idle (section 3.1.2.3). */
    private static final long DISCOVERY_IDLE_NS = 120_000_000_000L;
    private static final int CC_RESERVED = 0xFF00_000E;

    final Subsystem subsystem;
    private final int id;
    private final String hostNqn;
    private final UUID hostId;
    private final PollGroup group;
    final long connectedNs;

    // Control reactor only.
    final TreeMap<Integer, Connection> queues = new TreeMap<>();
    boolean closing;
    private String endReason;

    // Poll group of the admin queue.
    private Connection admin;
    private int cc;
    private int csts;
    private final Request[] parked = new Request[ASYNC_EVENTS_MAX];
    private int parkedCount;
    int asyncEventConfig;
    private final TreeSet<Integer> changedNamespaces = new TreeSet<>();
    private boolean namespaceEventPending;
    private boolean namespaceEventMasked;
    private boolean discoveryEventPending;
    private boolean discoveryEventMasked;
    private long keepAliveNs;

    private volatile boolean ready;
    private volatile boolean writeThrough = true;
    private boolean reportedCache;
    private boolean cacheEnabled = true;
    private volatile long lastActivityNs;

    Controller(Subsystem subsystem, int id, String hostNqn, UUID hostId, PollGroup group, long keepAliveMs, long nowNs) {
        this.subsystem = subsystem;
        this.id = id;
        this.hostNqn = hostNqn;
        this.hostId = hostId;
        this.group = group;
        this.keepAliveNs = keepAliveMs * 1_000_000L;
        this.lastActivityNs = nowNs;
        this.connectedNs = nowNs;
    }

    int id() {
        return id;
    }

    String hostNqn() {
        return hostNqn;
    }

    UUID hostId() {
        return hostId;
    }

    PollGroup group() {
        return group;
    }

    long keepAliveMs() {
        return keepAliveNs / 1_000_000L;
    }

    /** Enabled, not shut down: I/O is accepted. Any thread. */
    @HotPath
    boolean isReady() {
        return ready;
    }

    /** Whether writes must be durable because the host believes that there is no cache. Any thread. */
    @HotPath
    boolean isWriteThrough() {
        return writeThrough;
    }

    // --- queues ------------------------------------------------------------------------------------------

    /** Why the controller ends; the first reason counts. Control reactor. */
    void noteEnd(String reason) {
        endReason = endReason == null ? reason : endReason;
    }

    String endReason() {
        return endReason;
    }

    /** The admin queue is there. Its group. */
    void attach(Connection adminConnection) {
        admin = adminConnection;
        group.addController(this);
    }

    /** A queue's connection is going; on its own group. */
    void onQueueClosing(Connection connection) {
        if (connection.queueId() == 0) {
            ready = false;
            csts = 0;
            group.removeController(this);
            parkedCount = 0;        // The requests are freed with their connection.
            group.target.closeController(this, connection.closeReason);
        }
    }

    // --- properties (base specification 2.0, section 3.1.3) -------------------------------------------------

    /** The value of a property; reserved offsets read as zero. */
    long property(int offset) {
        return switch (offset) {
            case Properties.CAP -> Properties.cap(group.config.queueEntriesMax(), 20);
            case Properties.VS -> Properties.VERSION_2_0;
            case Properties.CC -> cc;
            case Properties.CSTS -> csts;
            default -> 0;
        };
    }

    /** CC was written. */
    int setConfiguration(int value) {
        if ((value & CC_RESERVED) != 0 || Properties.ccPageSizeBytes(value) != 4096
                || Properties.ccArbitration(value) != 0 || Properties.ccCommandSet(value) != Properties.CC_CSS_NVM) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        boolean wasEnabled = Properties.ccEnabled(cc);
        boolean enabled = Properties.ccEnabled(value);
        int shutdownBefore = Properties.ccShutdown(cc);
        cc = value;
        if (wasEnabled && !enabled) {
            reset();
        }
        if (Properties.ccShutdown(value) != 0 && shutdownBefore == 0) {
            ready = false;
            csts = csts & ~Properties.CSTS_SHST_MASK | Properties.CSTS_SHST_COMPLETE;
        }
        if (!wasEnabled && enabled) {
            csts = Properties.CSTS_RDY;
            ready = Properties.ccShutdown(value) == 0;
        }
        return NvmeStatus.SUCCESS;
    }

    /** Controller reset: I/O queues go, the admin queue stays, features have their defaults (section 3.7.2). */
    private void reset() {
        ready = false;
        csts = 0;
        asyncEventConfig = 0;
        cacheEnabled = true;
        updateWriteThrough();
        changedNamespaces.clear();
        namespaceEventPending = false;
        namespaceEventMasked = false;
        discoveryEventPending = false;
        discoveryEventMasked = false;
        while (parkedCount > 0) {
            parked[--parkedCount].complete(NvmeStatus.ABORTED_BY_REQUEST);
        }
        group.target.closeIoQueues(this, "controller reset");
    }

    // --- write cache -----------------------------------------------------------------------------------------

    /** Identify told the host whether there is a cache; what it was told decides how writes are done from now on. */
    void onCacheReported(boolean present) {
        reportedCache = present;
        updateWriteThrough();
    }

    boolean isCacheEnabled() {
        return cacheEnabled;
    }

    void setCacheEnabled(boolean enabled) {
        cacheEnabled = enabled;
        updateWriteThrough();
    }

    private void updateWriteThrough() {
        writeThrough = !reportedCache || !cacheEnabled;
    }

    // --- keep alive (section 3.9) ------------------------------------------------------------------------------

    void setKeepAliveMs(long milliseconds, long nowNs) {
        keepAliveNs = milliseconds * 1_000_000L;
        lastActivityNs = nowNs;
    }

    /** Any traffic of the host counts (TBKAS). Any group. */
    void noteActivity(long nowNs) {
        lastActivityNs = nowNs;
    }

    void checkKeepAlive(long nowNs) {
        long limitNs = keepAliveNs != 0 ? keepAliveNs : subsystem.isDiscovery() ? DISCOVERY_IDLE_NS : 0;
        if (limitNs != 0 && nowNs - lastActivityNs > limitNs) {
            group.stats.keepAliveTimeouts++;
            admin.close(Target.KEEP_ALIVE_TIMEOUT);
        }
    }

    // --- asynchronous events (section 5.2) -----------------------------------------------------------------------

    /** Parks an asynchronous event request; false when there are too many. */
    boolean park(Request request) {
        if (parkedCount == ASYNC_EVENTS_MAX) {
            return false;
        }
        request.setState(RequestState.PARKED);
        parked[parkedCount++] = request;
        report();
        return true;
    }

    /** Aborts a parked request; false when none has that command id. */
    boolean abortParked(int cid) {
        for (int i = 0; i < parkedCount; i++) {
            if (parked[i].cid == cid) {
                Request request = parked[i];
                parked[i] = parked[--parkedCount];
                parked[parkedCount] = null;
                request.complete(NvmeStatus.ABORTED_BY_REQUEST);
                return true;
            }
        }
        return false;
    }

    /** A namespace was added, removed or resized. */
    void onNamespaceChanged(int nsid) {
        if (!ready || (asyncEventConfig & Features.EVENT_NAMESPACE_ATTRIBUTES) == 0) {
            return;
        }
        changedNamespaces.add(nsid);
        if (!namespaceEventMasked) {
            namespaceEventPending = true;
            report();
        }
    }

    void onDiscoveryChanged() {
        if (!ready || (asyncEventConfig & Features.EVENT_DISCOVERY_CHANGE) == 0 || discoveryEventMasked) {
            return;
        }
        discoveryEventPending = true;
        report();
    }

    private void report() {
        if (namespaceEventPending && parkedCount > 0) {
            namespaceEventPending = false;
            namespaceEventMasked = true;
            answer(AsyncEvents.NAMESPACE_ATTRIBUTES);
        }
        if (discoveryEventPending && parkedCount > 0) {
            discoveryEventPending = false;
            discoveryEventMasked = true;
            answer(AsyncEvents.DISCOVERY_CHANGE);
        }
    }

    private void answer(int event) {
        Request request = parked[0];
        parkedCount--;
        System.arraycopy(parked, 1, parked, 0, parkedCount);
        parked[parkedCount] = null;
        request.result = event & 0xFFFF_FFFFL;
        request.complete(NvmeStatus.SUCCESS);
    }

    /** The changed namespaces for the log page; read without retaining, the list is empty and the event may come again. */
    int[] changedNamespaces(boolean retain) {
        int[] list;
        if (changedNamespaces.size() > CHANGED_MAX) {
            list = new int[] {0xFFFF_FFFF};
        } else {
            list = changedNamespaces.stream().mapToInt(Integer::intValue).toArray();
        }
        if (!retain) {
            changedNamespaces.clear();
            namespaceEventMasked = false;
        }
        return list;
    }

    /** The discovery log was read without retaining: the event may come again. */
    void onDiscoveryLogRead() {
        discoveryEventMasked = false;
    }

    @Override
    public String toString() {
        return subsystem + " controller " + id + " of " + hostNqn;
    }
}
