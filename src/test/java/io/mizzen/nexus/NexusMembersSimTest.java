package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.rebuild.RebuildRecord;
import io.mizzen.rebuild.RebuildState;
import io.mizzen.testsupport.Seeds;
import io.mizzen.util.Completion;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Children that come and go under load, by an operator, by errors, by devices that are pulled and plugged, and across
 * power failures; then everything heals, and the legs have to be equal. {@code -Dsim.seeds=N} as for
 * {@link NexusSimTest}.
 */
class NexusMembersSimTest {
    private static final long SIZE = 2 << 20;
    private static final int DATA_BLOCK = 8192;
    private static final int DISKS = 4;
    private static final long FIRST = Long.getLong("sim.first", 1);
    private static final int SEEDS = Integer.getInteger("sim.seeds", 10);

    /** What has happened, over all seeds: a test that meets nothing shows nothing. */
    private final TreeMap<String, Integer> met = new TreeMap<>();

    /** One machine under an operator. */
    private final class Run {
        final NexusSim sim;
        final Random random;
        int pending;

        Run(NexusSim sim, Random random) {
            this.sim = sim;
            this.random = random;
        }

        private Completion<Void> counted(String name) {
            pending++;
            return (value, failure) -> {
                pending--;
                met.merge(name + (failure == null ? "" : " " + failure.code()), 1, Integer::sum);
            };
        }

        void load(int turns, int operateOneIn) {
            for (int i = 0; i < turns && !sim.crashDue; i++) {
                if (random.nextInt(6) == 0) {
                    sim.randomIo();
                }
                if (random.nextInt(operateOneIn) == 0) {
                    operate();
                }
                int reactor = random.nextInt(sim.hand.reactors().all().size());
                if (random.nextInt(20) == 0 && sim.reopenChannel(reactor)) {
                    met.merge("reopened", 1, Integer::sum);
                }
                sim.hand.tickAny();
                if (random.nextInt(10) == 0) {
                    sim.hand.advance(random.nextInt(100_000));
                }
            }
        }

        private void operate() {
            int number = random.nextInt(DISKS);
            SimDisk disk = sim.disks.get(number);
            sim.hand.on(0, () -> {
                switch (random.nextInt(14)) {
                    case 0, 1 -> sim.nexus.addChild(disk, counted("add"));
                    case 2 -> sim.nexus.removeChild(disk.name(), counted("remove"));
                    case 3 -> sim.nexus.offlineChild(disk.name(), counted("offline"));
                    case 4, 5, 6 -> sim.nexus.onlineChild(disk, counted("online"));
                    case 7 -> sim.nexus.faultChild(disk.name(), counted("fault"));
                    case 8 -> disk.fault = readErrors();
                    case 9 -> {
                        if (random.nextBoolean()) {
                            disk.fault = writeErrors();
                        } else {
                            disk.faultAfter = writeErrors();
                        }
                    }
                    case 10 -> {
                        disk.fault = io -> Status.SUCCESS;
                        disk.faultAfter = io -> Status.SUCCESS;
                    }
                    case 11 -> sim.nexus.pauseRebuild(disk.name(), counted("pause"));
                    case 12 -> sim.nexus.resumeRebuild(disk.name(), counted("resume"));
                    default -> unplug(number);
                }
            });
        }

        private void unplug(int number) {
            SimDisk disk = sim.disks.get(number);
            if (random.nextInt(3) == 0 && !disk.isRemoved()) {
                disk.pull();
                met.merge("pull", 1, Integer::sum);
            } else if (disk.isRemoved() && !disk.isOpen()) {
                sim.replace(number);
                sim.nexus.onlineChild(sim.disks.get(number), counted("plug"));
            }
        }

        private SimDisk.Fault readErrors() {
            long bad = DATA_BLOCK + random.nextInt(64);
            boolean[] written = new boolean[1];
            return io -> {
                boolean hit = io.offsetBlocks <= bad && bad < io.offsetBlocks + io.blockCount;
                written[0] |= hit && io.type == IoType.WRITE;
                return hit && io.type == IoType.READ && !written[0] ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS;
            };
        }

        private SimDisk.Fault writeErrors() {
            int[] left = {1 + random.nextInt(3)};
            boolean metadata = random.nextInt(3) == 0;
            return io -> IoType.isWrite(io.type) && io.offsetBlocks < DATA_BLOCK == metadata && left[0]-- > 0
                    ? Status.WRITE_FAULT : Status.SUCCESS;
        }

