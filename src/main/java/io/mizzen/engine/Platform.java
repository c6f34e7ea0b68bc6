package io.mizzen.engine;

import io.mizzen.memory.DmaMemory;
import io.mizzen.pci.PciOpener;
import io.mizzen.pci.PciSysfs;
import io.mizzen.reactor.CpuAffinity;
import io.mizzen.reactor.Reactor;
import io.mizzen.uring.BlockDevices;
import java.nio.file.Path;
import java.util.List;

/** What the engine takes from the machine. Linux in production; tests have a plain one. */
interface Platform {
    CpuAffinity affinity();

    /**
     * Reserves the engine's memory, once, before the reactors, on the NUMA nodes of their cores.
     *
     * @throws io.mizzen.util.OperationException when not even the plainest kind can be had
     */
    DmaMemory reserve(EngineConfig.Memory config, List<Integer> cores);

    /** Gives the reactor its ports. On its thread, before its first turn. */
    void open(Reactor reactor, DmaMemory memory);

    /** Takes them away. On its thread, after its last turn. */
    void close(Reactor reactor);

    /** Gives the memory back, after the last reactor. */
    void release();

    /** Kernel features in use, one word each. Any thread, after the start. */
    List<String> ioFeatures();

    /** NUMA node of a core, 0 where there is one only. */
    int numaNode(int core);

    /** PCI functions of the machine. Any thread. */
    PciSysfs pci();

    /** What opens those functions for an engine with that memory. Once, after the memory was reserved. */
    PciOpener pciOpener(DmaMemory memory);

    /** Disks of the machine. Any thread. */
    BlockDevices disks();

    /** What an NVMe drive that the kernel drives says of its health. Blocking; any thread. @param file of its controller or a namespace */
    SmartReading smart(Path file);

    /** System calls, submissions and completions of a reactor's ring. Any thread, approximate. */
    RingCounts ringCounts(Reactor reactor);

    /** Counters of one ring. */
    record RingCounts(long enters, long submissions, long completions) {
        static final RingCounts NONE = new RingCounts(0, 0, 0);
    }
}
