package io.mizzen.engine;

import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.MemoryKind;
import io.mizzen.pci.PciDevices;
import io.mizzen.pci.PciOpener;
import io.mizzen.pci.PciSysfs;
import io.mizzen.reactor.CpuAffinity;
import io.mizzen.reactor.ParkIdleStrategy;
import io.mizzen.reactor.Reactor;
import io.mizzen.uring.BlockDevices;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** Plain pages, threads that are not pinned, no ring: for engines whose devices are in memory. */
final class PlainPlatform implements Platform {
    final AtomicInteger openReactors = new AtomicInteger();
    private final int coreCount;
    private final PciSysfs pci;
    private final BlockDevices disks;
    private Arena arena;
    private Function<DmaMemory, PciOpener> opener;

    /** A machine without any device. */
    PlainPlatform(int coreCount) {
        this(coreCount, new PciSysfs(Path.of("/none"), Path.of("/none"), (attribute, value) -> { }),
                new BlockDevices(Path.of("/none"), Path.of("/none"), Path.of("/none")));
    }

    PlainPlatform(int coreCount, PciSysfs pci, BlockDevices disks) {
        this.coreCount = coreCount;
        this.pci = pci;
        this.disks = disks;
        this.opener = memory -> new PciDevices(pci, memory.regions());
    }

    boolean isReleased() {
        return arena == null;
    }

    @Override
    public CpuAffinity affinity() {
        return new CpuAffinity() {
            @Override
            public List<Integer> allowedCores() {
                return java.util.stream.IntStream.range(0, coreCount).boxed().toList();
            }

            @Override
            public void pinCurrentThread(int core) {
                // Where the scheduler puts it.
            }
        };
    }

    @Override
    public DmaMemory reserve(EngineConfig.Memory config, List<Integer> cores) {
        arena = Arena.ofShared();
        MemorySegment segment = arena.allocate(config.sizeBytes(), 4096);
        return new DmaMemory(List.of(new DmaRegion(0, segment.address(), config.sizeBytes(), MemoryKind.PLAIN, 4096, -1,
                segment.asByteBuffer())));
    }

    @Override
    public void open(Reactor reactor, DmaMemory memory) {
        reactor.install(new ParkIdleStrategy(Thread.currentThread()), null, null);
        openReactors.incrementAndGet();
    }

    @Override
    public void close(Reactor reactor) {
        openReactors.decrementAndGet();
    }

    @Override
    public void release() {
        assert openReactors.get() == 0;
        arena.close();
        arena = null;
    }

    @Override
    public List<String> ioFeatures() {
        return List.of();
    }

    @Override
    public int numaNode(int core) {
        return 0;
    }

    @Override
    public PciSysfs pci() {
        return pci;
    }

    /** Functions are opened by that, not through the machine's trees. */
    PlainPlatform opening(Function<DmaMemory, PciOpener> newOpener) {
        opener = newOpener;
        return this;
    }

    @Override
    public PciOpener pciOpener(DmaMemory memory) {
        return opener.apply(memory);
    }

    @Override
    public BlockDevices disks() {
        return disks;
    }

    @Override
    public SmartReading smart(Path file) {
        return SmartReading.unavailable("no drive of the kernel is asked here");
    }

    @Override
    public RingCounts ringCounts(Reactor reactor) {
        return RingCounts.NONE;
    }
}