        /** Nothing fails any more; everybody who can comes back. */
        void heal() {
            for (SimDisk disk : sim.disks) {
                disk.fault = io -> disk.isRemoved() ? Status.INTERNAL_ERROR : Status.SUCCESS;
                disk.faultAfter = io -> Status.SUCCESS;
            }
            sim.hand.runUntil(() -> pending == 0, 4_000_000);
            for (int i = 0; i < DISKS; i++) {
                SimDisk disk = sim.disks.get(i);
                if (disk.isRemoved()) {
                    sim.hand.runUntil(() -> !disk.isOpen(), 4_000_000);
                    sim.plugIn(i);
                }
            }
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < DISKS; i++) {
                    sim.online(i);
                }
            }
            for (ChildStatus child : sim.nexus.childStatuses()) {
                if (child.bdev() == null && child.health() == MemberState.FAULTED) {
                    // Power failed before the new member itself was told.
                    assertNull(sim.remove(child.memberUuid().toString()));
                } else {
                    sim.operate(done -> sim.nexus.resumeRebuild(child.bdev(), done));
                }
            }
            sim.drain();
            try {
                sim.hand.runUntil(() -> sim.nexus.rebuildStatuses().isEmpty()
                        && sim.nexus.state() == NexusState.ONLINE, 2_000_000);
            } catch (AssertionError e) {
                throw new AssertionError(sim.nexus.state() + ", suspect " + sim.nexus.suspectRegions() + ", "
                        + sim.nexus.rebuildStatuses() + ", " + sim.nexus.childStatuses(), e);
            }
            sim.awaitResync();
            sim.checkLegs();
            for (RebuildRecord record : sim.nexus.rebuildHistory()) {
                if (record.progress().state() == RebuildState.COMPLETED) {
                    met.merge(record.kind().name(), 1, Integer::sum);
                }
            }
            met.merge("repaired", (int) sim.nexus.repairedBlocks(), Integer::sum);
            met.merge("acknowledged", sim.acknowledged, Integer::sum);
        }
    }

    private interface OneSeed {
        void run(long seed, Random random);
    }

    private void seeds(OneSeed one) {
        Seeds.each(FIRST, SEEDS, seed -> one.run(seed, new Random(seed * 104_729)));
    }

    private void assertMet(String... names) {
        for (String name : names) {
            assertTrue(met.getOrDefault(name, 0) > 0, name + " was not met: " + met);
        }
    }

    @Test
    void nothingIsLostWhoeverComesAndGoes() {
        seeds((seed, random) -> {
            NexusSim sim = new NexusSim(seed, 1 + random.nextInt(3), DISKS, SIZE, NexusSim.media(DISKS),
                    random.nextBoolean(), new NexusSim.History(SIZE));
            assertNull(sim.open(parameters(random), firstDisks(2 + random.nextInt(2))));
            Run run = new Run(sim, random);
            run.load(6000, 120);
            run.heal();
            assertNull(sim.close(false));
            assertTrue(!sim.newestDurable().inUse());
        });
        assertMet("add", "remove", "offline", "online", "fault", "FULL", "PARTIAL", "pull", "plug", "repaired",
                "reopened", "acknowledged");
    }

    /** Power fails amid all that; the members of the newest generation are brought up, and nothing is lost. */
    @Test
    void nothingIsLostInACrashAmidChanges() {
        seeds((seed, random) -> {
            List<SimDisk.Media> media = NexusSim.media(DISKS);
            NexusSim.History history = new NexusSim.History(SIZE);
            boolean volatileCache = random.nextBoolean();
            int[] members = firstDisks(2);
            for (int life = 0; life < 4; life++) {
                NexusSim sim = new NexusSim(seed * 10 + life, 1 + random.nextInt(3), DISKS, SIZE, media, volatileCache,
                        history);
                assertNull(sim.open(parameters(random), members));
                Run run = new Run(sim, random);
                sim.crashOneIn = life == 3 ? 0 : 5 + random.nextInt(40);
                run.load(3000, 80);
                if (life == 3) {
                    run.heal();
                    assertNull(sim.close(false));
                } else {
                    sim.crash();
                    members = sim.memberDisks();
                }
            }
        });
        assertMet("add", "remove", "online", "FULL", "acknowledged");
    }

    private static NexusParameters parameters(Random random) {
        return NexusSim.parameters().withFreezeTimeoutNs(1_000_000L << random.nextInt(12));
    }

    private static int[] firstDisks(int count) {
        int[] numbers = new int[count];
        Arrays.setAll(numbers, i -> i);
        return numbers;
    }
}
