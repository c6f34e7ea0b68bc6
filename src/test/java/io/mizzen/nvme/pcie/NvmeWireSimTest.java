package io.mizzen.nvme.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.Properties;
import io.mizzen.reactor.Reactor;
import io.mizzen.testsupport.TestIo.Outcome;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Interrupts by wire, which all queues share: whoever waits is woken, who is busy is not disturbed. */
class NvmeWireSimTest {
    /** The drive is on the first. */
    private static final int WAITING = 1;
    private static final int ADMIN = 2;
    private static final int SPINS = 20;
    private static final int O_RDWR_NONBLOCK = 0x802;
    /** Later than a reactor that polls on a timer would see it. */
    private static final long SLOW_NS = 35_000_000;

    private final NvmeRig rig = new NvmeRig(3, 51);
    private final HandWatcher watcher = new HandWatcher();
    private int wire;
    @TempDir
    private Path directory;

    @BeforeEach
    void wire() {
        open("/dev/zero");              // Four bytes at each read, as from a UIO device.
        for (int i = 0; i < 3; i++) {
            int index = i;
            rig.hand.on(index, () -> rig.hand.reactor(index).install(null, null, index == ADMIN ? watcher : new HandWatcher()));
            rig.hand.reactor(index).setSpinNs(50_000);
        }
        rig.drive.onInterrupt = () -> rig.hand.reactor(ADMIN).mthread().send(() -> watcher.readable(wire));
    }

    private void open(String path) {
        open(path, 0);
    }

