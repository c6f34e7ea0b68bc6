package io.mizzen.nvmf.target;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.DiscoveryLog;
import io.mizzen.nvme.Text;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Sockets;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.BiConsumer;

/**
 * The NVMe/TCP target: listeners, subsystems, and a poll group on each chosen core. Everything here is called on the
 * control reactor, and its completions come there; operations on one subsystem must not overlap (the engine serializes
 * them).
 */
public final class Target {
    /** Why a controller ended whose host was silent for too long, as {@link Listener#onHostGone} gets it. */
    public static final String KEEP_ALIVE_TIMEOUT = "keep alive timeout";
    /** Model number shown to hosts. */
    public static final String MODEL = "Mizzen";
    private static final int SERIAL_LENGTH_MAX = 20;

    /** Told of what happens by itself, on the control reactor. */
    public interface Listener {
        /** A namespace's bdev is gone; the namespace has been removed from its subsystem. */
        void onNamespaceLost(Subsystem subsystem, Namespace namespace);

        /** A host has connected an admin queue. */
        default void onHostConnected(ControllerInfo controller) {
        }

        /** A controller has ended; {@code reason} in words. */
        default void onHostGone(ControllerInfo controller, String reason) {
        }
    }

    private final Mthread control;
    private final TargetConfig config;
    private final Listener listener;
    private final List<PollGroup> groups = new ArrayList<>();
    private final Map<String, Subsystem> subsystems = new LinkedHashMap<>();
    private final Map<InetSocketAddress, Sockets.Listener> listeners = new LinkedHashMap<>();
    private final Subsystem discoverySubsystem =
            new Subsystem(DiscoveryLog.NQN, "discovery", true, HostAccess.anyHost());
    private final Namespaces namespaces;
    private final Admission admission = new Admission(this);
    private final TargetStats refusals = new TargetStats();
    private final Map<PollGroup, Integer> load = new LinkedHashMap<>();
    private int connectionCount;
    private boolean stopping;
    private boolean awaitingSubsystems;
    private final List<Runnable> stopWaiters = new ArrayList<>();
    private volatile Discovery discovery = new Discovery(0, List.of(), List.of());

    private Target(Mthread control, TargetConfig config, BdevRegistry registry, Listener listener) {
        this.control = control;
        this.config = config;
        this.namespaces = new Namespaces(this, registry);
        this.listener = listener;
    }

    /**
     * Starts a target without listeners.
     *
     * @param control an mthread of the control reactor
     * @param cores reactors that get a poll group; at least one
     */
    public static void start(Mthread control, List<Reactor> cores, TargetConfig config, DmaMemory memory,
            BdevRegistry registry, Listener listener, Completion<Target> done) {
        assert control.reactor().isCurrent();
        Target target = new Target(control, config, registry, listener);
        int[] left = {cores.size()};
        // The least loaded group is never above the average: so many areas are enough.
        int connectionsPerGroup = (config.connectionsMax() + cores.size() - 1) / cores.size() + 1;
        OperationException[] failure = {null};
        for (Reactor reactor : cores) {
            reactor.mthread().send(() -> {
                PollGroup group = null;
                OperationException failed = null;
                Mthread mthread = reactor.createMthread("nvmf-" + reactor.core());
                try {
                    group = new PollGroup(target, mthread, config, memory, connectionsPerGroup);
                } catch (OperationException e) {
                    reactor.destroyMthread(mthread);
                    failed = e;
                }
                PollGroup made = group;
                OperationException problem = failed;
                control.send(() -> {
                    if (made != null) {
                        target.groups.add(made);
                        target.load.put(made, 0);
                    } else {
                        failure[0] = problem;
                    }
                    if (--left[0] == 0) {
                        target.started(failure[0], done);
                    }
                });
            });
        }
    }

    private void started(OperationException failure, Completion<Target> done) {
        groups.sort((a, b) -> Integer.compare(a.reactor.core(), b.reactor.core()));
        if (failure == null) {
            done.ok(this);
        } else {
            stop((value, ignored) -> done.fail(failure));
        }
    }

    Mthread control() {
        return control;
    }

    Listener listener() {
        return listener;
    }

    TargetConfig config() {
        return config;
    }

    Discovery discovery() {
        return discovery;
    }

    private void assertControl() {
        assert control.reactor().isCurrent();
    }

