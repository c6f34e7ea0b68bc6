package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Defects that other engines of this kind are known to have, each shown to be absent here, by its subject.
 *
 * <p>Not here: those of the URI schemes, of error kinds and of pools, which are the engine's
 * ({@code EngineKnownDefectsTest}). Not possible here: a reset of a remote controller whose first request is swallowed (no
 * remote children yet; a reset of a nexus is below), a store outside of the children that freezes I/O (there is none; the
 * children's own metadata is below), volume statistics and snapshots of LVM (no such backend).
 */
class KnownDefectsTest extends NexusTestBase {
    private NexusSim opened(int disks) {
        return opened(sim(disks));
    }

    // --- reads ------------------------------------------------------------------------------------------

    /** A read error of one child is no error of the volume while another child has the data; and it is repaired. */
    @Test
    void aReadErrorOfOneChildIsNotTheHosts() {
        NexusSim sim = opened(3);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 64));
        for (int bad = 0; bad < 3; bad++) {
            sim.disks.get(bad).fault = NexusTest.unreadableUntilWritten();
            for (int i = 0; i < 6; i++) {
                assertEquals(0, sim.run(i & 1, IoType.READ, i, 8));
            }
            sim.hand.runUntil(() -> sim.nexus.repairs().isIdle());
            sim.disks.get(bad).fault = io -> Status.SUCCESS;
        }
        assertTrue(sim.nexus.repairedBlocks() >= 3 * 8, sim.nexus.repairedBlocks() + " blocks");
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** A repair waits for writes in flight, and writes wait for it: it never brings back what a host has overwritten. */
    @Test
    void aRepairNeverUndoesANewerWrite() {
        int[] repaired = new int[1];
        for (int seed = 0; seed < 40; seed++) {
            NexusSim sim = new NexusSim(seed, 2, 2, SIZE, NexusSim.media(2), false, new NexusSim.History(SIZE));
            sim.openAll();
            assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
            sim.disks.get(0).fault = NexusTest.unreadableUntilWritten();
            sim.read(0, 1, 0, 8);
            sim.read(1, 2, 0, 8);
            for (int i = 0; i < seed * 8; i++) {
                sim.hand.tickAny();
            }
            sim.write(1, 3, IoType.WRITE, 2, 4, 0);
            sim.drain();
            sim.hand.runUntil(() -> sim.nexus.repairs().isIdle());
            repaired[0] += (int) sim.nexus.repairedBlocks();
            sim.checkLegs();
            assertEquals(NexusState.ONLINE, sim.nexus.state());
            assertNull(sim.close(false));
        }
        assertTrue(repaired[0] > 20, repaired[0] + " blocks");
    }

    @Test
    void aChildThatCannotBeRepairedIsFaulted() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(1).fault = io -> io.type == IoType.READ && isData(io) ? Status.UNRECOVERED_READ_ERROR
                : Status.SUCCESS;
        for (int i = 0; i < 4; i++) {
            assertEquals(0, sim.run(i & 1, IoType.READ, 0, 8));
        }
        sim.hand.runUntil(() -> sim.nexus.repairs().isIdle());
        assertEquals(MemberState.FAULTED, health(sim, 1));
        assertEquals(1, sim.nexus.repairFailures());
        assertNull(sim.close(false));
    }

    /** One that is faulted while another child is read for it has no use for that; no block counts as readable nowhere. */
    @Test
    void aChildThatGoesWhileItIsRepairedLeavesNothingToTell() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        SimDisk other = sim.disks.get(0);
        SimDisk.Tap checker = other.tap;
        other.tap = (disk, io) -> {
            checker.onArrival(disk, io);
            other.holdsReads |= io.type == IoType.READ && !sim.nexus.repairs().isIdle();
        };
        boolean[] failed = new boolean[1];
        sim.disks.get(1).fault = io -> {
            failed[0] |= isData(io) && io.type == IoType.READ;
            return !isData(io) ? Status.SUCCESS : io.type == IoType.READ ? Status.UNRECOVERED_READ_ERROR : Status.WRITE_FAULT;
        };
        for (int i = 0; i < 8 && !failed[0]; i++) {
            assertEquals(0, sim.run(i & 1, IoType.READ, 0, 8));
        }
        sim.hand.runUntil(() -> other.holdsReads);
        assertEquals(0, sim.run(0, IoType.WRITE, 1000, 8));
        assertEquals(MemberState.FAULTED, health(sim, 1));
        other.tap = checker;
        other.holdsReads = false;
        sim.hand.runUntil(() -> sim.nexus.repairs().isIdle());
        assertEquals(0, sim.nexus.repairFailures());
        assertNull(sim.close(false));
    }

    /**
     * Legs may differ after a crash. A block that the source cannot read then gets another leg's data on the source too
     * before it is shown: what was read once stays (the history sees to that), whoever is read next.
     */
    @Test
    void whatIsShownFromASuspectRegionStays() {
        int[] shown = new int[1];
        for (int seed = 0; seed < 30; seed++) {
            List<SimDisk.Media> media = NexusSim.media(3);
            NexusSim.History known = new NexusSim.History(SIZE);
            NexusSim sim = new NexusSim(seed, 2, 3, SIZE, media, false, known);
            sim.openAll();
            for (int i = 0; i < 8; i++) {
                sim.write(i & 1, i, IoType.WRITE, i * 8L, 8, 0);
            }
            for (int i = 0; i < 30 + seed * 6; i++) {
                sim.hand.tickAny();
            }
            sim.crash();
            NexusSim next = new NexusSim(seed, 2, 3, SIZE, media, false, known);
            Set<Long> bad = new TreeSet<>();
            for (int i = 0; i < 64; i += 5) {
                bad.add((long) DATA_BLOCK + i);
            }
            next.openAll();
            SimDisk source = next.disks.get(next.nexus.source());
            source.fault = io -> {
                boolean hits = bad.stream().anyMatch(b -> io.offsetBlocks <= b && b < io.offsetBlocks + io.blockCount);
                if (io.type == IoType.WRITE) {
                    bad.removeIf(b -> io.offsetBlocks <= b && b < io.offsetBlocks + io.blockCount);
                }
                return hits && io.type == IoType.READ ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS;
            };
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 16; i++) {
                    assertEquals(0, next.run(i & 1, IoType.READ, i * 4L, 4));
                }
            }
            shown[0] += (int) next.nexus.repairedBlocks();
            next.awaitResync();
            next.checkLegs();
            assertNull(next.close(false));
        }
        assertTrue(shown[0] > 10, shown[0] + " blocks");
    }

    /** Reads go round all children that are left after one has gone, not always to the first. */
    @Test
    void readsGoRoundAfterAChildHasLeft() {
        NexusSim sim = opened(3);
        assertNull(sim.offline("disk0"));
        for (int i = 0; i < 20; i++) {
            assertEquals(0, sim.run(0, IoType.READ, 0, 1));
        }
        assertEquals(10, sim.nexus.childStatuses().get(1).reads());
        assertEquals(10, sim.nexus.childStatuses().get(2).reads());
        assertNull(sim.close(false));
    }

    // --- operations that a child lacks --------------------------------------------------------------

    /** A child that refuses an operation that it claimed gets a substitute: neither a fault nor tried for ever. */
    @Test
    void anOperationThatAChildRefusesIsReplaced() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 64));
        int[] refused = new int[IoType.COUNT];
        sim.disks.get(1).fault = io -> {
            boolean refuses = io.type == IoType.WRITE_ZEROES || io.type == IoType.UNMAP || io.type == IoType.RESET;
            refused[io.type] += refuses ? 1 : 0;
            return refuses ? Status.INVALID_OPCODE | Status.DNR : Status.SUCCESS;
        };
        for (int i = 0; i < 3; i++) {
            assertEquals(0, sim.run(0, IoType.WRITE_ZEROES, 8L * i, 8));
            assertEquals(0, sim.run(0, IoType.UNMAP, 32 + 8L * i, 8));
            assertEquals(0, sim.run(0, IoType.RESET, 0, 0));
        }
        assertEquals(1, refused[IoType.WRITE_ZEROES], "it is not asked again");
        assertEquals(1, refused[IoType.RESET]);
        assertEquals(3, refused[IoType.UNMAP]);
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** A write that nobody can do ends, and soon. */
    @Test
    void nothingIsTriedForEver() {
        NexusSim sim = opened(3);
        int[] tries = new int[1];
        for (SimDisk disk : sim.disks) {
            disk.fault = io -> {
                boolean data = io.type == IoType.WRITE && isData(io);
                tries[0] += data ? 1 : 0;
                return data ? Status.WRITE_FAULT : Status.SUCCESS;
            };
        }
        assertEquals(Status.WRITE_FAULT, sim.run(0, IoType.WRITE, 0, 8));
        assertEquals(3, tries[0]);
        tries[0] = 0;
        for (SimDisk disk : sim.disks) {
            disk.fault = io -> {
                tries[0] += io.type == IoType.READ && isData(io) ? 1 : 0;
                return io.type == IoType.READ && isData(io) ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS;
            };
        }
        assertEquals(Status.UNRECOVERED_READ_ERROR, sim.run(0, IoType.READ, 0, 8));
        assertTrue(tries[0] <= 3, tries[0] + " tries");
        sim.disks.forEach(disk -> disk.fault = io -> Status.SUCCESS);
        assertNull(sim.close(false));
    }

    /** The first reset reaches every child, and so does the second. */
    @Test
    void everyResetReachesEveryChild() {
        NexusSim sim = opened(2);
        int[] resets = new int[2];
        for (SimDisk disk : sim.disks) {
            disk.fault = io -> {
                resets[disk.number] += io.type == IoType.RESET ? 1 : 0;
                return Status.SUCCESS;
            };
        }
        assertEquals(0, sim.run(0, IoType.RESET, 0, 0));
        assertEquals(0, sim.run(1, IoType.RESET, 0, 0));
        assertEquals(2, resets[0]);
        assertEquals(2, resets[1]);
        assertNull(sim.close(false));
    }

    // --- lack of resources -----------------------------------------------------------------------------

    /** Lack of memory is backpressure: no child is faulted for it, and nothing is done twice or forgotten. */
    @Test
    void lackOfMemoryCostsNobody() {
        NexusSim sim = opened(2);
        for (int type : new int[] {IoType.WRITE, IoType.READ, IoType.FLUSH, IoType.WRITE_ZEROES, IoType.UNMAP}) {
            for (SimDisk disk : sim.disks) {
                int[] refusals = {7};
                disk.fault = io -> (isData(io) || io.type == IoType.FLUSH) && refusals[0]-- > 0 ? Status.NO_RESOURCES
                        : Status.SUCCESS;
            }
            assertEquals(0, sim.run(type & 1, type, 0, 8));
        }
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** Without a record for its part a read waits; it is not started all the same. */
    @Test
    void aReadWithoutARecordIsDoneOnce() {
        NexusSim sim = opened(1);
        int[] reads = new int[1];
        sim.disks.get(0).fault = io -> {
            reads[0] += io.type == IoType.READ && isData(io) ? 1 : 0;
            return Status.SUCCESS;
        };
        List<BdevIo> held = new ArrayList<>();
        sim.hand.on(0, () -> {
            BdevIo io = sim.channel(0).tryAcquire();
            int[] ended = new int[1];
            io.prepare(IoType.READ, 0, 8, sim.slotAddress(0), 0, done -> {
                assertEquals(0, done.status());
                ended[0]++;
                done.release();
            });
            io.driverContext = ended;
            var child = sim.disks.get(0).channels().getFirst();
            for (BdevIo one = child.tryAcquire(); one != null; one = child.tryAcquire()) {
                held.add(one);
            }
            sim.channel(0).submit(io);
        });
        sim.hand.tickAll(100);
        assertEquals(0, reads[0], "it waits");
        sim.hand.on(0, () -> held.forEach(BdevIo::release));
        sim.hand.tickAll(1000);
        assertEquals(1, reads[0]);
        assertNull(sim.close(false));
    }

    // --- faults and what is stored ------------------------------------------------------------------

    /** A child that fails at once, within the submission, is stored as failed before the write is acknowledged, too. */
    @Test
    void noWriteIsAcknowledgedBeforeTheFaultIsStored() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(1).fault = io -> io.type == IoType.WRITE ? Status.WRITE_FAULT : Status.SUCCESS;
        sim.disks.get(1).maxDelayNs = 1;
        sim.disks.get(0).holdsMetadata = true;
        sim.write(0, 1, IoType.WRITE, 8, 8, 0);
        sim.hand.advance(3_000_000);
        sim.hand.tickAll(2000);
        assertEquals(1, sim.running, "the data is on the healthy child, but the fault is not stored");
        assertEquals(2, sim.newestDurable().healthyCount());
        sim.disks.get(0).holdsMetadata = false;
        sim.drain();
        assertEquals(0, sim.failed);
        assertEquals(1, sim.newestDurable().healthyCount());
        assertNull(sim.close(false));
    }

    /** Storing a change stops neither reads nor writes, and what cannot be stored holds hosts for a bounded time. */
    @Test
    void storingAChangeDoesNotFreezeTheVolume() {
        NexusSim sim = opened(3);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(0).holdsMetadata = true;
        boolean[] ended = new boolean[1];
        sim.hand.on(0, () -> sim.nexus.faultChild("disk2", (value, failure) -> ended[0] = true));
        sim.hand.tickAll(500);
        assertFalse(ended[0]);
        assertEquals(0, sim.run(0, IoType.WRITE, 8, 8), "a region that is dirty already");
        assertEquals(0, sim.run(1, IoType.READ, 0, 8));
        sim.disks.get(0).holdsMetadata = false;
        sim.hand.runUntil(() -> ended[0]);
        sim.disks.forEach(disk -> disk.fault = io -> io.type == IoType.WRITE && !isData(io) ? Status.WRITE_FAULT
                : Status.SUCCESS);
        long beganNs = sim.hand.nowNs();
        assertEquals(Status.TRANSIENT_TRANSPORT_ERROR, sim.run(0, IoType.WRITE, SIZE / 1024, 8));
        assertTrue(sim.hand.nowNs() - beganNs < NexusSim.FREEZE_NS + 2 * FrozenQueue.DOUBT_NS);
        sim.disks.forEach(disk -> disk.fault = io -> Status.SUCCESS);
        sim.hand.runUntil(() -> sim.nexus.state() != NexusState.FAULTED);
        assertNull(sim.close(false));
    }

    /** An unclean end costs no child: all healthy ones are kept, and only what was being written is copied. */
    @Test
    void anUncleanEndCostsNoChild() {
        List<SimDisk.Media> media = NexusSim.media(3);
        NexusSim sim = new NexusSim(1, 2, 3, SIZE, media, false, history);
        sim.openAll();
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.crash();
        NexusSim next = new NexusSim(2, 2, 3, SIZE, media, false, history);
        next.openAll();
        assertEquals(3, next.newestDurable().healthyCount());
        next.awaitResync();
        assertEquals((1L << NexusSim.REGION_SHIFT) / SimDisk.BLOCK, next.nexus.resyncCopiedBlocks());
        assertEquals(List.of(), next.nexus.rebuildHistory().stream().filter(r -> r.kind().name().equals("FULL")).toList());
        next.checkLegs();
        assertNull(next.close(false));
    }

    // --- where the work is done -----------------------------------------------------------------------

    /** Rebuilds copy where they are placed, not on the control reactor. */
    @Test
    void aRebuildIsNotTheControlReactorsWork() {
        NexusSim sim = new NexusSim(1, 2, 2, SIZE, NexusSim.media(2), false, history);
        assertNull(sim.open(NexusSim.parameters(), 0));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        int[] onReactor = new int[2];
        sim.disks.get(1).fault = io -> {
            onReactor[Reactor.current().index()] += isData(io) ? 1 : 0;
            return Status.SUCCESS;
        };
        assertNull(sim.add(1));
        sim.awaitRebuilds();
        assertEquals(0, onReactor[0]);
        assertTrue(onReactor[1] > 0);
        assertNull(sim.close(false));
    }

    /** The last block of the older label's data is used, and nothing behind it. */
    @Test
    void theOlderLabelEndsWhereItShould() {
        List<SimDisk.Media> media = NexusSim.media(1);
        NexusSim sim = new NexusSim(1, 1, 1, SIZE, media, false, history);
        sim.checkDirtyOrder = false;            // That check goes by the other label.
        assertNull(sim.open(NexusSim.parameters().withLabel(Label.V1), 0));
        long end = sim.disks.get(0).blockCount();
        long last = sim.nexus.blockCount() - 1;
        assertEquals(end - 34 - 1, (Label.V1.dataOffsetBytes() >>> 9) + last);
        assertEquals(0, sim.runUnchecked(0, IoType.WRITE, last, 1));
        assertEquals(Status.LBA_OUT_OF_RANGE, Status.code(sim.runUnchecked(0, IoType.WRITE, last + 1, 1)));
        assertTrue(media.getFirst().durable.keySet().stream().allMatch(block -> block < end - 34));
        assertTrue(media.getFirst().durable.containsKey(end - 35));
        assertNull(sim.close(false));
    }

    /** A child that is smaller than the others is told of. */
    @Test
    void aSmallChildDoesNotMakeASmallNexusUnnoticed() {
        NexusSim sim = new NexusSim(1, 1, 1, SIZE, NexusSim.media(1), false, history);
        SimDisk large = new SimDisk(7, "large", SIZE + 20 * NexusSim.MIB, new SimDisk.Media(), false, 1);
        sim.registry.register(large);
        sim.disks.add(large);
        sim.openAll();
        assertTrue(sim.events.contains("nexus-limited-by-child child=disk0 bytes=" + sim.disks.get(0).sizeBytes()
                + " largest-child=large largest-bytes=" + large.sizeBytes() + " nexus-bytes=" + SIZE), sim.events.toString());
        assertNull(sim.close(false));
    }
}
