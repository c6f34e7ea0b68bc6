package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.DriveHealthView;
import io.mizzen.engine.model.EngineView;
import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.FaultView;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.NvmeControllerView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.ReactorView;
import io.mizzen.engine.model.RebuildOrder;
import io.mizzen.engine.model.RebuildsView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.StopReport;
import io.mizzen.engine.model.SubsystemView;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.OperationException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** The engine: turns commands into operations of the services on the control reactor. Any thread but a reactor's. */
final class DataPlane extends StorageCommands {
    private static final System.Logger LOG = System.getLogger("io.mizzen.event");
    private static final long LONG_NS = 24 * 3_600_000_000_000L;

    private final EngineConfig config;
    private final Platform platform;
    private final EventRing events;
    private final EventFeed feed;
    private final Object lifecycle = new Object();
    private volatile Plane plane;
    private volatile String state = "INIT";
    private volatile Instant startedAt;
    private StopReport stopReport;

    DataPlane(EngineConfig config, Platform platform) {
        this.config = config;
        this.platform = platform;
        this.events = new EventRing(config.limits().events(), Clock.systemUTC(), EventRing.base(Clock.systemUTC()));
        this.feed = new EventFeed(events, LOG);
    }

    /** The running plane, or null. */
    Plane plane() {
        return plane;
    }

    // --- life -----------------------------------------------------------------------------------

    @Override
    public EngineConfig config() {
        return config;
    }

    @Override
    public void start() {
        synchronized (lifecycle) {
            if (!state.equals("INIT")) {
                throw OperationException.precondition("engine-started", "the engine is " + state + "; it starts once");
            }
            feed.start();
            try {
                plane = Plane.start(config, platform, events);
            } catch (RuntimeException failure) {
                feed.end();
                throw failure;
            }
            startedAt = Instant.now();
            state = "RUNNING";
        }
        List<Integer> cores = plane.reactors.all().stream().map(Reactor::core).toList();
        report(ObjectKind.ENGINE, null, "engine", "engine-started", "the engine runs on cores " + cores, "version",
                config.version(), "memoryKind", plane.memory.regions().getFirst().kind());
    }

    @Override
    public StopReport stop(long deadlineNs) {
        synchronized (lifecycle) {
            if (stopReport == null) {
                Plane running = plane;
                state = "STOPPING";
                stopReport = running == null ? new StopReport(true, List.of()) : new StopSequence(running, deadlineNs).run();
                state = "STOPPED";
                plane = null;
                report(ObjectKind.ENGINE, null, "engine", stopReport.clean() ? "engine-stopped" : "stop-unclean",
                        stopReport.clean() ? "the engine has stopped; every pool and nexus is clean"
                        : "the engine has stopped; what is not clean is recovered at the next start");
                feed.end();
            }
            return stopReport;
        }
    }

    @Override
    public boolean isRunning() {
        return state.equals("RUNNING");
    }

    // --- ways to the control reactor --------------------------------------------------------------

    private <T> CompletableFuture<T> command(String name, Function<Services, Operation.Body<T>> body) {
        Plane running = plane;
        if (running == null) {
            return CompletableFuture.failedFuture(Plane.notRunning(state));
        }
        return running.mailbox.submit(name, done -> body.apply(running.services).run(done));
    }

    /** As {@link #change}, for what takes the longer the larger the disks are. */
    @Override
    <T> CompletableFuture<T> longChange(String name, Function<Services, Set<String>> keys, Function<Services, Operation.Body<T>> body) {
        Plane running = plane;
        return running == null ? CompletableFuture.failedFuture(Plane.notRunning(state)) : running.mailbox.submit(name, LONG_NS,
                done -> running.services.plane.serializer().run(keys.apply(running.services), body.apply(running.services), done));
    }

    @Override
    <T> CompletableFuture<T> query(String name, Function<Services, T> query) {
        return command(name, services -> done -> done.ok(query.apply(services)));
    }

    /** An operation that does not interleave with others on the objects that it names. */
    @Override
    <T> CompletableFuture<T> change(String name, Function<Services, Set<String>> keys,
                                            Function<Services, Operation.Body<T>> body) {
        return command(name, services -> done ->
                services.plane.serializer().run(keys.apply(services), body.apply(services), done));
    }

    // --- views ------------------------------------------------------------------------------------

