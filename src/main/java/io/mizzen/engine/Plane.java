package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Clock;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import io.mizzen.reactor.StallDetector;
import io.mizzen.util.OperationException;
import java.lang.System.Logger;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * The running data plane: memory, reactors, mthreads and the services on the control reactor. Made by the thread that
 * starts the engine; taken down by {@link StopSequence}.
 */
final class Plane {
    private static final Logger LOG = System.getLogger("io.mizzen.engine");
    private static final long LAUNCH_TIMEOUT_NS = 20_000_000_000L;
    private static final long WATCH_MIN_NS = 1_000_000;
    private static final long WATCH_MAX_NS = 250_000_000;
    private static final int EXIT_CRASHED = 70;

    final EngineConfig config;
    final Platform platform;
    final DmaMemory memory;
    final BufferPools buffers;
    final Reactors reactors;
    final BdevRegistry registry = new BdevRegistry();
    final EventRing events;
    PlaneContext context;
    Services services;
    Mailbox mailbox;
    private final Mthread[] control = new Mthread[1];
    private final List<Mthread> rebuild = new ArrayList<>();
    private final List<Mthread> admin = new ArrayList<>();
    private Offload offload;
    private Offload deviceOffload;
    private Thread watchdog;
    private volatile boolean watching = true;

    /** Starts everything; on failure nothing is left behind. */
    static Plane start(EngineConfig config, Platform platform, EventRing events) {
        List<Integer> cores = CoreChoice.reactors(config.cores(), platform.affinity().allowedCores());
        DmaMemory memory = platform.reserve(config.memory(), cores);
        Plane plane;
        try {
            plane = new Plane(config, platform, memory, events, cores);
        } catch (RuntimeException failure) {
            platform.release();
            throw failure;
        }
        plane.launch();
        return plane;
    }

    private Plane(EngineConfig config, Platform platform, DmaMemory memory, EventRing events, List<Integer> cores) {
        this.config = config;
        this.platform = platform;
        this.memory = memory;
        this.events = events;
        CoreChoice.placement("cores.nvmf", config.cores().nvmf(), cores);
        CoreChoice.placement("cores.rebuild", config.cores().rebuild(), cores);
        CoreChoice.placement("cores.admin", config.cores().admin(), cores);
        this.buffers = PlaneMemory.pools(memory, cores.stream().mapToInt(platform::numaNode).toArray());
        this.reactors = new Reactors(cores, Clock.SYSTEM, config.cores().spinNs());
        for (Reactor reactor : reactors.all()) {
            boolean busy = config.cores().busy().contains(reactor.core());
            reactor.setSpinNs(busy || config.cores().pollMode() == io.mizzen.engine.model.PollMode.BUSY ? -1
                    : config.cores().spinNs());
        }
    }

    private void launch() {
        DmaMemory.Block zeroes = PlaneMemory.zeroes(memory);
        try {
            reactors.launch(platform.affinity(), new Reactors.Setup() {
                @Override
                public void open(Reactor reactor) {
                    openReactor(reactor, zeroes);
                }

                @Override
                public void close(Reactor reactor) {
                    platform.close(reactor);
                }
            }, Plane::onCrash, LAUNCH_TIMEOUT_NS);
            offload = new Offload(control[0], "engine-offload");
            deviceOffload = new Offload(control[0], "engine-devices");
            context = new PlaneContext(config, platform, reactors, buffers, registry, new Serializer(config.limits().mailbox()),
                    events, offload, control[0], nvmfReactors(), List.copyOf(rebuild), List.copyOf(admin));
            services = PlaneCall.on(control[0], "engine start", LAUNCH_TIMEOUT_NS, done -> done.ok(new Services(context, deviceOffload)));
            PlaneCall.<Void>on(control[0], "engine start", LAUNCH_TIMEOUT_NS, services::start);
        } catch (RuntimeException failure) {
            unwind();
            throw failure;
        }
        mailbox = new Mailbox(config.limits().mailbox(), config.limits().operationTimeoutNs(), control[0]);
        watchdog = Thread.ofPlatform().name("engine-watchdog").daemon(true).unstarted(this::watch);
        watchdog.start();
    }

    private void unwind() {
        if (offload != null) {
            offload.close();
        }
        if (deviceOffload != null) {
            deviceOffload.close();
        }
        if (reactors.stop(LAUNCH_TIMEOUT_NS)) {
            platform.release();
        }
    }