    /** Runs an action on every group's core; {@code done} on the control reactor when all have called theirs. */
    void onGroups(BiConsumer<PollGroup, Runnable> action, Runnable done) {
        if (groups.isEmpty()) {
            done.run();
            return;
        }
        int[] left = {groups.size()};
        Runnable one = () -> {
            if (--left[0] == 0) {
                done.run();
            }
        };
        for (PollGroup group : groups) {
            group.mthread.send(() -> action.accept(group, () -> control.send(one)));
        }
    }

    // --- listeners and connections ---------------------------------------------------------------------------

    /**
     * Listens on a local address, IPv4 or IPv6; port 0 lets the kernel choose.
     *
     * @return the address bound
     * @throws OperationException when the address cannot be had
     */
    public InetSocketAddress listen(InetSocketAddress address) {
        assertControl();
        Sockets.Listener bound = control.reactor().sockets().listen(address, this::onAccept);
        listeners.put(bound.localAddress(), bound);
        publishDiscovery();
        return bound.localAddress();
    }

    /** Where the target listens. */
    public List<InetSocketAddress> listeners() {
        assertControl();
        return List.copyOf(listeners.keySet());
    }

    private void onAccept(int socketId) {
        if (stopping || connectionCount >= config.connectionsMax()) {
            refusals.connectionsRefused++;
            control.reactor().sockets().discard(socketId);
            return;
        }
        PollGroup least = groups.get(0);
        for (PollGroup group : groups) {
            if (load.get(group) < load.get(least)) {
                least = group;
            }
        }
        PollGroup chosen = least;
        load.merge(chosen, 1, Integer::sum);
        connectionCount++;
        chosen.mthread.send(() -> chosen.adopt(socketId));
    }

    /** A connection is gone, or was not taken. Any group's reactor. */
    void onConnectionEnded(PollGroup group) {
        control.send(() -> {
            load.merge(group, -1, Integer::sum);
            connectionCount--;
            stopIfIdle();
        });
    }

    // --- controllers: on the control reactor, or from a group by message ----------------------------------------

    /** Admits or refuses a connect, now or later. Control reactor. */
    void admit(ConnectCommands.Attempt attempt, Consumer<ConnectCommands.Admission> answer) {
        assertControl();
        admission.admit(attempt, answer);
    }

    /** A queue is gone, or never came to be. From its group. */
    void onQueueClosed(Controller controller, int queueId) {
        control.send(() -> admission.queueClosed(controller, queueId));
    }

    /** The controller ends: its queues are closed. From any reactor of the target. */
    void closeController(Controller controller, String reason) {
        control.send(() -> admission.close(controller, true, reason));
    }

    /** A controller reset. From the admin queue's group. */
    void closeIoQueues(Controller controller, String reason) {
        control.send(() -> admission.close(controller, false, reason));
    }

    // --- subsystems -----------------------------------------------------------------------------------------------

    /**
     * Creates a subsystem without namespaces.
     *
     * @param serial 1 to 20 ASCII characters
     */
    public void createSubsystem(String nqn, String serial, HostAccess access, Completion<Subsystem> done) {
        assertControl();
        if (!Text.isNqn(nqn) || nqn.equals(DiscoveryLog.NQN)) {
            done.fail(OperationException.invalid("invalid-nqn", "\"" + nqn + "\" is not a subsystem NQN"));
            return;
        }
        boolean printable = serial.chars().allMatch(c -> c > ' ' && c < 0x7F);
        if (serial.isEmpty() || serial.length() > SERIAL_LENGTH_MAX || !printable) {
            done.fail(OperationException.invalid("invalid-serial",
                    "\"" + serial + "\" is not a serial number of 1 to 20 ASCII characters"));
            return;
        }
        if (stopping || subsystems.containsKey(nqn)) {
            done.fail(new OperationException(ErrorKind.ALREADY_EXISTS, "subsystem-exists",
                    stopping ? "the target is stopping" : "subsystem " + nqn + " exists already"));
            return;
        }
        Subsystem subsystem = new Subsystem(nqn, serial, false, access);
        subsystems.put(nqn, subsystem);
        onGroups((group, next) -> {
            group.addSubsystem(subsystem);
            next.run();
        }, () -> {
            publishDiscovery();
            done.ok(subsystem);
        });
    }

    /**
     * Says whether subsystems are still to be brought back. Meanwhile a host that asks for one that is not there is told
     * to try again; at other times it is told that there is none, and gives up its block device.
     */
    public void setAwaitingSubsystems(boolean awaiting) {
        assertControl();
        awaitingSubsystems = awaiting;
    }

    /** Whether a subsystem that is not there may be there later, here or after the next start. */
    boolean mayBringSubsystems() {
        return awaitingSubsystems || stopping;
    }

