package io.mizzen.nvme.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.IdentifyController;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.testsupport.Seeds;
import io.mizzen.testsupport.TestIo.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Seeded runs: random drives with every fault at once, then without faults. Each I/O ends once; a read returns what was
 * written last, or what may have been; the drive sees nothing that the specification forbids; at the end nothing is left.
 */
class NvmeChaosSimTest {
    private static final int SEEDS = Integer.getInteger("nvme.sim.seeds", 8);
    private static final int BLOCKS = 256;
    private static final int STEPS = 1000;
    private static final int SLOTS = 48;
    private static final int SLOT_BYTES = 64 << 10;

    /** An I/O in flight. */
    private static final class Flight {
        int type;
        int slot;
        int first;
        int count;
        long stamp;
        Outcome outcome;
    }

    private final class Run {
        private final Random random;
        private final NvmeRig rig;
        private final SimNamespace namespace;
        private final List<Set<Long>> allowed = new ArrayList<>();
        private final boolean[] busy = new boolean[BLOCKS];
        private final boolean[] slotBusy = new boolean[SLOTS];
        private final List<Flight> flights = new ArrayList<>();
        private final List<IoChannel> channels = new ArrayList<>();
        private final DmaMemory.Block buffer;
        private final NvmeBdev bdev;
        private final boolean mayBePulled;
        private boolean healed;
        private long nextStamp = 1;
        private int enablesAtLoss;
        private int succeeded;

        Run(long seed) {
            random = new Random(seed);
            rig = new NvmeRig(1 + random.nextInt(3), seed);
            mayBePulled = random.nextInt(5) == 0;
            namespace = new SimNamespace(1, random.nextBoolean() ? 9 : 12, BLOCKS, 0, random.nextBoolean() ? 9 : 0);
            rig.drive.namespaces.put(1, namespace);
            rig.drive.mdts = random.nextInt(4);
            rig.drive.queuesMax = 1 + random.nextInt(4);
            rig.drive.sgls = random.nextInt(2);
            rig.drive.hasDoorbellBuffers = random.nextBoolean();
            rig.drive.admin.oncs &= random.nextInt(4) == 0 ? ~IdentifyController.ONCS_COMPARE : -1;
            rig.drive.admin.dsmRangeBlocks = random.nextInt(20);
            rig.open(new NvmeOptions(2 << random.nextInt(6), 1_000_000_000L, 500_000_000L, 2_000_000_000L, 3, 1_000_000,
                    true), random.nextInt(rig.hand.reactors().all().size()));
            rig.drive.faults = this::fate;
            bdev = rig.bdev(1);
            for (int i = 0; i < rig.hand.reactors().all().size(); i++) {
                channels.add(rig.channel(bdev, i));
            }
            buffer = rig.buffer((long) SLOTS * SLOT_BYTES);
            for (int i = 0; i < BLOCKS; i++) {
                allowed.add(new TreeSet<>(Set.of(0L)));
            }
        }

        private SimFate fate(int queueId, int opcode) {
            if (healed) {
                return SimFate.after(random.nextInt(100_000));
            }
            if (queueId == 0) {
                boolean loses = random.nextInt(100) == 0 && rig.drive.enables > enablesAtLoss + 1;  // One attempt of a reset.
                enablesAtLoss = loses ? rig.drive.enables : enablesAtLoss;
                return loses ? SimFate.losing() : SimFate.after(random.nextInt(200_000));
            }
            int dice = random.nextInt(1000);
            if (dice < 3) {
                return SimFate.losing();
            } else if (dice < 8) {
                return SimFate.after(800_000_000L + random.nextInt(1_500_000_000));
            } else if (dice < 20) {
                return SimFate.doubled();
            } else if (dice < 50) {
                return SimFate.failing(random.nextBoolean() ? Status.UNRECOVERED_READ_ERROR : NvmeStatus.INTERNAL_ERROR);
            } else if (dice < 60) {
                return SimFate.failing(Status.WRITE_FAULT | Status.DNR);
            }
            return SimFate.after(random.nextInt(100_000));
        }

        private void step() {
            int dice = random.nextInt(1000);
            if (dice < 4 && rig.controller.state().equals("READY")) {
                rig.drive.failFatally();
            } else if (dice < 6) {
                rig.onAdmin(() -> rig.controller.reset("the test wants it"));
            } else if (dice < 10) {
                SimQueues.Submission queue = rig.drive.submissions.get(1);
                if (queue != null && rig.drive.isReady() && !queue.target.isFull()) {
                    rig.drive.post(queue, random.nextInt(0x10000) | 0xFC00, 0, 0);
                }
            } else if (dice < 600) {
                submit();
            }
            if (dice % 4 == 0) {
                rig.hand.advance(random.nextInt(dice % 100 == 0 ? 400_000_000 : 300_000));
            }
            for (int i = random.nextInt(16); i > 0; i--) {
                rig.hand.tickAny();
            }
            reap();
        }

