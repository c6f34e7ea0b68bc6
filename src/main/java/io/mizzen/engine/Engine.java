package io.mizzen.engine;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.CloneSpec;
import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.DriveHealthView;
import io.mizzen.engine.model.EngineView;
import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.FaultView;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.NvmeControllerView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.RangesView;
import io.mizzen.engine.model.ReactorView;
import io.mizzen.engine.model.RebuildOrder;
import io.mizzen.engine.model.RebuildsView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.StopReport;
import io.mizzen.engine.model.SubsystemView;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.mizzen.engine.model.VolumeSnapshotView;
import io.mizzen.engine.model.WipeMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The data plane's facade. Safe for every thread that is not a reactor.
 *
 * <p>A command goes through a bounded mailbox to the control reactor and becomes an operation there. The future is
 * completed on the engine's reply thread, never on a reactor; what hangs on it must not block that thread for long.
 * A failure is always an {@link io.mizzen.util.OperationException}: INVALID_ARGUMENT (the message names the
 * component), NOT_FOUND, ALREADY_EXISTS (same identity, other specification), FAILED_PRECONDITION (in use, and by
 * whom), RESOURCE_EXHAUSTED, UNAVAILABLE (mailbox full, object busy, engine not running), TIMEOUT (outcome unknown),
 * DATA_LOSS, INTERNAL. Operations on one object never interleave.
 *
 * <p>Commands that create are idempotent: the same specification again yields the existing object's view.
 * Objects are addressed by name or uuid ({@code id}) unless the parameter says otherwise; replicas by uuid, or by pool and name or uuid
 * ({@code pool/replica}), which is needed where pools hold replicas of one uuid.
 */
public interface Engine {

    /**
     * An engine that is not started.
     *
     * @throws io.mizzen.util.OperationException INVALID_ARGUMENT, naming the component
     */
    static Engine create(EngineConfig config) {
        config.validate();
        return new DataPlane(config, new LinuxPlatform(config.nvmf().maxConnections(), config.nvmf().congestionControl()));
    }

    /** What was configured. */
    EngineConfig config();

    /**
     * Reserves memory, launches and verifies the reactors, listens for hosts. Blocks the caller until all of it is up.
     *
     * @throws io.mizzen.util.OperationException what is missing and what to do; nothing is left behind
     */
    void start();

    /**
     * The ordered stop: hosts are told, I/O is drained, nexuses are closed clean, pools exported clean, bdevs closed,
     * reactors stopped and joined. Blocks for at most about the deadline; a step that overruns is reported and the
     * rest goes on. Called again, it returns the first call's report.
     */
    StopReport stop(long deadlineNs);

    /** Whether commands are accepted. */
    boolean isRunning();

    // Views

    CompletableFuture<EngineView> info();

    CompletableFuture<List<ReactorView>> reactors();

    CompletableFuture<ReactorView> reactor(int core);

    CompletableFuture<MemoryView> memory();

    /**
     * Counters for a scrape. Reads what the reactors write, without asking them: never blocks, works while a reactor
     * is stuck. Any thread, also before the start and after the stop (then empty).
     */
    MetricsView metrics();

    /** Events with a sequence above {@code afterSequence}, at most {@code limit}. Never blocks. */
    EventPage events(long afterSequence, int limit);

    /**
     * As {@link #events}, and while there is none waits for one, but no longer than the timeout. For readers that follow;
     * each needs a thread of its own.
     */
    EventPage awaitEvents(long afterSequence, int limit, long timeoutNs) throws InterruptedException;

    /**
     * Adds a change of state that the control plane saw (an object that could not be restored, say). Never blocks.
     *
     * @param uuid null where the object has none
     * @param kind stable kebab-case word for what happened
     * @param details names and values in turn; a null value is left out
     */
    void report(ObjectKind type, String uuid, String name, String kind, String message, Object... details);

    // Devices of the machine

    /** NVMe controllers on PCI and other disks, what uses them, and whether the engine may take them. */
    CompletableFuture<List<DeviceView>> devices();

    /** By PCI address, or the kernel's name of a disk. */
    CompletableFuture<DeviceView> device(String address);

    /**
     * Takes an NVMe controller from the kernel, so that bdevs can drive it. Refused while anybody uses it, and when it is not
     * empty unless the specification accepts what is on it. Has it already: nothing happens.
     */
    CompletableFuture<DeviceView> bindDevice(String address, DeviceSpec spec);