    @Override
    public CompletableFuture<EngineView> info() {
        Plane running = plane;
        return query("engine info", services -> new EngineView(config.version(), state, startedAt,
                running.reactors.all().stream().map(Reactor::core).toList(), running.memory.regions().getFirst().kind().name(),
                config.nvmf().nqnPrefix(), services.listeners(), running.mailbox.depth(), running.mailbox.capacity(),
                platform.ioFeatures()));
    }

    @Override
    public CompletableFuture<List<ReactorView>> reactors() {
        return query("reactors", services -> {
            List<ConnectionView> connections = services.connections();
            return services.plane.reactors().all().stream().map(reactor -> view(reactor, connections)).toList();
        });
    }

    @Override
    public CompletableFuture<ReactorView> reactor(int core) {
        return query("reactor", services -> {
            Reactor reactor = services.plane.reactors().ofCore(core);
            if (reactor == null) {
                throw OperationException.notFound("reactor-not-found", "core " + core + " has no reactor; GET /v1/reactors lists those that are there");
            }
            return view(reactor, services.connections());
        });
    }

    private ReactorView view(Reactor reactor, List<ConnectionView> connections) {
        return ReactorViews.reactor(reactor, platform.numaNode(reactor.core()), connections);
    }

    @Override
    public CompletableFuture<MemoryView> memory() {
        Plane running = plane;
        return query("memory", services -> ReactorViews.memory(running.memory, running.buffers, running.reactors.all()));
    }

    @Override
    public MetricsView metrics() {
        Plane running = plane;
        if (running == null) {
            return new MetricsView(System.nanoTime(), List.of(), List.of(), List.of(), 0, 0,
                    MetricsView.TargetMetrics.NONE, MetricsView.MemoryMetrics.NONE, events.counts());
        }
        List<MetricsView.VolumeMetrics> volumes = new ArrayList<>();
        for (Bdev bdev : running.bdevs()) {
            ObjectKind kind = kind(bdev);
            volumes.add(new MetricsView.VolumeMetrics(kind, metricName(bdev), bdev.uuid().toString(),
                    BdevViews.stats(bdev.stats()), kind == ObjectKind.BDEV ? null : VolumeLimits.view(bdev)));
        }
        MetricsView.TargetMetrics target = running.services.targetMetrics();
        target.hosts().forEach(host -> volumes.add(new MetricsView.VolumeMetrics(ObjectKind.HOST, host.name(), null, host.stats(), null)));
        return new MetricsView(System.nanoTime(),
                running.reactors.all().stream().map(r -> ReactorViews.metrics(r, platform.ringCounts(r))).toList(), volumes,
                ReactorViews.pools(running.buffers, running.reactors.all()), running.mailbox.depth(),
                running.mailbox.refusals(), target, ReactorViews.memoryMetrics(running.memory), events.counts());
    }

    /** What people call it: a replica's bdev is named by its UUID, its alias is pool/replica. */
    private static String metricName(Bdev bdev) {
        return PlaneNames.PRODUCT_LVOL.equals(bdev.product()) ? bdev.aliases().getFirst() : bdev.name();
    }

    private static ObjectKind kind(Bdev bdev) {
        return switch (bdev.product()) {
            case PlaneNames.PRODUCT_LVOL -> ObjectKind.REPLICA;
            case PlaneNames.PRODUCT_NEXUS -> ObjectKind.NEXUS;
            default -> ObjectKind.BDEV;
        };
    }

    @Override
    public EventPage events(long afterSequence, int limit) {
        return events.page(afterSequence, limit);
    }

    @Override
    public EventPage awaitEvents(long afterSequence, int limit, long timeoutNs) throws InterruptedException {
        feed.await(afterSequence, timeoutNs);
        return events.page(afterSequence, limit);
    }

    @Override
    public void report(ObjectKind type, String uuid, String name, String kind, String message, Object... details) {
        events.add(type, uuid, name, kind, message, details);
    }

    // --- devices ------------------------------------------------------------------------------------

    @Override
    public CompletableFuture<List<DeviceView>> devices() {
        return command("device list", s -> s.devices::list);
    }

    @Override
    public CompletableFuture<DeviceView> device(String address) {
        return command("device get", s -> done -> s.devices.get(address, done));
    }

