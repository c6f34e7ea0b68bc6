package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.testsupport.Seeds;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The nexus under seeded schedules, faults and power failures. {@code -Dsim.seeds=N} runs N seeds a test, from
 * {@code -Dsim.first}.
 */
class NexusSimTest {
    private static final long SIZE = 2 << 20;
    private static final long FIRST = Long.getLong("sim.first", 1);
    private static final int SEEDS = Integer.getInteger("sim.seeds", 8);

    private interface Run {
        void run(long seed, Random random);
    }

    private static void seeds(Run run) {
        Seeds.each(FIRST, SEEDS, seed -> run.run(seed, new Random(seed * 7919)));
    }

    private static void load(NexusSim sim, Random random, int turns) {
        for (int i = 0; i < turns && !sim.crashDue; i++) {
            if (random.nextInt(6) == 0) {
                sim.randomIo();
            }
            sim.hand.tickAny();
            if (random.nextInt(10) == 0) {
                sim.hand.advance(random.nextInt(100_000));
            }
        }
        if (sim.crashDue) {
            for (int i = random.nextInt(120); i > 0; i--) {
                sim.hand.tickAny();
                sim.hand.advance(random.nextInt(4_000));
            }
        }
    }

    @Test
    void legsAreEqualAfterAnySchedule() {
        seeds((seed, random) -> {
            NexusSim sim = new NexusSim(seed, 1 + random.nextInt(3), 1 + random.nextInt(3), SIZE, NexusSim.media(3),
                    random.nextBoolean(), new NexusSim.History(SIZE));
            sim.openAll();
            load(sim, random, 3000);
            sim.drain();
            assertEquals(0, sim.failed);
            assertTrue(sim.acknowledged > 50, "only " + sim.acknowledged);
            sim.checkLegs();
            assertEquals(NexusState.ONLINE, sim.nexus.state());
            sim.hand.runUntil(() -> sim.nexus.dirtyRegions() == 0);
            assertNull(sim.close(false));
            assertTrue(!sim.newestDurable().inUse());
        });
    }

    /** Children fail at random moments; every acknowledgement is checked against what is durable. */
    @Test
    void noAcknowledgementBeforeTheFaultIsStored() {
        int[] degraded = new int[1];
        seeds((seed, random) -> {
            int disks = 2 + random.nextInt(2);
            NexusSim sim = new NexusSim(seed, 1 + random.nextInt(3), disks, SIZE, NexusSim.media(disks),
                    random.nextBoolean(), new NexusSim.History(SIZE));
            sim.openAll();
            load(sim, random, 500);
            breakSome(sim, random);
            load(sim, random, 2000);
            sim.drain();
            sim.disks.forEach(disk -> disk.fault = io -> Status.SUCCESS);
            sim.hand.runUntil(() -> sim.nexus.state() != NexusState.FAULTED, 2_000_000);
            sim.awaitResync();
            sim.checkLegs();
            degraded[0] += sim.nexus.state() == NexusState.DEGRADED ? 1 : 0;
            sim.close(false);
        });
        assertTrue(degraded[0] > SEEDS / 4, "only " + degraded[0] + " runs lost a child");
    }

    private static void breakSome(NexusSim sim, Random random) {
        int victims = 1 + random.nextInt(sim.disks.size());
        for (int i = 0; i < victims; i++) {
            SimDisk disk = sim.disks.get(random.nextInt(sim.disks.size()));
            int after = random.nextInt(60);
            int kind = random.nextInt(5);
            int[] seen = new int[1];
            disk.fault = io -> {
                boolean hit = switch (kind) {
                    case 0 -> seen[0] >= after && IoType.isWrite(io.type);
                    case 1 -> seen[0] == after && IoType.isWrite(io.type);
                    case 2 -> seen[0] >= after && io.type == IoType.READ && seen[0] % 3 == 0;
                    case 3 -> seen[0] >= after && IoType.isWrite(io.type) && io.offsetBlocks < 8192;
                    default -> seen[0] >= after && io.type == IoType.FLUSH;
                };
                seen[0]++;
                return hit ? kind == 2 ? Status.UNRECOVERED_READ_ERROR : Status.WRITE_FAULT : Status.SUCCESS;
            };
        }
    }

