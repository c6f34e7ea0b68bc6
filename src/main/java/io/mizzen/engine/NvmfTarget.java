package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.nvmf.target.ConnectionInfo;
import io.mizzen.nvmf.target.ControllerInfo;
import io.mizzen.nvmf.target.HostAccess;
import io.mizzen.nvmf.target.Namespace;
import io.mizzen.nvmf.target.NamespaceIdentity;
import io.mizzen.nvmf.target.Subsystem;
import io.mizzen.nvmf.target.Target;
import io.mizzen.nvmf.target.TargetConfig;
import io.mizzen.nvmf.target.TargetStats;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;

/** The NVMe/TCP target as the engine uses it. Control reactor, unless the port says otherwise. */
final class NvmfTarget implements TargetPort, Target.Listener {
    private static final long SNAPSHOT_PERIOD_NS = 1_000_000_000L;
    private static final int IO_QUEUES_MAX = 64;
    private static final int CONTROLLERS_MAX = 128;
    private static final int FIRMWARE_CHARS = 8;

    private final PlaneContext plane;
    private Target target;
    /** What scrapers see: taken once a second, because controllers belong to the control reactor. */
    private volatile MetricsView.TargetMetrics snapshot = MetricsView.TargetMetrics.NONE;

    NvmfTarget(PlaneContext plane) {
        this.plane = plane;
    }

    private static TargetConfig config(EngineConfig config) {
        EngineConfig.Nvmf nvmf = config.nvmf();
        String firmware = config.version().length() <= FIRMWARE_CHARS ? config.version() : config.version().substring(0, FIRMWARE_CHARS);
        return TargetConfig.defaults().withQueues(nvmf.maxQueueDepth(), IO_QUEUES_MAX)
                .withTransfer(nvmf.inCapsuleBytes(), nvmf.maxIoBytes(), nvmf.maxR2t(), nvmf.maxIoBytes())
                .withConnections(nvmf.maxConnections(), nvmf.maxConnections(), CONTROLLERS_MAX)
                .withSuccessFlag(nvmf.c2hSuccess()).withFirmware(firmware);
    }

    @Override
    public void start(Completion<Void> done) {
        Target.start(plane.control(), plane.nvmf(), config(plane.config()), plane.buffers().memory(), plane.registry(),
                this, (started, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            target = started;
            target.setAwaitingSubsystems(true);
            try {
                for (String address : plane.config().nvmf().addresses()) {
                    target.listen(new InetSocketAddress(IpLiteral.parse(address), plane.config().nvmf().port()));
                }
            } catch (OperationException refused) {
                target.stop((nothing, ignored) -> done.fail(refused));
                return;
            }
            plane.control().addPoller("nvmf-snapshot", SNAPSHOT_PERIOD_NS, nowNs -> snapshot());
            done.ok(null);
        });
    }

    private int snapshot() {
        TargetStats stats = target.stats();
        snapshot = new MetricsView.TargetMetrics(target.connections().size(), stats.connectionsAccepted,
                stats.connectionsRefused, stats.connectionsClosed, stats.connectRefused,
                stats.handshakeTimeouts + stats.stallTimeouts + stats.keepAliveTimeouts, stats.terminationsSent,
                stats.terminationsReceived, stats.dataDigestErrors, stats.commands, stats.commandErrors,
                stats.bufferWaits, target.controllers().stream().filter(c -> !c.discovery())
                .map(NvmfTarget::metrics).toList());
        return 0; // A look, not work: the reactor may sleep.
    }

    private static MetricsView.HostMetrics metrics(ControllerInfo controller) {
        return new MetricsView.HostMetrics(controller.hostNqn(), controller.subsystemNqn(), controller.controllerId(),
                ioQueues(controller), BdevViews.stats(controller.stats()));
    }

    private static int ioQueues(ControllerInfo controller) {
        return (int) controller.queues().stream().filter(queue -> queue.queueId() > 0).count();
    }

    @Override
    public void onHostConnected(ControllerInfo controller) {
        if (!controller.discovery()) {
            plane.event(ObjectKind.HOST, controller.hostId(), controller.hostNqn(), "host-connected", "host " + controller.hostNqn()
                    + " at " + controller.remoteAddress() + " uses " + controller.subsystemNqn() + " as controller "
                    + controller.controllerId(), "subsystem", controller.subsystemNqn(), "controller", controller.controllerId(),
                    "address", controller.remoteAddress(), "keepAliveMs", controller.keepAliveMs());
        }
    }

    @Override
    public void onHostGone(ControllerInfo controller, String reason) {
        if (!controller.discovery()) {
            if (Target.KEEP_ALIVE_TIMEOUT.equals(reason)) {
                hostEvent(controller, "keep-alive-timeout", "host " + controller.hostNqn() + " sent nothing for "
                        + controller.keepAliveMs() + " ms", "keepAliveMs", controller.keepAliveMs());
            }
            hostEvent(controller, "host-disconnected", "host " + controller.hostNqn() + " left " + controller.subsystemNqn()
                    + " (controller " + controller.controllerId() + "): " + reason, "reason", reason);
        }
    }

