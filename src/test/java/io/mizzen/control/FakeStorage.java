package io.mizzen.control;

import io.mizzen.engine.Engine;
import io.mizzen.engine.EngineConfig;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.DriveHealthView;
import io.mizzen.engine.model.NvmeControllerView;
import io.mizzen.engine.model.EngineView;
import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.FaultView;
import io.mizzen.engine.model.HealthState;
import io.mizzen.engine.model.IoStatsView;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.PollMode;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolDiskView;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReactorView;
import io.mizzen.engine.model.StopReport;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** The lower half of a {@link FakeEngine}: how it answers, the engine itself, events, devices, bdevs and their faults, pools. */
public abstract class FakeStorage implements Engine {
    /** The one controller. */
    public static final String DEVICE = "0000:01:00.0";
    static final long MIB = 1 << 20;
    /** The drivers of the NVMe controllers that there are. */
    private final Map<String, String> drivers = new LinkedHashMap<>(Map.of(DEVICE, "nvme"));
    private String serial = "S1";
    final Map<String, BdevSpec> bdevs = new LinkedHashMap<>();
    private final Map<String, PoolSpec> pools = new LinkedHashMap<>();
    private final Map<String, FaultView> faults = new LinkedHashMap<>();
    private final Set<String> faultedPools = new HashSet<>();
    private final Map<String, PoolView.Health> poolHealth = new HashMap<>();
    private final Set<String> readOnlyPools = new HashSet<>();
    private final Map<String, Integer> commitLimits = new HashMap<>();
    private final List<EventView> events = new ArrayList<>();
    private final Map<String, OperationException> failures = new HashMap<>();
    private final List<String> calls = new ArrayList<>();
    private final List<CompletableFuture<Void>> held = new ArrayList<>();
    private boolean holding;
    private String heldCommand;
    private boolean running;

    /** The command of this name fails from now on; null: works again. */
    public synchronized void failing(String command, OperationException failure) {
        failures.put(command, failure);
    }

    /** Answers are kept back until {@link #release}. */
    public synchronized void hold() {
        holding = true;
    }

    /** The same for one command only. */
    public synchronized void holding(String command) {
        heldCommand = command;
    }

    public synchronized void release() {
        holding = false;
        heldCommand = null;
        held.forEach(answer -> answer.complete(null));
        held.clear();
    }

    /** What is held ends so, and is not done. */
    public synchronized void failHeld(OperationException failure) {
        heldCommand = null;
        held.forEach(answer -> answer.completeExceptionally(failure));
        held.clear();
    }

    /** Names of the commands so far. */
    public synchronized List<String> calls() {
        return List.copyOf(calls);
    }

    public synchronized void clear() {
        List.of(bdevs, pools, faults, failures).forEach(Map::clear);
        calls.clear();
        drivers.put(DEVICE, "nvme");
        release();
    }