        private void submit() {
            int slot = random.nextInt(SLOTS);
            int first = random.nextInt(BLOCKS);
            int count = 1 + random.nextInt(Math.min(random.nextInt(12) + 1, BLOCKS - first));
            for (int i = 0; i < count; i++) {
                if (busy[first + i]) {
                    return;
                }
            }
            if (slotBusy[slot]) {
                return;
            }
            Flight flight = new Flight();
            flight.type = new int[] {IoType.READ, IoType.READ, IoType.WRITE, IoType.WRITE, IoType.WRITE_ZEROES,
                IoType.UNMAP, IoType.COMPARE, IoType.FLUSH}[random.nextInt(8)];
            flight.slot = slot;
            flight.first = first;
            flight.count = flight.type == IoType.FLUSH ? 0 : count;
            flight.stamp = flight.type == IoType.WRITE ? nextStamp++ : 0;
            slotBusy[slot] = true;
            for (int i = 0; i < flight.count; i++) {
                busy[first + i] = true;
                if (flight.type == IoType.WRITE) {
                    stamp(address(flight, i), flight.stamp);
                } else if (flight.type == IoType.COMPARE) {
                    stamp(address(flight, i), allowed.get(first + i).iterator().next());
                }
            }
            flight.outcome = rig.io.submit(channels.get(random.nextInt(channels.size())), flight.type, first, flight.count,
                    IoType.hasData(flight.type) ? address(flight, 0) : 0, random.nextBoolean() ? BdevIo.FLAG_FUA : 0);
            flights.add(flight);
        }

        private long address(Flight flight, int block) {
            return buffer.address() + (long) flight.slot * SLOT_BYTES + flight.slot * 4L + ((long) block << namespace.shift);
        }

        private void stamp(long address, long stamp) {
            for (int at = 0; at < 1 << namespace.shift; at += 8) {
                RawMemory.putLong(address + at, stamp);
            }
        }

        private void reap() {
            for (Flight flight : List.copyOf(flights)) {
                if (flight.outcome.isDone()) {
                    flights.remove(flight);
                    slotBusy[flight.slot] = false;
                    succeeded += flight.outcome.status == 0 ? 1 : 0;
                    for (int i = 0; i < flight.count; i++) {
                        busy[flight.first + i] = false;
                        check(flight, i, flight.outcome.status == 0);
                    }
                }
            }
        }

        private void check(Flight flight, int i, boolean good) {
            Set<Long> may = allowed.get(flight.first + i);
            switch (flight.type) {
                case IoType.READ -> {
                    if (good) {
                        checkRead(address(flight, i), may);
                    }
                }
                case IoType.WRITE, IoType.WRITE_ZEROES, IoType.UNMAP -> {
                    if (good && (flight.type != IoType.UNMAP || bdev.unmapReadsZeroes())) {
                        may.clear();
                    }
                    may.add(flight.stamp);
                }
                case IoType.COMPARE -> {
                    if (Status.code(flight.outcome.status) == Status.COMPARE_FAILURE) {
                        assertTrue(isUncertain(flight), "a comparison with what is there failed");
                    }
                }
                default -> { }
            }
        }

        private boolean isUncertain(Flight flight) {
            for (int i = 0; i < flight.count; i++) {
                if (allowed.get(flight.first + i).size() > 1) {
                    return true;
                }
            }
            return false;
        }

        private void checkRead(long address, Set<Long> may) {
            long stamp = RawMemory.getLong(address);
            assertTrue(may.contains(stamp), stamp + " was read, " + may + " may be there");
            for (int at = 8; at < 1 << namespace.shift; at += 8) {
                assertEquals(stamp, RawMemory.getLong(address + at), "a block is whole");
            }
        }

        int all() {
            for (int i = 0; i < STEPS; i++) {
                step();
                if (mayBePulled && i == STEPS * 3 / 4) {
                    rig.pci.pull();
                }
            }
            healed = true;
            rig.hand.runUntil(() -> {
                reap();
                return flights.isEmpty();
            }, 3_000_000);
            rig.hand.runUntil(() -> rig.controller.state().equals("READY") || rig.dead != null, 3_000_000);
            if (rig.dead == null) {
                for (int block = 0; block < BLOCKS; block++) {
                    assertEquals(0, rig.io.run(channels.getFirst(), IoType.READ, block, 1, buffer.address()));
                    checkRead(buffer.address(), allowed.get(block));
                }
            } else {
                assertTrue(mayBePulled, rig.dead);
            }
            rig.close(buffer);
            return succeeded;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 1001, 2001, 3001})
    void everyIoEndsOnceAndReadsAreTrue(long firstSeed) {
        AtomicInteger succeeded = new AtomicInteger();
        Seeds.each(firstSeed, SEEDS, seed -> succeeded.addAndGet(new Run(seed).all()));
        assertTrue(succeeded.get() > 100 * SEEDS, succeeded + " I/Os succeeded in all runs: most ends were failures");
    }
}