    private void hostEvent(ControllerInfo controller, String kind, String message, String detail, Object value) {
        plane.event(ObjectKind.HOST, controller.hostId(), controller.hostNqn(), kind, message, "subsystem",
                controller.subsystemNqn(), "controller", controller.controllerId(), detail, value);
    }

    @Override
    public void onNamespaceLost(Subsystem subsystem, Namespace namespace) {
        plane.event(ObjectKind.SUBSYSTEM, namespace.uuid(), subsystem.nqn(), "namespace-lost", "bdev " + namespace.bdev().name()
                + " is gone; " + subsystem.nqn() + " has no namespace " + namespace.nsid() + " any more", "bdev",
                namespace.bdev().name());
    }

    @Override
    public void stop(Completion<Void> done) {
        if (target == null) {
            done.ok(null);
        } else {
            target.stop(done);
        }
    }

    @Override
    public void publish(Publication publication, Bdev bdev, Completion<Void> done) {
        target.createSubsystem(publication.nqn(), publication.serial(), access(publication.hosts()), (subsystem, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            Runnable addNamespace = () -> target.addNamespace(subsystem, ShareService.NAMESPACE_ID, bdev,
                    NamespaceIdentity.of(publication.uuid()), (namespace, refused) -> {
                if (refused != null) {
                    target.removeSubsystem(subsystem, (nothing, ignored) -> done.fail(refused));
                } else {
                    done.ok(null);
                }
            });
            if (publication.paused()) {
                target.pause(subsystem, (nothing, never) -> addNamespace.run());    // Without a namespace nothing is in flight.
            } else {
                addNamespace.run();
            }
        });
    }

    @Override
    public void pause(String nqn, Completion<Void> done) {
        target.pause(subsystem(nqn), done);
    }

    @Override
    public void resume(String nqn) {
        Subsystem subsystem = target.subsystem(nqn);
        if (subsystem != null && subsystem.isPaused()) {
            target.resume(subsystem, (nothing, never) -> { });
        }
    }

    @Override
    public void detach(String nqn, Completion<Void> done) {
        target.detachNamespace(subsystem(nqn), ShareService.NAMESPACE_ID, done);
    }

    @Override
    public void attach(String nqn, Bdev bdev, Completion<Void> done) {
        target.attachNamespace(subsystem(nqn), ShareService.NAMESPACE_ID, bdev, done);
    }

    private Subsystem subsystem(String nqn) {
        Subsystem subsystem = target.subsystem(nqn);
        if (subsystem == null) {
            throw OperationException.notFound("subsystem-not-found", "there is no subsystem " + nqn);
        }
        return subsystem;
    }

    private static HostAccess access(List<String> hosts) {
        return hosts.isEmpty() ? HostAccess.anyHost() : HostAccess.only(new HashSet<>(hosts));
    }

    @Override
    public void allow(String nqn, List<String> hosts) {
        target.setAccess(subsystem(nqn), access(hosts));
    }

    @Override
    public void unpublish(String nqn, Completion<Void> done) {
        Subsystem subsystem = target.subsystem(nqn);
        if (subsystem == null) {
            done.ok(null);
        } else {
            target.removeSubsystem(subsystem, done);
        }
    }

    @Override
    public void awaitShares(boolean more) {
        target.setAwaitingSubsystems(more);
    }

    @Override
    public List<ListenerView> listeners() {
        return target.listeners().stream().map(address -> new ListenerView("tcp",
                address.getAddress() instanceof Inet6Address ? "ipv6" : "ipv4", IpLiteral.text(address.getAddress()),
                address.getPort())).toList();
    }

    @Override
    public List<ConnectionView> connections() {
        return target.connections().stream().map(NvmfTarget::view).toList();
    }

    private static ConnectionView view(ConnectionInfo info) {
        return new ConnectionView(info.id(), info.core(), info.remoteAddress(), info.localAddress(), info.subsystemNqn(),
                info.hostNqn(), info.queueId(), info.controllerId(), info.state(), info.queueEntries(), info.outstanding(),
                info.headerDigest(), info.dataDigest());
    }

    @Override
    public List<HostView> hosts() {
        return target.controllers().stream().map(NvmfTarget::host).toList();
    }

    private static HostView host(ControllerInfo info) {
        return new HostView(info.hostNqn(), info.hostId() == null ? null : info.hostId().toString(), info.subsystemNqn(),
                info.controllerId(), info.remoteAddress(), ioQueues(info), info.keepAliveMs(), BdevViews.stats(info.stats()));
    }

    @Override
    public MetricsView.TargetMetrics metrics() {
        return snapshot;
    }
}
