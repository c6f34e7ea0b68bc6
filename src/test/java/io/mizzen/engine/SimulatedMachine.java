package io.mizzen.engine;

import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.pcie.SimulatedDrive;
import io.mizzen.pci.PciOpener;
import io.mizzen.pci.PciSysfs;
import io.mizzen.reactor.CpuAffinity;
import io.mizzen.reactor.Reactor;
import io.mizzen.uring.BlockDevices;
import java.nio.file.Path;
import java.util.List;

/** This machine, with its cores, rings and sockets, but for one NVMe drive that is simulated. */
public final class SimulatedMachine implements Platform {
    private final Platform linux;
    private final SimulatedDrive drive;

    private SimulatedMachine(Platform linux, SimulatedDrive drive) {
        this.linux = linux;
        this.drive = drive;
    }

    /** An engine on it, with NVMe/TCP on a free port of loopback; not started. */
    public static Engine engine(SimulatedDrive drive) {
        EngineConfig config = RunningEngine.config();
        config.validate();
        return new DataPlane(config, new SimulatedMachine(new LinuxPlatform(config.nvmf().maxConnections(),
                config.nvmf().congestionControl()), drive));
    }

    @Override
    public PciOpener pciOpener(DmaMemory memory) {
        return drive.opener(memory);
    }

    @Override
    public CpuAffinity affinity() {
        return linux.affinity();
    }

    @Override
    public DmaMemory reserve(EngineConfig.Memory config, List<Integer> cores) {
        return linux.reserve(config, cores);
    }

    @Override
    public void open(Reactor reactor, DmaMemory memory) {
        linux.open(reactor, memory);
    }

    @Override
    public void close(Reactor reactor) {
        linux.close(reactor);
    }

    @Override
    public void release() {
        linux.release();
    }

    @Override
    public List<String> ioFeatures() {
        return linux.ioFeatures();
    }

    @Override
    public int numaNode(int core) {
        return linux.numaNode(core);
    }

    @Override
    public PciSysfs pci() {
        return linux.pci();
    }

    @Override
    public BlockDevices disks() {
        return linux.disks();
    }

    @Override
    public SmartReading smart(Path file) {
        return linux.smart(file);
    }

    @Override
    public RingCounts ringCounts(Reactor reactor) {
        return linux.ringCounts(reactor);
    }
}
