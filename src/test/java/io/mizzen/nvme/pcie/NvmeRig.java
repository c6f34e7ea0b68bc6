package io.mizzen.nvme.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.Properties;
import io.mizzen.reactor.Timer;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.testsupport.TestMemory;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;

/** Hand-driven reactors, a simulated drive that the first of them polls, and a controller on it. */
final class NvmeRig implements NvmeListener {
    static final NvmeOptions OPTIONS = new NvmeOptions(32, 1_000_000_000L, 500_000_000L, 2_000_000_000L, 3, 5, true);

    private static final int OPEN_TURNS_MAX = 4_000_000;

    final HandReactors hand;
    final TestMemory memory;
    final TestIo io;
    final BdevRegistry registry = new BdevRegistry();
    final SimPci pci;
    final SimDrive drive;
    final List<String> events = new ArrayList<>();
    final List<List<NvmeNamespace>> namespaceChanges = new ArrayList<>();
    final long usedBytesBefore;
    private final List<Descriptor> descriptors = new ArrayList<>();
    private final List<IoChannel> channels = new ArrayList<>();
    private final List<NvmeBdev> bdevs = new ArrayList<>();
    NvmeController controller;
    OperationException failure;
    String dead;

    NvmeRig(int reactors, long seed) {
        hand = new HandReactors(reactors, seed);
        memory = TestMemory.install(hand.reactors());
        io = new TestIo(hand);
        usedBytesBefore = memory.memory().usedBytes();
        pci = new SimPci(memory.memory(), hand.random());
        drive = new SimDrive(pci);
        drive.namespaces.put(1, new SimNamespace(1, 12, 4096, 0, 9));
        SimTimer timer = new SimTimer();
        hand.on(0, () -> hand.reactor(0).mthread().addPoller("simulated drive", 0, nowNs -> {
            int work = drive.poll(nowNs);
            timer.rearm(nowNs);
            return work;
        }));
    }

    /** Makes time go on when nothing but the drive has something to do. */
    private final class SimTimer extends Timer {
        void rearm(long nowNs) {
            hand.reactor(0).cancel(this);
            long next = drive.nextNs();
            if (next != Long.MAX_VALUE) {
                hand.reactor(0).arm(this, Math.max(0, next - nowNs));
            }
        }

        @Override
        protected void onTimer(long nowNs) {
            // The poller of the next turn does it.
        }
    }

    NvmeRig open() {
        return open(OPTIONS, hand.reactors().all().size() - 1);
    }

    NvmeRig open(NvmeOptions options, int adminReactor) {
        tryOpen(options, adminReactor);
        assertEquals(null, failure);
        hand.runUntil(() -> drive.admin.eventRequestCount() == 4);
        return this;
    }

    void tryOpen(NvmeOptions options, int adminReactor) {
        drive.powerOn(20);
        boolean[] done = new boolean[1];
        hand.on(adminReactor, () -> NvmeController.open(pci, memory.memory(), hand.reactors(),
                hand.reactor(adminReactor).mthread(), options, this, (opened, refused) -> {
                    controller = opened;
                    failure = refused;
                    done[0] = true;
                }));
        hand.runUntil(() -> done[0], OPEN_TURNS_MAX);
    }

    NvmeBdev bdev(int nsid) {
        NvmeBdev bdev = hand.call(0, () -> {
            NvmeBdev made = controller.createBdev(nsid, "nvme" + nsid, null);
            registry.register(made);
            return made;
        });
        bdevs.add(bdev);
        return bdev;
    }

    IoChannel channel(NvmeBdev bdev, int reactor) {
        Descriptor descriptor = io.open(registry, bdev, false);
        descriptors.add(descriptor);
        IoChannel channel = io.channel(descriptor, reactor);
        channels.add(channel);
        return channel;
    }

    DmaMemory.Block buffer(long sizeBytes) {
        return memory.memory().allocate(sizeBytes, -1);
    }

    /** Runs on the controller's reactor. */
    void onAdmin(Runnable work) {
        hand.on(controller.admin().reactor().index(), work);
    }

    /** Closes everything in order and checks that nothing stayed behind. {@code buffers} are the test's own. */
    void close(DmaMemory.Block... buffers) {
        for (IoChannel channel : channels) {
            hand.on(channel.mthread().reactor().index(), channel::close);
        }
        hand.on(0, () -> descriptors.forEach(Descriptor::close));
        for (NvmeBdev bdev : bdevs) {
            boolean[] gone = new boolean[1];
            hand.on(0, () -> registry.unregister(bdev, (nothing, refused) -> gone[0] = true));
            hand.runUntil(() -> gone[0]);
        }
        closeController();
        for (DmaMemory.Block buffer : buffers) {
            memory.memory().free(buffer);
        }
        long keptBytes = memory.memory().keptBytes();
        assertEquals(usedBytesBefore, memory.memory().usedBytes() - keptBytes, "memory of queues is given back");
        assertEquals(drive.neverIdle || pci.unstoppable || pci.present && !pci.listed, keptBytes > 0, "unless the drive could not be stopped");
        assertEquals(List.of(), drive.violations);
    }

    void closeController() {
        boolean[] done = new boolean[1];
        onAdmin(() -> controller.close((nothing, refused) -> {
            failure = refused;
            done[0] = true;
        }));
        hand.runUntil(() -> done[0]);
        assertEquals(null, failure);
        assertEquals("CLOSED", controller.state());
        assertTrue(pci.dmaStopped);
        assertTrue(!pci.present || !pci.listed || !Properties.ccEnabled(RawMemory.getIntAcquire(pci.barAddress() + Properties.CC)));
    }

    boolean hasEvent(String code) {
        return events.stream().anyMatch(event -> event.startsWith(code + " "));
    }

    @Override
    public void onEvent(String code, String message) {
        events.add(code + " " + message);
    }

    @Override
    public void onNamespaces(List<NvmeNamespace> namespaces) {
        namespaceChanges.add(namespaces);
    }

    @Override
    public void onDead(String reason) {
        assertEquals(null, dead, "told once");
        dead = reason;
    }
}