    /** Power fails at a random moment, several times; nothing acknowledged is lost and the legs become equal. */
    @Test
    void nothingAcknowledgedIsLostInACrash() {
        int[] copied = new int[1];
        seeds((seed, random) -> {
            int disks = 2 + random.nextInt(2);
            List<SimDisk.Media> media = NexusSim.media(disks);
            NexusSim.History history = new NexusSim.History(SIZE);
            boolean volatileCache = random.nextBoolean();
            for (int life = 0; life < 4; life++) {
                NexusSim sim = new NexusSim(seed * 10 + life, 1 + random.nextInt(3), disks, SIZE, media,
                        volatileCache, history);
                sim.openAll();
                copied[0] += sim.nexus.suspectRegions();
                sim.crashOneIn = life == 3 ? 0 : random.nextInt(30);
                load(sim, random, random.nextInt(1500));
                if (life == 3) {
                    sim.drain();
                    sim.awaitResync();
                    sim.checkLegs();
                    assertEquals(NexusState.ONLINE, sim.nexus.state());
                    assertNull(sim.close(false));
                } else {
                    sim.crash();
                }
            }
        });
        assertTrue(copied[0] > SEEDS, "only " + copied[0] + " regions were suspect");
    }

    /** The same with a child that fails before the crash: it must stay out, whatever generation reached whom. */
    @Test
    void aFailedChildStaysOutAfterACrash() {
        int[] kept = new int[1];
        seeds((seed, random) -> {
            int disks = 2 + random.nextInt(2);
            List<SimDisk.Media> media = NexusSim.media(disks);
            NexusSim.History history = new NexusSim.History(SIZE);
            NexusSim sim = new NexusSim(seed, 1 + random.nextInt(3), disks, SIZE, media, false, history);
            sim.openAll();
            load(sim, random, 600);
            SimDisk bad = sim.disks.get(random.nextInt(disks));
            int every = 1 + random.nextInt(3);
            int[] seen = new int[1];
            sim.crashOneIn = random.nextInt(5);
            bad.fault = io -> IoType.isWrite(io.type) && seen[0]++ % every == 0 ? Status.WRITE_FAULT : Status.SUCCESS;
            load(sim, random, 200 + random.nextInt(400));
            sim.crash();
            NexusSim next = new NexusSim(seed + 1000, 2, disks, SIZE, media, false, history);
            next.openAll();
            load(next, random, 500);
            next.drain();
            next.awaitResync();
            next.checkLegs();
            kept[0] += next.nexus.state() == NexusState.DEGRADED ? 1 : 0;
            assertNull(next.close(false));
        });
        assertTrue(kept[0] > SEEDS / 3, "only " + kept[0] + " runs kept a child out");
    }

    /**
     * The source of a resynchronisation fails a write while a copy waits for that write's range: the copy must not bring
     * back what the source holds there, for the write is acknowledged without it.
     */
    @Test
    void aCopyFromASourceThatFailedChangesNothing() {
        int[] degraded = new int[1];
        seeds((seed, random) -> {
            NexusSim sim = new NexusSim(seed, 1 + random.nextInt(2), 2, SIZE, NexusSim.media(2), false,
                    new NexusSim.History(SIZE));
            assertNull(sim.open(NexusSim.parameters().withInitialCopy(NexusParameters.InitialCopy.FROM_FIRST), 0, 1));
            int after = 1 + random.nextInt(12);
            int[] seen = new int[1];
            sim.disks.get(0).fault = io -> IoType.isWrite(io.type) && io.offsetBlocks >= 8192 && seen[0]++ == after
                    ? Status.WRITE_FAULT : Status.SUCCESS;
            load(sim, random, 1500);
            sim.drain();
            sim.awaitResync();
            sim.checkLegs();
            degraded[0] += sim.nexus.state() == NexusState.DEGRADED ? 1 : 0;
            assertNull(sim.close(false));
        });
        assertTrue(degraded[0] > SEEDS / 2, "only " + degraded[0] + " runs lost the source");
    }
}
