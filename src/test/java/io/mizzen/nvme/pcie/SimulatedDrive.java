package io.mizzen.nvme.pcie;

import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.AsyncEvents;
import io.mizzen.nvme.LogPages;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.pci.PciAddress;
import io.mizzen.pci.PciDevice;
import io.mizzen.pci.PciOpener;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * The simulated drive on a thread of its own, for an engine that takes it for a real one: {@link #SIZE_BYTES} in blocks of 512
 * bytes, {@link #SLOTS} commands in flight. What happens to it happens on its
 * thread, before the call returns. Any other thread.
 */
public final class SimulatedDrive implements AutoCloseable {
    public static final String ADDRESS = "0000:01:00.0";
    public static final long SIZE_BYTES = 64L << 20;
    public static final int SLOTS = 15;
    private static final int BLOCK_SHIFT = 9;
    private static final long PAUSE_NS = 20_000;
    private static final int TEMPERATURE_WARNING = 1 << 1;

    private final Queue<Runnable> happenings = new ConcurrentLinkedQueue<>();
    private long readyDelayNs = 3_000_000;
    private long shutdownDelayNs = 4_000_000;
    private SimDrive drive;
    private Thread thread;

    /** How long it takes to be ready. Before it is opened. */
    public void readyTakes(long delayNs) {
        readyDelayNs = delayNs;
    }

    /** How long its orderly shutdown takes; negative: for ever. Before it is opened. */
    public void shutdownTakes(long delayNs) {
        shutdownDelayNs = delayNs;
    }

    /** Its orderly shutdown ends, however long it was to take. */
    public void endShutdown() {
        happen(drive::endShutdown);
    }

    /** Its configuration space takes no write from here on. */
    public void ignoreStops() {
        drive.pci.unstoppable = true;
    }

    public synchronized boolean reachesMemory() {
        return !drive.pci.dmaStopped;
    }

    /** What opens it, once, and no other function. */
    public PciOpener opener(DmaMemory memory) {
        return (address, vectors) -> {
            if (!address.equals(PciAddress.parse(ADDRESS))) {
                throw OperationException.notFound("pci-device-not-found", "this machine has no PCI device " + address);
            }
            return open(memory);
        };
    }

    private synchronized PciDevice open(DmaMemory memory) {
        assert thread == null;
        SimPci pci = new SimPci(memory, new Random(7));
        drive = new SimDrive(pci);
        drive.entriesMax = SLOTS + 1;
        drive.namespaces.put(1, new SimNamespace(1, BLOCK_SHIFT, SIZE_BYTES >> BLOCK_SHIFT, 0, 9));
        drive.readyDelayNs = readyDelayNs;
        drive.shutdownDelayNs = shutdownDelayNs;
        drive.neverShutDown = shutdownDelayNs < 0;
        drive.powerOn(20);
        thread = Thread.ofPlatform().daemon().name("simulated drive").start(this::run);
        return pci;
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            for (Runnable happening = happenings.poll(); happening != null; happening = happenings.poll()) {
                happening.run();
            }
            if (drive.poll(System.nanoTime()) == 0) {
                LockSupport.parkNanos(PAUSE_NS);
            }
        }
    }

    private void happen(Runnable happening) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        happenings.add(() -> {
            happening.run();
            done.complete(null);
        });
        done.join();
    }

    /** It fails the next write, which would succeed if it were sent again. */
    public void failOneWrite() {
        boolean[] failed = new boolean[1];
        happen(() -> drive.faults = (queue, opcode) -> {
            if (queue == 0 || opcode != Opcodes.NVM_WRITE || failed[0]) {
                return SimFate.NORMAL;
            }
            failed[0] = true;
            return SimFate.failing(NvmeStatus.INTERNAL_ERROR);
        });
    }

    /** Writes take so long from now on. */
    public void delayWrites(long delayNs) {
        happen(() -> drive.faults = (queue, opcode) ->
                queue != 0 && opcode == Opcodes.NVM_WRITE ? SimFate.after(delayNs) : SimFate.NORMAL);
    }

    /** It breaks down until it is reset. */
    public void failFatally() {
        happen(drive::failFatally);
    }

    /** It is hot, has hardly any spare left, has lost data and its power once, and tells whoever has asked. */
    public void ageAndTell() {
        happen(() -> {
            drive.admin.criticalWarning = TEMPERATURE_WARNING;
            drive.admin.temperatureKelvin = 360;
            drive.admin.sparePercent = 11;
            drive.admin.unsafeShutdowns++;
            drive.admin.mediaErrors++;
            drive.admin.event(AsyncEvents.result(AsyncEvents.TYPE_HEALTH, 1, LogPages.SMART));
        });
    }

    /** It is pulled out. */
    public void pull() {
        happen(drive.pci::pull);
    }

    /** What the engine did that a driver must not do. After {@link #close}. */
    public List<String> violations() {
        return drive.violations;
    }

    @Override
    public synchronized void close() throws InterruptedException {
        if (thread != null) {
            thread.interrupt();
            thread.join();
        }
    }
}