    private void openReactor(Reactor reactor, DmaMemory.Block zeroes) {
        platform.open(reactor, memory);
        BdevContext.install(reactor, BdevContext.IO_COUNT_DEFAULT, buffers, zeroes);
        List<Integer> cores = reactors.all().stream().map(Reactor::core).toList();
        if (reactor.index() == 0) {
            control[0] = reactor.createMthread("control");
        }
        EngineConfig.Cores placement = config.cores();
        if (CoreChoice.placement("cores.rebuild", placement.rebuild(), cores).contains(reactor.core())) {
            add(rebuild, reactor.createMthread(PlaneNames.MTHREAD_REBUILD + reactor.core()));
        }
        List<Integer> adminCores = placement.admin().isEmpty() ? cores.subList(0, 1) : placement.admin();
        if (adminCores.contains(reactor.core())) {
            add(admin, reactor.createMthread(PlaneNames.MTHREAD_ADMIN + reactor.core()));
        }
    }

    private List<Reactor> nvmfReactors() {
        List<Integer> cores = reactors.all().stream().map(Reactor::core).toList();
        return CoreChoice.placement("cores.nvmf", config.cores().nvmf(), cores).stream().map(reactors::ofCore).toList();
    }

    /** Reactors open at the same time. */
    private static void add(List<Mthread> list, Mthread mthread) {
        synchronized (list) {
            list.add(mthread);
            list.sort(java.util.Comparator.comparingInt(other -> other.reactor().core()));
        }
    }

    /** An Error on a reactor is a bug of ours: nothing that it held can be trusted, so the process ends at once. */
    private static void onCrash(Reactor reactor, Throwable cause) {
        try {
            System.err.println(reactor + " crashed: " + cause);     // First, and without the logger, which may fail too.
            LOG.log(Logger.Level.ERROR, reactor + " crashed; the process stops. Its last events:\n"
                    + String.join("\n", reactor.events().dump(reactor.nowNs(), 64)), cause);
        } finally {
            Runtime.getRuntime().halt(EXIT_CRASHED);
        }
    }

    private void watch() {
        long limitNs = config.cores().stallNs();
        StallDetector detector = new StallDetector(reactors.all(), limitNs, System.nanoTime(), new StallDetector.Listener() {
            @Override
            public void onStall(Reactor reactor, long frozenNs, List<String> lastEvents, StackTraceElement[] stack) {
                long ms = frozenNs / 1_000_000;
                String where = stack.length == 0 ? null : stack[0].toString();
                events.add(ObjectKind.REACTOR, null, reactor.toString(), "reactor-stalled", reactor + " has made no turn for "
                        + ms + " ms", "core", reactor.core(), "stalledMs", ms, "at", where);
                StringBuilder text = new StringBuilder();
                for (StackTraceElement frame : stack) {
                    text.append("\n    at ").append(frame);
                }
                LOG.log(Logger.Level.WARNING, reactor + " stalled here:" + text);
                LOG.log(Logger.Level.DEBUG, "last events of " + reactor + ":\n    " + String.join("\n    ", lastEvents));
            }

            @Override
            public void onRecovered(Reactor reactor, long frozenNs) {
                long ms = frozenNs / 1_000_000;
                events.add(ObjectKind.REACTOR, null, reactor.toString(), "reactor-recovered", reactor + " moves again after "
                        + ms + " ms", "core", reactor.core(), "stalledMs", ms);
            }
        });
        while (watching) {
            LockSupport.parkNanos(Math.clamp(limitNs / 2, WATCH_MIN_NS, WATCH_MAX_NS));
            if (watching) {
                detector.check(System.nanoTime());
            }
        }
    }

    Mthread control() {
        return control[0];
    }

    /** Ends the helper threads, before the reactors. */
    void stopHelpers() {
        watching = false;
        LockSupport.unpark(watchdog);
        offload.close();
        deviceOffload.close();
    }

    /** The bdevs. Any thread. */
    List<Bdev> bdevs() {
        return registry.all();
    }

    static OperationException notRunning(String state) {
        return new OperationException(io.mizzen.util.ErrorKind.UNAVAILABLE, "engine-not-running", "the engine is " + state);
    }
}