    @Override
    public CompletableFuture<DeviceView> bindDevice(String address, DeviceSpec spec) {
        return change("device bind", s -> DeviceService.keys(address), s -> done -> s.devices.bind(address, spec, done));
    }

    @Override
    public CompletableFuture<DeviceView> unbindDevice(String address) {
        return change("device unbind", s -> DeviceService.keys(address), s -> done -> s.devices.unbind(address, done));
    }

    @Override
    public CompletableFuture<List<NvmeControllerView>> nvmeControllers() {
        return query("nvme controllers", s -> s.controllers.list());
    }

    @Override
    public CompletableFuture<List<DriveHealthView>> kernelDrives() {
        return query("kernel drives", s -> s.kernelDrives.list());
    }

    // --- block devices ----------------------------------------------------------------------------

    @Override
    public CompletableFuture<BdevView> createBdev(BdevSpec spec) {
        return change("bdev create", s -> s.bdevs.keys(spec.uri()), s -> done -> s.bdevs.create(spec, done));
    }

    @Override
    public CompletableFuture<Void> destroyBdev(String name) {
        return change("bdev destroy", s -> s.bdevs.keys(name), s -> done -> s.bdevs.destroy(name, done));
    }

    @Override
    public CompletableFuture<List<BdevView>> bdevs() {
        return query("bdev list", s -> s.bdevs.list());
    }

    @Override
    public CompletableFuture<BdevView> bdev(String name) {
        return query("bdev get", s -> s.bdevs.get(name));
    }

    @Override
    public CompletableFuture<BdevView> rescanBdev(String name) {
        return change("bdev rescan", s -> s.bdevs.keys(name), s -> done -> s.bdevs.rescan(name, done));
    }

    @Override
    public CompletableFuture<List<BdevView.ChannelView>> bdevChannels(String name) {
        return query("bdev channels", s -> s.bdevs.channels(name));
    }

    // --- faults -----------------------------------------------------------------------------------

    @Override
    public CompletableFuture<List<FaultView>> faults(String bdev) {
        return query("fault list", s -> s.faults.list(bdev));
    }

    @Override
    public CompletableFuture<FaultView> putFault(String bdev, FaultSpec spec) {
        return query("fault put", s -> s.faults.put(bdev, spec));
    }

    @Override
    public CompletableFuture<Void> deleteFault(String bdev, String faultId) {
        return query("fault delete", s -> {
            s.faults.delete(bdev, faultId);
            return null;
        });
    }

    // --- target -----------------------------------------------------------------------------------

    @Override
    public CompletableFuture<Void> awaitShares(boolean more) {
        return query("shares to come", s -> {
            s.shares.awaitShares(more);
            return null;
        });
    }

    @Override
    public CompletableFuture<List<SubsystemView>> subsystems() {
        return query("subsystem list", s -> s.shares.subsystems());
    }

    @Override
    public CompletableFuture<List<HostView>> hosts() {
        return query("host list", Services::hosts);
    }

    @Override
    public CompletableFuture<List<ConnectionView>> connections() {
        return query("connection list", Services::connections);
    }

    // --- nexuses ----------------------------------------------------------------------------------

    @Override
    public CompletableFuture<NexusView> createNexus(NexusSpec spec) {
        return change("nexus create", s -> s.nexuses.keys(spec, true), s -> done -> s.nexuses.create(spec, done));
    }

    @Override
    public CompletableFuture<NexusView> assembleNexus(NexusSpec spec, boolean allowMissing) {
        return change("nexus assemble", s -> s.nexuses.keys(spec, false), s -> done -> s.nexuses.assemble(spec, allowMissing, done));
    }

    @Override
    public CompletableFuture<Void> destroyNexus(String id) {
        return change("nexus destroy", s -> s.nexuses.keys(id), s -> done -> s.nexuses.destroy(id, done));
    }

    @Override
    public CompletableFuture<List<NexusView>> nexuses() {
        return query("nexus list", s -> s.nexuses.list());
    }

    @Override
    public CompletableFuture<NexusView> nexus(String id) {
        return query("nexus get", s -> s.nexuses.get(id));
    }

    @Override
    public CompletableFuture<NexusView> publishNexus(String id, ShareSpec spec) {
        return change("nexus publish", s -> s.nexuses.keys(id), s -> done -> s.nexuses.publish(id, spec, done));
    }