    /** Gives an NVMe controller back to the kernel. Refused while a bdev drives it. Has it already: nothing happens. */
    CompletableFuture<DeviceView> unbindDevice(String address);

    /** NVMe controllers that the engine drives. */
    CompletableFuture<List<NvmeControllerView>> nvmeControllers();

    /** NVMe drives that the kernel drives, under bdevs of the engine, as far as they say how they are. */
    CompletableFuture<List<DriveHealthView>> kernelDrives();

    // Block devices

    /** Creates the bdev of a URI, and the file only when the URI says so. */
    CompletableFuture<BdevView> createBdev(BdevSpec spec);

    /** Refused while open or claimed. Bdevs of pools and nexuses go with their owner only. */
    CompletableFuture<Void> destroyBdev(String name);

    CompletableFuture<List<BdevView>> bdevs();

    /** By name, alias or uuid. */
    CompletableFuture<BdevView> bdev(String name);

    /** Looks at the device's size again; a change is told to everyone who has it open, hosts included. */
    CompletableFuture<BdevView> rescanBdev(String name);

    CompletableFuture<List<BdevView.ChannelView>> bdevChannels(String name);

    // Faults

    CompletableFuture<List<FaultView>> faults(String bdev);

    /** Adds a rule or replaces the one of that id. */
    CompletableFuture<FaultView> putFault(String bdev, FaultSpec spec);

    CompletableFuture<Void> deleteFault(String bdev, String faultId);

    // Pools

    CompletableFuture<PoolView> createPool(PoolSpec spec);

    /** Opens the pool that is on the disks; name and uuid, where given, must be those on disk. */
    default CompletableFuture<PoolView> importPool(PoolSpec spec) {
        return importPool(spec, PoolImport.NORMAL);
    }

    /** As {@link #importPool(PoolSpec)}, in another way. */
    CompletableFuture<PoolView> importPool(PoolSpec spec, PoolImport how);

    /**
     * Opens a pool anew whose device was gone and is back; its replicas that are served go on being served. Refused while
     * the device is there ({@code pool-device-present}) or its volumes are still being closed ({@code pool-busy}). When the
     * device turns out not to carry the pool, the pool is closed.
     */
    CompletableFuture<PoolView> reopenPool(String id);

    /**
     * Limits what the sizes of the pool's replicas may come to, in percent of its capacity: 100 and more, or 0 for no limit. It
     * stays with the pool. What is there already stays; what would exceed it is refused ({@code pool-commit-limit}).
     */
    CompletableFuture<PoolView> setCommitLimit(String id, int percent);

    /**
     * Adds a disk to the end of a pool of several, or of one made for more, online. The same disk again finds it there. Refused for
     * a bare lvstore ({@code pool-not-expandable}) and beyond what the pool's metadata was made for ({@code pool-growth-limit}).
     */
    CompletableFuture<PoolView> addPoolDisk(String id, PoolDiskSpec spec);

    /** Takes in what the pool's disk, or the last of several, has gained. Nothing is done where it has gained nothing. */
    CompletableFuture<PoolView> growPool(String id);

    /** Errors and stalls of the pool's disks so far count no more. */
    CompletableFuture<PoolView> clearPoolHealth(String id);

    /** Closes the pool clean; its replicas stay on disk. Refused while a replica is in use. */
    CompletableFuture<Void> exportPool(String id);

    /**
     * Removes the pool and everything in it from its disks. Refused while a replica is in use.
     *
     * @param withReplicas its replicas and snapshots may go; without this word a pool that has any is refused ({@code pool-not-empty})
     */
    CompletableFuture<Void> destroyPool(String id, boolean withReplicas);

    CompletableFuture<List<PoolView>> pools();

    CompletableFuture<PoolView> pool(String id);

    // Replicas

    CompletableFuture<ReplicaView> createReplica(ReplicaSpec spec);

    /**
     * By uuid, or pool/name. Growing is told to whoever has it open; shrinking is refused while it is in use.
     *
     * @param shrink what is behind a smaller end may go; without this word it is refused ({@code replica-would-shrink})
     */
    CompletableFuture<ReplicaView> resizeReplica(String id, long sizeBytes, boolean shrink);

    CompletableFuture<Void> destroyReplica(String id);

    CompletableFuture<List<ReplicaView>> replicas();

    CompletableFuture<ReplicaView> replica(String id);

