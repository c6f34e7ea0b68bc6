package io.mizzen.engine;

import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.util.Completion;
import java.util.List;

/** The services of the control reactor and the order in which they start and stop. Control reactor only. */
final class Services {
    final PlaneContext plane;
    final NvmeControllers controllers;
    final KernelDrives kernelDrives;
    final DeviceService devices;
    final BdevService bdevs;
    final FaultService faults;
    final ShareService shares;
    final Jobs jobs = new Jobs();
    final PoolHealth health;
    final PoolService pools;
    final ReplicaService replicas;
    final SnapshotService snapshots;
    final NexusService nexuses;
    final VolumeSnapshotService volumeSnapshots;
    final VolumeRollbackService volumeRollbacks;
    final NexusChildService children;
    /** Null when no address is configured. */
    final TargetPort target;

    /** @param deviceOffload for what may wait for a drive */
    Services(PlaneContext plane, Offload deviceOffload) {
        this.plane = plane;
        target = plane.config().nvmf().addresses().isEmpty() ? null : new NvmfTarget(plane);
        controllers = new NvmeControllers(plane);
        kernelDrives = new KernelDrives(plane, deviceOffload);
        devices = new DeviceService(plane, deviceOffload, controllers);
        bdevs = new BdevService(plane, controllers);
        faults = new FaultService(plane);
        shares = new ShareService(plane, target);
        health = new PoolHealth(plane, controllers, kernelDrives);
        nexuses = new NexusService(plane, bdevs, shares);
        pools = new PoolService(plane, bdevs, nexuses, health, jobs);
        replicas = new ReplicaService(plane, pools, nexuses, shares, jobs);
        snapshots = new SnapshotService(plane, pools, replicas, nexuses, shares, jobs);
        children = new NexusChildService(plane, bdevs, pools, nexuses);
        volumeSnapshots = new VolumeSnapshotService(plane, bdevs, pools, nexuses, jobs);
        volumeRollbacks = new VolumeRollbackService(plane, nexuses, jobs);
        nexuses.onChildClosed(children::onClosed);
    }

    /** Starts what listens. */
    void start(Completion<Void> done) {
        new StateWatch(plane, nexuses, pools).start();
        controllers.start();
        kernelDrives.start();
        health.start(pools);
        if (target == null) {
            done.ok(null);
        } else {
            target.start(done);
        }
    }

    /** Tells hosts and drains their I/O. */
    void stopTarget(Completion<Void> done) {
        if (target == null) {
            done.ok(null);
        } else {
            target.stop(done);
        }
    }

    List<ListenerView> listeners() {
        return target == null ? List.of() : target.listeners();
    }

    /** The hosts' connections on all cores. */
    List<ConnectionView> connections() {
        return target == null ? List.of() : target.connections();
    }

    List<HostView> hosts() {
        return target == null ? List.of() : target.hosts();
    }

    /** Any thread, approximate. */
    MetricsView.TargetMetrics targetMetrics() {
        return target == null ? MetricsView.TargetMetrics.NONE : target.metrics();
    }
}