    /** The NVM subsystems, in the order of their creation. */
    public List<Subsystem> subsystems() {
        assertControl();
        return List.copyOf(subsystems.values());
    }

    /** The subsystem, or null. */
    public Subsystem subsystem(String nqn) {
        assertControl();
        return subsystems.get(nqn);
    }

    Subsystem discoverySubsystem() {
        return discoverySubsystem;
    }

    /** Says who may use the subsystem from now on; hosts that may not any more are disconnected. */
    public void setAccess(Subsystem subsystem, HostAccess access) {
        assertControl();
        subsystem.setAccess(access);
        for (Controller controller : List.copyOf(subsystem.controllers)) {
            if (!access.allows(controller.hostNqn())) {
                admission.close(controller, true, "the host is not allowed any more");
            }
        }
        publishDiscovery();
    }

    /** Removes a subsystem: its hosts are disconnected, their I/O ends, its namespaces are closed. */
    public void removeSubsystem(Subsystem subsystem, Completion<Void> done) {
        assertControl();
        if (subsystem.closing || subsystems.get(subsystem.nqn()) != subsystem) {
            done.fail(OperationException.notFound("subsystem-not-found", "subsystem " + subsystem + " is gone"));
            return;
        }
        subsystem.closing = true;
        publishDiscovery();
        if (subsystem.paused) {
            resume(subsystem, (value, failure) -> disconnectAll(subsystem, done));
        } else {
            disconnectAll(subsystem, done);
        }
    }

    private void disconnectAll(Subsystem subsystem, Completion<Void> done) {
        subsystem.idleWaiters.add(() -> removeNamespaces(subsystem, done));
        for (Controller controller : List.copyOf(subsystem.controllers)) {
            admission.close(controller, true, "the subsystem is removed");
        }
        wakeIfIdle(subsystem);
    }

    private void removeNamespaces(Subsystem subsystem, Completion<Void> done) {
        if (!subsystem.changing.isEmpty()) {
            subsystem.idleWaiters.add(() -> removeNamespaces(subsystem, done));
        } else if (!subsystem.active.isEmpty()) {
            removeNamespace(subsystem, subsystem.active.firstKey(),
                    (value, failure) -> removeNamespaces(subsystem, done));
        } else {
            onGroups((group, next) -> {
                group.removeSubsystem(subsystem);
                next.run();
            }, () -> {
                subsystems.remove(subsystem.nqn());
                done.ok(null);
                stopIfIdle();
            });
        }
    }

    /** Runs what waits for a subsystem without controllers and without changes. */
    void wakeIfIdle(Subsystem subsystem) {
        if (subsystem.controllers.isEmpty() && subsystem.changing.isEmpty()) {
            List<Runnable> waiters = new ArrayList<>(subsystem.idleWaiters);
            subsystem.idleWaiters.clear();
            waiters.forEach(Runnable::run);
        }
        stopIfIdle();
    }

    /**
     * Holds the subsystem's I/O back and waits until none is in flight; identify and the like go on. Resumed before that, it
     * fails: what is in flight may be so for as long as a device likes, so the caller sets the limit.
     */
    public void pause(Subsystem subsystem, Completion<Void> done) {
        assertControl();
        if (subsystem.paused || subsystem.closing) {
            done.fail(OperationException.precondition("subsystem-paused", "subsystem " + subsystem
                    + (subsystem.closing ? " is being removed" : " is paused already")));
            return;
        }
        subsystem.paused = true;
        int pause = ++subsystem.pauses;
        onGroups((group, next) -> group.pause(subsystem, next), () -> {
            if (subsystem.paused && subsystem.pauses == pause) {
                done.ok(null);
            } else {
                done.fail(OperationException.precondition("subsystem-resumed", "subsystem " + subsystem
                        + " was resumed before its I/O had ended"));
            }
        });
    }

    /** Lets the I/O go on. */
    public void resume(Subsystem subsystem, Completion<Void> done) {
        assertControl();
        if (!subsystem.paused) {
            done.fail(OperationException.precondition("subsystem-not-paused",
                    "subsystem " + subsystem + " is not paused"));
            return;
        }
        subsystem.paused = false;
        onGroups((group, next) -> {
            group.resume(subsystem);
            next.run();
        }, () -> done.ok(null));
    }

    // --- namespaces -------------------------------------------------------------------------------------------------

    /** Adds a namespace; hosts are told. The bdev is opened for writing, and closed when the namespace goes. */
    public void addNamespace(Subsystem subsystem, int nsid, Bdev bdev, NamespaceIdentity identity,
            Completion<Namespace> done) {
        assertControl();
        namespaces.add(subsystem, nsid, bdev, identity, done);
    }