    @Override
    public CompletableFuture<NexusView> unpublishNexus(String id) {
        return change("nexus unpublish", s -> s.nexuses.keys(id), s -> done -> s.nexuses.unpublish(id, done));
    }

    @Override
    public CompletableFuture<NexusView> publishNexusPaused(String id, ShareSpec spec, long forMs) {
        return change("nexus publish", s -> s.nexuses.keys(id), s -> done -> s.nexuses.publishPaused(id, spec, forMs, done));
    }

    @Override
    public CompletableFuture<NexusView> pauseNexus(String id, long forMs) {
        return change("nexus pause", s -> s.nexuses.keys(id), s -> done -> s.nexuses.pause(id, forMs, done));
    }

    @Override
    public CompletableFuture<NexusView> resumeNexus(String id) {
        return change("nexus resume", s -> s.nexuses.keys(id), s -> done -> s.nexuses.resume(id, done));
    }

    // --- limits -----------------------------------------------------------------------------------

    @Override
    public CompletableFuture<LimitsView> nexusLimits(String id) {
        return query("nexus limits", s -> s.nexuses.limits(id));
    }

    @Override
    public CompletableFuture<LimitsView> setNexusLimits(String id, LimitsSpec spec) {
        return change("nexus limits", s -> s.nexuses.keys(id), s -> done -> s.nexuses.setLimits(id, spec, done));
    }

    @Override
    public CompletableFuture<LimitsView> replicaLimits(String id) {
        return query("replica limits", s -> s.replicas.limits(id));
    }

    @Override
    public CompletableFuture<LimitsView> setReplicaLimits(String id, LimitsSpec spec) {
        return change("replica limits", s -> s.replicas.keys(id), s -> done -> s.replicas.setLimits(id, spec, done));
    }

    @Override
    public CompletableFuture<NexusView> faultNexusChild(String id, String childUri) {
        return change("nexus child fault", s -> s.children.keys(id, childUri), s -> done -> s.children.fault(id, childUri, done));
    }

    @Override
    public CompletableFuture<NexusView> resizeNexus(String id, long sizeBytes) {
        return change("nexus resize", s -> s.nexuses.keys(id), s -> done -> s.nexuses.resize(id, sizeBytes, done));
    }

    @Override
    public CompletableFuture<NexusView> shutdownNexus(String id) {
        return change("nexus shutdown", s -> s.nexuses.keys(id), s -> done -> s.nexuses.shutdown(id, done));
    }

    @Override
    public CompletableFuture<NexusView> addNexusChild(String id, String uri, List<String> overwrite) {
        return change("nexus child add", s -> s.children.keys(id, uri), s -> done -> s.children.add(id, uri, overwrite, done));
    }

    @Override
    public CompletableFuture<NexusView> removeNexusChild(String id, String child) {
        return change("nexus child remove", s -> s.children.keys(id, child), s -> done -> s.children.remove(id, child, done));
    }

    @Override
    public CompletableFuture<NexusView> offlineNexusChild(String id, String child) {
        return change("nexus child offline", s -> s.children.keys(id, child), s -> done -> s.children.offline(id, child, done));
    }

    @Override
    public CompletableFuture<NexusView> onlineNexusChild(String id, String child) {
        return change("nexus child online", s -> s.children.keys(id, child), s -> done -> s.children.online(id, child, done));
    }

    @Override
    public CompletableFuture<NexusView> returnNexusChild(String id, String child) {
        return change("nexus child return", s -> s.children.keys(id, child), s -> done -> s.children.comeBack(id, child, done));
    }

    @Override
    public CompletableFuture<NexusView> rebuildNexusChild(String id, String child, RebuildOrder order) {
        return change("nexus child rebuild", s -> s.children.keys(id, child), s -> done -> s.children.order(id, child, order, done));
    }

    @Override
    public CompletableFuture<RebuildsView> verifyNexus(String id, String child) {
        return change("nexus verify", s -> s.nexuses.keys(id), s -> done -> s.children.verify(id, child, done));
    }

    @Override
    public CompletableFuture<RebuildsView> nexusRebuilds(String id) {
        return query("nexus rebuilds", s -> s.children.rebuilds(id));
    }

    @Override
    public CompletableFuture<NexusView> setNexus(String id, NexusSettings settings) {
        return query("nexus settings", s -> s.children.set(id, settings));
    }
}