    /** Shared already: the new list of hosts counts from now on, and those not in it are disconnected. */
    CompletableFuture<ReplicaView> shareReplica(String id, ShareSpec spec);

    /** Hosts are disconnected. Not shared: nothing happens. */
    CompletableFuture<ReplicaView> unshareReplica(String id);

    // Snapshots. They are destroyed as replicas are; what reads from one gets what it needs of it

    /** Takes a snapshot of a replica, which may be in use. The same words again: nothing happens, and the answer says so. */
    CompletableFuture<Outcome<SnapshotView>> createSnapshot(SnapshotSpec spec);

    /**
     * Takes snapshots of all children of a nexus, or none: all hold what the nexus did at one moment, while new writes to it wait.
     * The same words again: nothing happens, and the answer says so. Fails with UNAVAILABLE when that takes longer than is allowed.
     */
    CompletableFuture<Outcome<VolumeSnapshotView>> createVolumeSnapshot(VolumeSnapshotSpec spec);

    CompletableFuture<List<SnapshotView>> snapshots();

    /** Makes a replica that reads as the snapshot does until it is written. */
    CompletableFuture<ReplicaView> cloneSnapshot(CloneSpec spec);

    /** Takes a replica back to a snapshot of it. Refused while it is in use. */
    CompletableFuture<ReplicaView> rollbackReplica(String id, String snapshotId);

    /**
     * Takes a nexus back to a snapshot of it: closes it, takes all its children back, and opens it again. Refused while it is published
     * or in use, and unless all its children are healthy and have that snapshot. A crash leaves it as it was, or as the snapshot has it.
     *
     * @param snapshot UUID or name of the one of any child, or the transactionId that they have in common
     */
    CompletableFuture<NexusView> rollbackNexus(String id, String snapshot);

    /**
     * Begins to make a replica, which may be in use, independent of its snapshots, as a job. Cancelled, or cut short by a crash, it has
     * allocated some, and is the clone that it was.
     *
     * @param parentOnly only of the one that it is a clone of; else of all, and it is thick afterwards
     */
    CompletableFuture<JobView> inflateReplica(String id, boolean parentOnly);

    /**
     * What a replica or snapshot holds, or in what it may differ from a snapshot of its pool.
     *
     * @param since null: what is allocated
     */
    CompletableFuture<RangesView> ranges(String id, String since, long offsetBytes, int count);

    // Nexuses

    /**
     * Creates a nexus, or assembles it again when all children carry its label and metadata. Refused when the newest
     * generation is missing, when a child belongs to another nexus, or when a child is too small (the message states
     * the size needed).
     */
    CompletableFuture<NexusView> createNexus(NexusSpec spec);

    /**
     * Brings back a nexus that was created earlier: for the restart, or after a shutdown. Children that cannot be opened are left out; nothing
     * is created.
     *
     * @param allowMissing assemble although a member is absent that was healthy in the newest generation found: writes
     *        that only it holds are given up. False: that is refused with FAILED_PRECONDITION
     */
    CompletableFuture<NexusView> assembleNexus(NexusSpec spec, boolean allowMissing);

    /** Removes the nexus from its children, whose data stays; one that is shut down is only forgotten. Refused while published. */
    CompletableFuture<Void> destroyNexus(String id);

    CompletableFuture<List<NexusView>> nexuses();

    CompletableFuture<NexusView> nexus(String id);

    /** Published already: the new list of hosts counts from now on, and those not in it are disconnected. */
    CompletableFuture<NexusView> publishNexus(String id, ShareSpec spec);

    /** Hosts are disconnected. Not published: nothing happens. */
    CompletableFuture<NexusView> unpublishNexus(String id);

    /**
     * As {@link #publishNexus}, but hosts' I/O waits from the first moment: for the restart.
     *
     * @param forMs for how long at most; 0: until it is resumed
     */
    CompletableFuture<NexusView> publishNexusPaused(String id, ShareSpec spec, long forMs);

    /**
     * Holds the I/O of the nexus's hosts back: new I/O waits, what is in flight ends first, nothing fails. Fails with
     * UNAVAILABLE, and hosts go on, when what is in flight does not end within ten seconds. Paused already: the limit counts
     * anew from now.
     *
     * @param forMs for how long at most; 0: until it is resumed
     */
    CompletableFuture<NexusView> pauseNexus(String id, long forMs);

    /** Lets hosts' I/O go on. Not paused: nothing happens. */
    CompletableFuture<NexusView> resumeNexus(String id);