    private void open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            wire = Libc.open(Libc.cString(arena, path).address(), flags, 0);
        }
        rig.pci.wireFd = wire;
    }

    @AfterEach
    void close() {
        Libc.close(wire);
    }

    private void slow(long delayNs) {
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.after(delayNs);
    }

    /** Reactors that have nothing to do sleep: unlike the drive they make no turn. */
    private void run(BooleanSupplier condition) {
        for (int turn = 0; turn < 1_000_000; turn++) {
            if (condition.getAsBoolean()) {
                return;
            }
            boolean awake = rig.hand.tick(0) != 0;
            for (int index = WAITING; index <= ADMIN; index++) {
                for (int spin = 0; spin < SPINS && (spin > 0 || rig.hand.reactor(index).hasWork()); spin++) {
                    rig.hand.tick(index);
                    awake = true;
                }
            }
            if (!awake) {
                rig.hand.advance(rig.hand.reactors().all().stream().mapToLong(Reactor::idleLimitNs).min().getAsLong());
            }
        }
        throw new AssertionError("the condition did not come true");
    }

    private Outcome submit(int reactor, IoChannel channel, long block, DmaMemory.Block buffer) {
        Outcome outcome = rig.io.submit(channel, IoType.READ, block, 1, buffer.address() + block * 4096);
        rig.hand.tick(reactor);
        return outcome;
    }

    private long timeOf(Outcome outcome) {
        long startNs = rig.hand.nowNs();
        run(outcome::isDone);
        assertEquals(0, outcome.status);
        return rig.hand.nowNs() - startNs;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatTakesLongEndsWithAnInterrupt(boolean doorbellBuffers) {
        rig.drive.hasDoorbellBuffers = doorbellBuffers;
        rig.open();
        assertTrue(watcher.watches(wire));
        IoChannel channel = rig.channel(rig.bdev(1), WAITING);
        DmaMemory.Block buffer = rig.buffer(4096);
        slow(SLOW_NS);
        for (int i = 1; i <= 5; i++) {
            long tookNs = timeOf(submit(WAITING, channel, 0, buffer));
            assertTrue(tookNs >= SLOW_NS && tookNs < SLOW_NS + 500_000, tookNs + " ns");
            assertEquals(i, rig.controller.stats().interrupts());
            assertEquals(i, rig.pci.interrupts);
        }
        rig.close(buffer);
        assertFalse(watcher.watches(wire));
    }

    @Test
    void aBusyQueueCausesNone() {
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), WAITING);
        DmaMemory.Block buffer = rig.buffer(4096);
        for (int i = 0; i < 100; i++) {
            assertEquals(0, rig.io.run(channel, IoType.WRITE, 0, 1, buffer.address()));
        }
        assertEquals(0, rig.controller.stats().interrupts());
        assertEquals(0, rig.pci.interrupts);
        rig.close(buffer);
    }

    /** The wire tells of both; who finds nothing asks again. */
    @Test
    void twoThatWaitAreBothWoken() {
        rig.open();
        NvmeBdev bdev = rig.bdev(1);
        IoChannel first = rig.channel(bdev, WAITING);
        IoChannel second = rig.channel(bdev, ADMIN);
        DmaMemory.Block buffer = rig.buffer(8192);
        slow(SLOW_NS);
        Outcome sooner = submit(WAITING, first, 0, buffer);
        rig.hand.tick(0);
        slow(2 * SLOW_NS);
        Outcome later = submit(ADMIN, second, 1, buffer);
        rig.hand.tick(0);
        long startNs = rig.hand.nowNs();
        timeOf(sooner);
        assertFalse(later.isDone());
        timeOf(later);
        long tookNs = rig.hand.nowNs() - startNs;
        assertTrue(tookNs < 2 * SLOW_NS + 500_000, tookNs + " ns");
        assertEquals(3, rig.controller.stats().interrupts(), "the first woke both, the second one");
        rig.close(buffer);
    }

    @Test
    void anInterruptSurvivesAReset() {
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), WAITING);
        DmaMemory.Block buffer = rig.buffer(4096);
        slow(SLOW_NS);
        Outcome read = submit(WAITING, channel, 0, buffer);
        long askedNs = rig.hand.nowNs() + SLOW_NS / 2;
        run(() -> rig.hand.nowNs() >= askedNs);
        rig.onAdmin(() -> rig.controller.reset("the test wants it"));
        run(() -> rig.controller.state().equals("READY"));
        assertFalse(read.isDone());
        long tookNs = timeOf(read);
        assertTrue(tookNs < SLOW_NS + 500_000, tookNs + " ns");
        assertTrue(rig.controller.stats().interrupts() >= 1, "the admin queue's may come first");
        rig.close(buffer);
    }

    /** Two interrupts, as a neighbour on the line causes them, are told twice and read at once. */
    @Test
    void whatIsToldAndReadAlreadyEndsNothing() throws Exception {
        Libc.close(wire);
        Path fifo = directory.resolve("uio");
        assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
        open(fifo.toString(), O_RDWR_NONBLOCK);
        rig.drive.onInterrupt = () -> rig.hand.reactor(ADMIN).mthread().send(() -> {
            assertEquals(4, Libc.write(wire, rig.pci.barAddress(), 4));
            watcher.readable(wire);
            watcher.readable(wire);
        });
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), WAITING);
        DmaMemory.Block buffer = rig.buffer(4096);
        slow(SLOW_NS);
        for (int i = 1; i <= 3; i++) {
            long tookNs = timeOf(submit(WAITING, channel, 0, buffer));
            assertTrue(tookNs >= SLOW_NS && tookNs < SLOW_NS + 500_000, tookNs + " ns");
            assertTrue(watcher.watches(wire));
            assertEquals(i, rig.controller.stats().interrupts());
        }
        rig.close(buffer);
    }

    @Test
    void aWireThatCannotBeWatchedIsMaskedAndTheQueueIsPolled() {
        rig.hand.on(ADMIN, () -> watcher.watch(wire, fd -> { }));
        rig.open();
        assertEquals(-1, RawMemory.getInt(rig.pci.barAddress() + Properties.INTMS));
        IoChannel channel = rig.channel(rig.bdev(1), WAITING);
        DmaMemory.Block buffer = rig.buffer(4096);
        slow(SLOW_NS);
        long tookNs = timeOf(submit(WAITING, channel, 0, buffer));
        assertTrue(tookNs < SLOW_NS + 1_500_000, tookNs + " ns");
        assertFalse(rig.pci.wireEnabled);
        rig.close(buffer);
    }

    @Test
    void aWireThatTellsNothingIsWatchedNoMoreAndTheQueueIsPolled() {
        Libc.close(wire);
        open("/dev/null");
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), WAITING);
        DmaMemory.Block buffer = rig.buffer(4096);
        slow(SLOW_NS);
        long tookNs = timeOf(submit(WAITING, channel, 0, buffer));
        assertTrue(tookNs < SLOW_NS + 12_000_000, tookNs + " ns");
        assertFalse(watcher.watches(wire));
        assertEquals(0, rig.controller.stats().interrupts());
        rig.close(buffer);
    }

    @Test
    void withoutAWireInterruptsAreMasked() {
        rig.pci.wireFd = -1;
        rig.open();
        assertEquals(-1, RawMemory.getInt(rig.pci.barAddress() + Properties.INTMS));
        assertTrue(rig.drive.completions.values().stream().noneMatch(queue -> queue.id != 0 && queue.interrupts));
        rig.close();
    }
}
