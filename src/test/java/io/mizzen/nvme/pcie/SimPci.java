package io.mizzen.nvme.pcie;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.IovaMap;
import io.mizzen.nvme.Properties;
import io.mizzen.pci.PciDevice;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A PCI function in plain memory: BAR 0, and the engine's memory in pieces of 64 KiB whose device addresses are in no
 * order, so that a driver that takes neighbours for granted is found out.
 */
final class SimPci implements PciDevice {
    static final int BAR_BYTES = 16 << 10;
    private static final int SHIFT = 16;
    private static final long FIRST_IOVA = 0x5_0000_0000L;

    private final long bar = Arena.global().allocate(BAR_BYTES, 4096).address();
    private final IovaMap iovas;
    private final List<Long> addresses = new ArrayList<>();
    volatile boolean dmaStopped = true;
    volatile boolean closed;
    /** It was let at memory while its controller was on. */
    volatile boolean busyAtStart;
    volatile boolean present = true;
    volatile boolean listed = true;
    /** Its configuration space takes no write. */
    volatile boolean unstoppable;
    /** The descriptor of its interrupts by wire, or -1. */
    volatile int wireFd = -1;
    volatile boolean wireEnabled;
    /** Interrupt vectors, which nobody may wait for. */
    volatile int vectors;
    int interrupts;

    SimPci(DmaMemory memory, Random random) {
        List<DmaRegion> regions = memory.regions();
        int[] shifts = new int[regions.size()];
        long[][] pages = new long[regions.size()][];
        for (DmaRegion region : regions) {
            shifts[region.index()] = SHIFT;
            pages[region.index()] = new long[(int) (region.sizeBytes() + (1L << SHIFT) - 1 >>> SHIFT)];
            for (int i = 0; i < pages[region.index()].length; i++) {
                addresses.add(region.address() + ((long) i << SHIFT));
            }
        }
        Collections.shuffle(addresses, random);
        for (DmaRegion region : regions) {
            for (int i = 0; i < pages[region.index()].length; i++) {
                long address = region.address() + ((long) i << SHIFT);
                pages[region.index()][i] = FIRST_IOVA + ((long) addresses.indexOf(address) << SHIFT);
            }
        }
        iovas = new IovaMap(regions, shifts, pages);
    }

    /** What the device reaches at an address of its own, or -1. */
    long translate(long iova) {
        long page = iova - FIRST_IOVA >> SHIFT;
        return dmaStopped || page < 0 || page >= addresses.size() ? -1
                : addresses.get((int) page) + (iova & (1L << SHIFT) - 1);
    }

    /** Pulled out: every register reads as ones. */
    void pull() {
        present = false;
        for (int i = 0; i < BAR_BYTES; i += 8) {
            RawMemory.putLong(bar + i, -1L);
        }
    }

    @Override
    public String address() {
        return "0000:01:00.0";
    }

    @Override
    public int numaNode() {
        return -1;
    }

    @Override
    public long barAddress() {
        return bar;
    }

    @Override
    public long barSizeBytes() {
        return BAR_BYTES;
    }

    @Override
    public IovaMap iovas() {
        return iovas;
    }

    @Override
    public int interruptVectors() {
        return vectors;
    }

    @Override
    public int interruptFd(int vector) {
        throw new AssertionError("vectors have no descriptors");
    }

    @Override
    public int removalFd() {
        return -1;
    }

    @Override
    public boolean isPresent() {
        return listed;
    }

    @Override
    public int configInt(int offset) {
        return present ? 0 : -1;
    }

    @Override
    public void startDma() {
        busyAtStart |= (RawMemory.getIntAcquire(bar + Properties.CC) & Properties.CC_EN
                | RawMemory.getIntAcquire(bar + Properties.CSTS) & Properties.CSTS_RDY) != 0;
        dmaStopped = false;
    }

    @Override
    public boolean stopDma() {
        dmaStopped |= !unstoppable;
        return dmaStopped;
    }

    @Override
    public int wireFd() {
        return wireFd;
    }

    @Override
    public void enableWire() {
        wireEnabled = true;
    }

    @Override
    public void close() {
        closed = true;
    }
}