    // Limits

    CompletableFuture<LimitsView> nexusLimits(String id);

    /** Sets all limits anew, at once; {@link LimitsSpec#NONE} removes them. */
    CompletableFuture<LimitsView> setNexusLimits(String id, LimitsSpec spec);

    CompletableFuture<LimitsView> replicaLimits(String id);

    /** As {@link #setNexusLimits}. */
    CompletableFuture<LimitsView> setReplicaLimits(String id, LimitsSpec spec);

    /** Makes a nexus larger while hosts use it; its children must be large enough. Shrinking is refused. */
    CompletableFuture<NexusView> resizeNexus(String id, long sizeBytes);

    /**
     * Closes a nexus clean while its hosts wait, without an error for them, and lets go of its children. It stays listed;
     * {@link #assembleNexus} opens it again, and hosts go on. Fails with UNAVAILABLE, and hosts go on, when what is in flight does
     * not end within ten seconds. With {@code nexus-closed-unclean} it is shut down all the same: its children could not be marked
     * clean, and the next assembly makes them equal.
     */
    CompletableFuture<NexusView> shutdownNexus(String id);

    // Children of a nexus: named by URI, bdev, UUID of the member or of the replica

    /**
     * Makes the bdev of a URI a new child: it gets all writes from now on, and everything is copied to it. Completes when that
     * has begun; its progress is in the views.
     */
    default CompletableFuture<NexusView> addNexusChild(String id, String uri) {
        return addNexusChild(id, uri, List.of());
    }

    /**
     * As {@link #addNexusChild(String, String)}. A disk that carries somebody's signature is refused ({@code disk-not-empty}).
     *
     * @param overwrite what may be destroyed on a disk, in words, as for a pool
     */
    CompletableFuture<NexusView> addNexusChild(String id, String uri, List<String> overwrite);

    /** Takes a child out for good; refused for the last healthy one. Completes when its bdev is free. */
    CompletableFuture<NexusView> removeNexusChild(String id, String child);

    /** Takes a child out for a while: what it misses is noted. Refused for the last healthy one. */
    CompletableFuture<NexusView> offlineNexusChild(String id, String child);

    /**
     * Brings back a child, whatever took it out: looks for it where its URI says, and copies to it what it missed, or
     * everything where that is not known. Completes when that has begun. One that is online: nothing happens.
     */
    CompletableFuture<NexusView> onlineNexusChild(String id, String child);

    /** As {@link #onlineNexusChild}, but refused for a child that was taken out by request ({@code child-out-by-request}). */
    CompletableFuture<NexusView> returnNexusChild(String id, String child);

    /** Takes a child out by hand; refused for the last healthy one. The fault is stored before this completes. */
    CompletableFuture<NexusView> faultNexusChild(String id, String childUri);

    /** Orders what is under way for a child; NOT_FOUND {@code rebuild-not-found} when nothing is. */
    CompletableFuture<NexusView> rebuildNexusChild(String id, String child, RebuildOrder order);

    /**
     * Compares healthy children with another one; what differs is in the history afterwards, and nothing is changed.
     *
     * @param child null: each but the first
     */
    CompletableFuture<RebuildsView> verifyNexus(String id, String child);

    CompletableFuture<RebuildsView> nexusRebuilds(String id);

    /** Sets how the nexus behaves, all of it, at once; jobs under way too. */
    CompletableFuture<NexusView> setNexus(String id, NexusSettings settings);

    // Target

    /**
     * Says whether shares are still to be brought back; from the start on this is taken to be so. Meanwhile a host that
     * asks for a subsystem that is not there is told to try again, later that there is none: it then gives up its device.
     */
    CompletableFuture<Void> awaitShares(boolean more);

    // Jobs

    /** Zeroes, unmaps or checksums a replica. Refused while it is in use, but for a checksum. Answers when the job has begun. */
    CompletableFuture<JobView> wipeReplica(String id, WipeMethod method);

    /** Those that run, and the newest that have ended, oldest first. */
    CompletableFuture<List<JobView>> jobs();

    CompletableFuture<JobView> job(String id);

    /** Ends a job soon; one that has ended stays as it is. Refused for what cannot be interrupted. */
    CompletableFuture<JobView> cancelJob(String id);

    CompletableFuture<List<SubsystemView>> subsystems();

    CompletableFuture<List<HostView>> hosts();

    CompletableFuture<List<ConnectionView>> connections();
}
