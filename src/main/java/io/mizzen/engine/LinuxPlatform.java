package io.mizzen.engine;

import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.HugePages;
import io.mizzen.memory.MemoryKind;
import io.mizzen.pci.PciDevices;
import io.mizzen.pci.PciOpener;
import io.mizzen.pci.PciSysfs;
import io.mizzen.reactor.CoreMask;
import io.mizzen.reactor.CpuAffinity;
import io.mizzen.reactor.LinuxAffinity;
import io.mizzen.reactor.Reactor;
import io.mizzen.ring.ReactorRing;
import io.mizzen.ring.RingConfig;
import io.mizzen.ring.RingStats;
import io.mizzen.uring.BlockDevices;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The machine: huge pages where there are some, pinned threads, one io_uring a reactor. */
final class LinuxPlatform implements Platform {
    private static final Path NODES = Path.of("/sys/devices/system/node");

    private final CpuAffinity affinity = new LinuxAffinity();
    private final List<Integer> allowedCores = affinity.allowedCores();
    private final Map<Integer, Integer> nodeOfCore = nodes();
    private final RingConfig ringConfig;
    private final PciSysfs pci = new PciSysfs();
    private final BlockDevices disks = new BlockDevices();
    private DmaMemory memory;
    private volatile String features = "";

    /** @param connectionsMax sockets of one ring: all may end up on one core */
    LinuxPlatform(int connectionsMax, String congestionControl) {
        RingConfig usual = RingConfig.DEFAULT;
        ringConfig = new RingConfig(usual.entries(), usual.slots(), usual.files(), connectionsMax, usual.receiveBuffers(),
                usual.receiveBufferBytes(), congestionControl);
    }

    @Override
    public CpuAffinity affinity() {
        return affinity;
    }

    @Override
    public DmaMemory reserve(EngineConfig.Memory config, List<Integer> cores) {
        List<Integer> nodes = cores.stream().map(this::numaNode).distinct().sorted().toList();
        memory = new DmaMemory(HugePages.reserve(config.sizeBytes(), config.pages(),
                nodes.size() > 1 ? nodes : List.of(-1)));
        if (config.locked() && memory.regions().stream().anyMatch(region -> region.kind() == MemoryKind.PLAIN)) {
            release();
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "memory-not-locked",
                    "the engine's memory cannot be locked; raise the memlock limit (ulimit -l) or reserve huge pages");
        }
        return memory;
    }

    @Override
    public void open(Reactor reactor, DmaMemory regions) {
        List<Integer> others = allowedCores.stream().filter(core -> reactor.group().ofCore(core) == null).toList();
        ReactorRing ring = ReactorRing.open(reactor, ringConfig, regions, others);
        if (reactor.index() == 0) {
            features = ring.stats().features();
        }
    }

    @Override
    public void close(Reactor reactor) {
        ReactorRing.of(reactor).close();
    }

    @Override
    public void release() {
        HugePages.release(memory.regions());
    }

    @Override
    public List<String> ioFeatures() {
        return features.isBlank() ? List.of() : List.of(features.strip().split("[ ,|]+"));
    }

    @Override
    public int numaNode(int core) {
        return nodeOfCore.getOrDefault(core, 0);
    }

    @Override
    public PciSysfs pci() {
        return pci;
    }

    @Override
    public PciOpener pciOpener(DmaMemory reserved) {
        return new PciDevices(pci, reserved.regions());
    }

    @Override
    public BlockDevices disks() {
        return disks;
    }

    @Override
    public SmartReading smart(Path file) {
        return SmartReading.ofNvme(file);
    }

    @Override
    public RingCounts ringCounts(Reactor reactor) {
        RingStats stats = ReactorRing.of(reactor).stats();
        return new RingCounts(stats.enters(), stats.submissions(), stats.completions());
    }

    /** Kernels without NUMA have no such directory. */
    private static Map<Integer, Integer> nodes() {
        Map<Integer, Integer> nodes = new HashMap<>();
        if (!Files.isDirectory(NODES)) {
            return nodes;
        }
        try (DirectoryStream<Path> list = Files.newDirectoryStream(NODES, "node[0-9]*")) {
            for (Path node : list) {
                String cores = Files.readString(node.resolve("cpulist")).strip();
                int number = Integer.parseInt(node.getFileName().toString().substring("node".length()));
                if (!cores.isEmpty()) {
                    CoreMask.parse(cores).forEach(core -> nodes.put(core, number));
                }
            }
        } catch (IOException unreadable) {
            throw OperationException.internal("numa-unreadable", "cannot read " + NODES + ": " + unreadable.getMessage());
        }
        return nodes;
    }
}