    synchronized <T> CompletableFuture<T> answer(String command, Supplier<T> action) {
        calls.add(command);
        OperationException failure = failures.get(command);
        if (failure != null) {
            return CompletableFuture.failedFuture(failure);
        }
        if (holding || command.equals(heldCommand)) {
            CompletableFuture<Void> gate = new CompletableFuture<>();
            held.add(gate);
            return gate.thenApply(nothing -> action.get());
        }
        try {
            return CompletableFuture.completedFuture(action.get());
        } catch (OperationException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public EngineConfig config() {
        return EngineConfig.defaults();
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public StopReport stop(long deadlineNs) {
        running = false;
        return new StopReport(true, List.of());
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public CompletableFuture<EngineView> info() {
        return answer("info", () -> new EngineView("test", running ? "RUNNING" : "STOPPED", Instant.EPOCH, List.of(0, 1),
            "HUGETLB_2M", "nqn.2026-11.io.mizzen", List.of(new ListenerView("tcp", "ipv4", "127.0.0.1", 4420)), 0, 16,
            List.of()));
    }

    @Override
    public CompletableFuture<List<ReactorView>> reactors() {
        return answer("reactors", () -> List.of(reactorView(0), reactorView(1)));
    }

    @Override
    public CompletableFuture<ReactorView> reactor(int core) {
        return answer("reactor", () -> {
            if (core > 1) {
                throw OperationException.notFound("reactor-not-found", "core " + core + " has no reactor");
            }
            return reactorView(core);
        });
    }

    private static ReactorView reactorView(int core) {
        return new ReactorView(core, core == 0, "RUNNING", PollMode.ADAPTIVE, 0, 1, 10, 20, 30, 0.4, 5, 6, 7, 0, List.of());
    }

    @Override
    public CompletableFuture<MemoryView> memory() {
        return answer("memory", () -> new MemoryView("HUGETLB_2M", 2 * MIB, 256 * MIB, 128 * MIB, 0, List.of(), List.of()));
    }

    @Override
    public synchronized EventPage events(long afterSequence, int limit) {
        return new EventPage(events.stream().filter(event -> event.sequence() > afterSequence).limit(limit).toList(), 1,
            events.size());
    }

    @Override
    public synchronized EventPage awaitEvents(long afterSequence, int limit, long timeoutNs) throws InterruptedException {
        long endNs = System.nanoTime() + timeoutNs;
        for (long leftMs; events.size() <= afterSequence && (leftMs = (endNs - System.nanoTime()) / 1_000_000) > 0; ) {
            wait(leftMs);
        }
        return events(afterSequence, limit);
    }

    @Override
    public synchronized void report(ObjectKind type, String uuid, String name, String kind, String message,
                                    Object... details) {
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < details.length; i += 2) {
            map.put((String) details[i], String.valueOf(details[i + 1]));
        }
        events.add(new EventView(events.size() + 1, Instant.EPOCH, EventSeverity.INFO, kind, type, uuid, name, message, map));
        notifyAll();
    }

    /** Another drive is at the address from now on, and with the kernel. */
    public synchronized void replaceDevice(String newSerial) {
        serial = newSerial;
        drivers.put(DEVICE, "nvme");
    }

    /** As the engine: the domain may be left out. */
    private static String full(String address) {
        return address.length() == "01:00.0".length() ? "0000:" + address : address;
    }

    private DeviceView deviceView(String anyForm) {
        String address = full(anyForm);
        String driver = found(drivers, address, "device");
        boolean kernel = driver.equals("nvme");
        return new DeviceView(address, DeviceView.Kind.NVME, kernel ? "drive" : null, kernel ? serial : null, null, driver,
            kernel ? null : driver, 1, List.of(), kernel ? null : controllerView(address), kernel ? null
            : controllerView(address).health(), kernel ? "a fake" : null, List.of(), true, null);
    }

    private static NvmeControllerView controllerView(String address) {
        return new NvmeControllerView(address, "drive", "S1", "1.0", "1.4", "READY", 1, MIB, true,
            List.of(new NvmeControllerView.NamespaceView(1, null, "pcie:///" + address, 512, MIB, 0, null)),
            new NvmeControllerView.StatsView(100, 0, 1, 1, 0, 0, 2, 255, 3, 0, 50, 25, 10, 5),
            new NvmeControllerView.HealthView(List.of("temperature"), 81, 100, 10, 3, 512_000, 1_024_000, 7, 8, 9, 10, 11, 12, 13, 14),
            List.of(new NvmeControllerView.ErrorView(14, 1, 5, "an error", 1, 40)));
    }

    @Override
    public CompletableFuture<List<DriveHealthView>> kernelDrives() {
        return answer("kernelDrives", () -> drivers.entrySet().stream().filter(entry -> entry.getValue().equals("nvme"))
            .map(entry -> new DriveHealthView(entry.getKey(), "drive", serial, controllerView(entry.getKey()).health())).toList());
    }

    @Override
    public CompletableFuture<List<NvmeControllerView>> nvmeControllers() {
        return answer("nvmeControllers", () -> drivers.entrySet().stream().filter(entry -> !entry.getValue().equals("nvme"))
            .map(entry -> controllerView(entry.getKey())).toList());
    }

    @Override
    public CompletableFuture<List<DeviceView>> devices() {
        return answer("devices", () -> drivers.keySet().stream().map(this::deviceView).toList());
    }

    @Override
    public CompletableFuture<DeviceView> device(String address) {
        return answer("device", () -> deviceView(address));
    }

    private static void checkAddress(String address) {
        if (address.indexOf(':') < 0) {
            throw OperationException.invalid("invalid-pci-address", "'" + address + "' is not a PCI address");
        }
    }

    @Override
    public CompletableFuture<DeviceView> bindDevice(String address, DeviceSpec spec) {
        return answer("bindDevice", () -> {
            checkAddress(address);
            String present = deviceView(address).serial();
            if (present != null && spec.serial() != null && !present.equals(spec.serial())) {
                throw OperationException.precondition("device-changed", "another drive");
            }
            drivers.put(full(address), spec.driver());
            return deviceView(address);
        });
    }

    @Override
    public CompletableFuture<DeviceView> unbindDevice(String address) {
        return answer("unbindDevice", () -> {
            checkAddress(address);
            deviceView(address);
            drivers.put(full(address), "nvme");
            return deviceView(address);
        });
    }

    @Override
    public CompletableFuture<BdevView> createBdev(BdevSpec spec) {
        return answer("createBdev", () -> {
            String name = spec.uri().replaceAll("^[a-z]+:///|[?].*", "");
            bdevs.put(name, spec);
            return bdevView(name);
        });
    }

    private BdevView bdevView(String name) {
        return bdevView(name, found(bdevs, name, "bdev").uri(), null, "malloc");
    }

    static BdevView bdevView(String name, String uri, String uuid, String product) {
        return new BdevView(name, uri, List.of(), uuid, product, 512, 2048, MIB, false, true, true, null, false, stats());
    }

    @Override
    public CompletableFuture<Void> destroyBdev(String name) {
        return answer("destroyBdev", () -> removed(bdevs, name, "bdev"));
    }

    @Override
    public CompletableFuture<List<BdevView>> bdevs() {
        return answer("bdevs", () -> bdevs.keySet().stream().map(this::bdevView).toList());
    }

    @Override
    public CompletableFuture<BdevView> bdev(String name) {
        return answer("bdev", () -> bdevView(name));
    }

    @Override
    public CompletableFuture<BdevView> rescanBdev(String name) {
        return answer("rescanBdev", () -> bdevView(name));
    }

    @Override
    public CompletableFuture<List<BdevView.ChannelView>> bdevChannels(String name) {
        return answer("bdevChannels", () -> List.of(
            new BdevView.ChannelView(bdevView(name).name(), 0, "main", 1, 0, 0, false, stats())));
    }

    @Override
    public CompletableFuture<List<FaultView>> faults(String bdev) {
        return answer("faults", () -> faults.values().stream().filter(fault -> fault.bdev().equals(bdev)).toList());
    }

    @Override
    public CompletableFuture<FaultView> putFault(String bdev, FaultSpec spec) {
        return answer("putFault", () -> {
            FaultView view = new FaultView(bdevView(bdev).name(), spec, 0);
            faults.put(bdev + "/" + spec.id(), view);
            return view;
        });
    }

    @Override
    public CompletableFuture<Void> deleteFault(String bdev, String faultId) {
        return answer("deleteFault", () -> removed(faults, bdev + "/" + faultId, "fault"));
    }

    @Override
    public CompletableFuture<PoolView> createPool(PoolSpec spec) {
        return answer("createPool", () -> {
            PoolSpec full = new PoolSpec(spec.name(), spec.uuid() == null ? uuidOf(spec.name()) : spec.uuid(),
                spec.disks(), spec.clusterSizeBytes(), spec.overwrite(), spec.allowTest(), spec.room());
            PoolSpec old = pools.get(full.uuid());
            if (old != null && !(old.name().equals(full.name()) && old.disks().equals(full.disks())
                && old.clusterSizeBytes() == full.clusterSizeBytes())) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "pool-exists", "the pool has another specification");
            }
            pools.putIfAbsent(full.uuid(), full);
            return poolView(full.uuid());
        });
    }

    @Override
    public CompletableFuture<PoolView> importPool(PoolSpec spec, PoolImport how) {
        return answer("importPool", () -> {
            failUnless(how.rebuildMasks(), "importWithMasks");
            if (how.readOnly()) {
                readOnlyPools.add(spec.uuid() == null ? uuidOf(spec.name()) : spec.uuid());
            }
            String uuid = spec.uuid() == null ? uuidOf(spec.name()) : spec.uuid();
            pools.put(uuid, new PoolSpec(spec.name() == null ? "imported" : spec.name(), uuid, spec.disks(), 0,
                List.of(), spec.allowTest()));
            return poolView(uuid);
        });
    }

    /** Of the open pool with that name; else one that goes with the name. */
    String poolUuid(String name) {
        return pools.values().stream().filter(pool -> name.equals(pool.name())).map(PoolSpec::uuid).findFirst().orElse(uuidOf(name));
    }

    private PoolView poolView(String id) {
        PoolSpec spec = pools.values().stream().filter(pool -> id.equals(pool.uuid()) || id.equals(pool.name()))
            .findFirst().orElseThrow(() -> OperationException.notFound("pool-not-found", "There is no pool " + id));
        return new PoolView(spec.name(), spec.uuid(), spec.disks(), faultedPools.contains(spec.uuid()) ? "FAULTED" : "ONLINE", null,
            4 * MIB, 512, 100 * MIB, 0, 100 * MIB, 0, commitLimits.getOrDefault(spec.uuid(), 0), 0, spec.allowTest(), false, 0, 0, 0,
            readOnlyPools.contains(spec.uuid()), List.of(), new PoolView.Storage(spec.room().expandable(), 104 * MIB, 104 * MIB, 1000 * MIB, MIB, 0, spec.disks().stream().map(disk ->
            new PoolDiskView(disk, disk, null, 104 * MIB, 104 * MIB, 0, true, HealthState.ONLINE, null, 2, 1, false, null)).toList(), false, 0),
            poolHealth.getOrDefault(spec.uuid(), new PoolView.Health(HealthState.ONLINE, null, List.of())));
    }

    @Override
    public CompletableFuture<PoolView> setCommitLimit(String id, int percent) {
        return answer("setCommitLimit", () -> {
            commitLimits.put(poolView(id).uuid(), percent);
            return poolView(id);
        });
    }

    @Override
    public CompletableFuture<PoolView> addPoolDisk(String id, PoolDiskSpec spec) {
        return answer("addPoolDisk", () -> {
            PoolSpec old = pools.get(poolView(id).uuid());
            if (!old.room().expandable()) {
                throw OperationException.precondition("pool-not-expandable", "The pool has one disk for good.");
            }
            List<String> disks = new ArrayList<>(old.disks());
            disks.add(spec.disk());
            pools.put(old.uuid(), new PoolSpec(old.name(), old.uuid(), disks, old.clusterSizeBytes(), old.overwrite(),
                old.allowTest(), old.room()));
            return poolView(id);
        });
    }

    @Override
    public CompletableFuture<PoolView> clearPoolHealth(String id) {
        return answer("clearPoolHealth", () -> poolView(id));
    }

    @Override
    public CompletableFuture<PoolView> growPool(String id) {
        return answer("growPool", () -> poolView(id));
    }

    @Override
    public CompletableFuture<Void> exportPool(String id) {
        return answer("exportPool", () -> {
            readOnlyPools.remove(poolView(id).uuid());
            return removed(pools, poolView(id).uuid(), "pool");
        });
    }

    @Override
    public CompletableFuture<PoolView> reopenPool(String id) {
        return answer("reopenPool", () -> {
            faultedPools.remove(poolView(id).uuid());
            return poolView(id);
        });
    }

    /** The disks of this pool do so from now on. */
    public synchronized void poolHealth(String uuid, HealthState health, String reason) {
        poolHealth.put(uuid, new PoolView.Health(health, reason, List.of()));
    }

    /** The device of this pool is gone. */
    public synchronized void faultPool(String uuid) {
        faultedPools.add(uuid);
    }

    @Override
    public CompletableFuture<Void> destroyPool(String id, boolean withReplicas) {
        return answer(withReplicas ? "destroyPoolWithReplicas" : "destroyPool", () -> removed(pools, poolView(id).uuid(), "pool"));
    }

    @Override
    public CompletableFuture<List<PoolView>> pools() {
        return answer("pools", () -> pools.keySet().stream().map(this::poolView).toList());
    }

    @Override
    public CompletableFuture<PoolView> pool(String id) {
        return answer("pool", () -> poolView(id));
    }

    /** Some failures can be overruled in words. */
    void failUnless(boolean overruled, String command) {
        if (!overruled && failures.containsKey(command)) {
            throw failures.get(command);
        }
    }

    static IoStatsView stats() {
        long[] reads = new long[64];
        reads[11] = 2;
        reads[14] = 1;
        return new IoStatsView(3, 12_288, 1, 15_000, 4, 16_384, 0, 80_000, 5, 6, 7, 8, 9, 0, reads, new long[64]);
    }

    static <T> T found(Map<String, T> map, String key, String what) {
        T value = map.get(key);
        if (value == null) {
            throw OperationException.notFound(what + "-not-found", "There is no " + what + " " + key);
        }
        return value;
    }

    static <T> Void removed(Map<String, T> map, String key, String what) {
        found(map, key, what);
        map.remove(key);
        return null;
    }

    static String uuidOf(String name) {
        return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
    }
}