    /** Removes a namespace: new commands are refused, those in flight end, the bdev is closed; hosts are told. */
    public void removeNamespace(Subsystem subsystem, int nsid, Completion<Void> done) {
        assertControl();
        namespaces.remove(subsystem, nsid, done);
    }

    /**
     * Closes the bdev of a namespace of a paused subsystem, which keeps its place: hosts see what they know of it, and wait.
     * {@link #attachNamespace} comes before the resume.
     */
    public void detachNamespace(Subsystem subsystem, int nsid, Completion<Void> done) {
        assertControl();
        namespaces.detach(subsystem, nsid, done);
    }

    /** Puts a bdev, which may be another one with the same data, where one was detached. When it fails, the namespace is gone. */
    public void attachNamespace(Subsystem subsystem, int nsid, Bdev bdev, Completion<Void> done) {
        assertControl();
        namespaces.attach(subsystem, nsid, bdev, done);
    }

    // --- discovery ------------------------------------------------------------------------------------------------

    private void publishDiscovery() {
        List<Discovery.Entry> entries = new ArrayList<>();
        for (Subsystem subsystem : subsystems.values()) {
            if (!subsystem.closing) {
                entries.add(new Discovery.Entry(subsystem.nqn(), subsystem.access()));
            }
        }
        discovery = new Discovery(discovery.generation() + 1, entries, List.copyOf(listeners.keySet()));
        for (Controller controller : discoverySubsystem.controllers) {
            controller.group().mthread.send(controller::onDiscoveryChanged);
        }
    }

    // --- views and end ----------------------------------------------------------------------------------------------

    /** The controllers of all subsystems, discovery included, with their queues. */
    public List<ControllerInfo> controllers() {
        assertControl();
        List<ControllerInfo> all = new ArrayList<>();
        for (Subsystem subsystem : subsystems.values()) {
            subsystem.controllers.forEach(controller -> all.add(ControllerInfo.of(controller)));
        }
        discoverySubsystem.controllers.forEach(controller -> all.add(ControllerInfo.of(controller)));
        return all;
    }

    /** Every connection, those that have not sent a connect command too. */
    public List<ConnectionInfo> connections() {
        assertControl();
        List<ConnectionInfo> all = new ArrayList<>();
        for (PollGroup group : groups) {
            group.connections().forEach(connection -> all.add(ConnectionInfo.of(connection)));
        }
        return all;
    }

    /** The counters of all groups. */
    public TargetStats stats() {
        assertControl();
        TargetStats sum = new TargetStats();
        sum.add(refusals);
        groups.forEach(group -> sum.add(group.stats));
        return sum;
    }

    /** Stops: listeners are closed, hosts disconnected, subsystems removed, poll groups ended. */
    public void stop(Completion<Void> done) {
        assertControl();
        stopWaiters.add(() -> done.ok(null));
        if (stopping) {
            return;
        }
        stopping = true;
        listeners.values().forEach(Sockets.Listener::close);
        listeners.clear();
        for (Controller controller : List.copyOf(discoverySubsystem.controllers)) {
            admission.close(controller, true, "the target stops");
        }
        for (Subsystem subsystem : List.copyOf(subsystems.values())) {
            if (!subsystem.closing) {
                removeSubsystem(subsystem, (value, failure) -> { });
            }
        }
        for (PollGroup group : groups) {
            group.mthread.send(() -> List.copyOf(group.connections()).forEach(c -> c.close("the target stops")));
        }
        stopIfIdle();
    }

    private void stopIfIdle() {
        boolean idle = subsystems.isEmpty() && connectionCount == 0 && discoverySubsystem.controllers.isEmpty();
        if (!stopping || !idle || stopWaiters.isEmpty()) {
            return;
        }
        List<Runnable> waiters = new ArrayList<>(stopWaiters);
        stopWaiters.clear();
        List<PollGroup> ended = List.copyOf(groups);
        onGroups((group, next) -> {
            group.shutDown();
            next.run();
        }, () -> {
            groups.clear();
            int[] left = {ended.size()};
            for (PollGroup group : ended) {
                group.reactor.mthread().send(() -> {
                    group.reactor.destroyMthread(group.mthread);
                    control.send(() -> {
                        if (--left[0] == 0) {
                            waiters.forEach(Runnable::run);
                        }
                    });
                });
            }
            if (ended.isEmpty()) {
                waiters.forEach(Runnable::run);
            }
        });
    }
}
