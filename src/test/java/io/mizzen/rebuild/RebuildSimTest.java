package io.mizzen.rebuild;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.testsupport.Seeds;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Jobs under a host that writes, over many seeds; {@code -Dsim.seeds} runs more. */
class RebuildSimTest {
    private static final int SEEDS = Integer.getInteger("sim.seeds", 40);
    private static final RebuildKind[] WRITING = {RebuildKind.FULL, RebuildKind.PARTIAL, RebuildKind.RESYNC};

    private interface Run {
        void with(long seed, Random random);
    }

    private static void seeds(Run run) {
        Seeds.each(1, SEEDS, seed -> run.with(seed, new Random(seed)));
    }

    private static RebuildSettings settings(Random random) {
        return RebuildSettings.DEFAULTS.withSegments(1 + random.nextInt(12), (1 + random.nextInt(4)) << 17);
    }

    private static SegmentMap all(Random random) {
        SegmentMap map = new SegmentMap(RebuildRig.BLOCKS, 1L << 4 + random.nextInt(5));
        map.markAll();
        return map;
    }

    /** Disks with old content, all different; any of them may be thin. */
    private static RebuildRig rig(long seed, Random random) {
        boolean[] thin = new boolean[2 + random.nextInt(2)];
        for (int i = 0; i < thin.length; i++) {
            thin[i] = random.nextBoolean();
        }
        RebuildRig rig = new RebuildRig(seed, 1 + random.nextInt(3), thin);
        for (RigDisk disk : rig.disks) {
            for (int i = random.nextInt(40); i > 0; i--) {
                disk.fill(RebuildRig.DATA_OFFSET + random.nextLong(RebuildRig.BLOCKS - 99), 1 + random.nextInt(99),
                        (byte) random.nextInt());
            }
        }
        return rig;
    }

    @Test
    void legsAreEqualAfterAJobUnderWrites() {
        int[] writes = new int[1];
        seeds((seed, random) -> {
            RebuildRig rig = rig(seed, random);
            SegmentMap map = all(random);
            RebuildKind kind = WRITING[random.nextInt(WRITING.length)];
            RebuildJob job = rig.start(rig.spec(kind, map, settings(random)));
            rig.loadUntilEnd(random.nextInt(400), () -> { });
            rig.drain();
            assertEquals(RebuildState.COMPLETED, job.state());
            rig.checkLegs();
            rig.checkNothingHeld();
            assertEquals(0, map.remainingBlocks());
            assertEquals(RebuildRig.BLOCKS, job.progress().doneBlocks());
            assertNull(job.record().failure());
            writes[0] += rig.written;
        });
        assertTrue(writes[0] > 20 * SEEDS, "only " + writes[0] + " writes met the jobs");
    }

    /** The broken variants: the checker above has to see them. */
    @Test
    void aLockReleasedTooEarlyIsCaught() {
        int[] caught = new int[2];
        seeds((seed, random) -> {
            for (int variant = 0; variant < 2; variant++) {
                RebuildRig rig = new RebuildRig(seed, 2, false, false);
                RebuildSpec spec = rig.spec(RebuildKind.FULL, all(random), settings(random));
                rig.start(spec, variant == 0 ? rig.releasingEarly() : rig.grantingEarly());
                rig.loadUntilEnd(400, () -> { });
                rig.drain();
                caught[variant] += rig.firstDifference(1) >= 0 ? 1 : 0;
            }
        });
        assertTrue(caught[0] > 0, "a lock that is released before the copy is not caught");
        assertTrue(caught[1] > 0, "a source read before the lock is held is not caught");
    }

    @Test
    void pausedStoppedAndResumedAtAnyMomentNothingIsLeftOut() {
        int[] pauses = new int[1];
        int[] stops = new int[1];
        seeds((seed, random) -> {
            RebuildRig rig = rig(seed, random);
            SegmentMap map = all(random);
            RebuildKind kind = WRITING[random.nextInt(WRITING.length)];
            boolean completed = false;
            for (int life = 0; !completed; life++) {
                map.begin();
                RebuildJob job = rig.start(rig.spec(kind, map, settings(random)));
                boolean last = life == 4;
                rig.loadUntilEnd(200, () -> meddle(rig, job, random, last));
                completed = job.state() == RebuildState.COMPLETED;
                stops[0] += completed ? 0 : 1;
                assertTrue(!completed || map.remainingBlocks() == 0, "what is left is known");
            }
            rig.drain();
            rig.checkLegs();
            rig.checkNothingHeld();
            pauses[0] += rig.pauses;
        });
        assertTrue(pauses[0] > SEEDS / 2 && stops[0] > SEEDS / 2, pauses[0] + " pauses, " + stops[0] + " stops");
    }

    private static void meddle(RebuildRig rig, RebuildJob job, Random random, boolean last) {
        int dice = random.nextInt(1000);
        rig.hand.on(0, () -> {
            if (dice < 80) {
                job.pause();
            } else if (dice < 130) {
                job.resume();
            } else if (dice < 132 && !last) {
                job.stop();
            }
        });
    }

    @Test
    void anErrorOfALegEndsTheJobAndNamesIt() {
        seeds((seed, random) -> {
            RebuildRig rig = new RebuildRig(seed, 1 + random.nextInt(2), random.nextBoolean(), false, random.nextBoolean());
            rig.fillRandomly(rig.disks.get(0));
            int bad = random.nextInt(3);
            int after = random.nextInt(10);
            int[] seen = new int[1];
            int type = bad == 0 ? IoType.READ : random.nextInt(4) == 0 ? IoType.FLUSH : IoType.WRITE;
            rig.disks.get(bad).fault = io -> io.type == type && (seen[0]++ >= after || type == IoType.FLUSH)
                    ? Status.WRITE_FAULT : Status.SUCCESS;
            SegmentMap map = all(random);
            RebuildJob job = rig.start(rig.spec(RebuildKind.FULL, map, settings(random)));
            rig.await(job);
            assertEquals(RebuildState.FAILED, job.state());
            assertEquals(bad == 0, job.sourceFailed());
            assertEquals(bad - 1, job.failedDestination());
            assertEquals(Status.WRITE_FAULT, job.failureStatus());
            assertTrue(job.record().failure().contains("disk" + bad), job.record().failure());
            rig.checkNothingHeld();
            rig.disks.get(bad).fault = io -> Status.SUCCESS;
            assertTrue(type == IoType.FLUSH || map.remainingBlocks() > 0, "what was not copied is still marked");
            map.markAll();
            map.begin();
            RebuildJob next = rig.start(rig.spec(RebuildKind.FULL, map, settings(random)));
            rig.loadUntilEnd(100, () -> { });
            rig.drain();
            assertEquals(RebuildState.COMPLETED, next.state());
            rig.checkLegs();
        });
    }

    /** Holes of the source read as zeroes afterwards, whatever the destination held; a fresh thin one stays thin. */
    @Test
    void holesOfAThinSourceAreSkippedOrZeroed() {
        seeds((seed, random) -> {
            RebuildRig rig = new RebuildRig(seed, 2, true, true, true, false);
            RigDisk source = rig.disks.get(0);
            RigDisk stale = rig.disks.get(2);
            long data = RebuildRig.DATA_OFFSET + random.nextInt(1000);
            source.fill(data, 700, (byte) 7);
            stale.fill(RebuildRig.DATA_OFFSET + random.nextInt(3000), 900, (byte) 9);
            rig.disks.get(3).fill(RebuildRig.DATA_OFFSET, RebuildRig.BLOCKS, (byte) 5);
            RebuildJob job = rig.start(rig.spec(RebuildKind.FULL, all(random), settings(random)));
            rig.await(job);
            assertEquals(RebuildState.COMPLETED, job.state());
            rig.checkLegs();
            assertEquals(source.allocatedClusters(), rig.disks.get(1).allocatedClusters(), "the fresh one stays thin");
            assertTrue(job.progress().skippedBlocks() > 3000, () -> "skipped " + job.progress().skippedBlocks());
            assertTrue(source.bytesRead < 900 * RigDisk.BLOCK, () -> "read " + source.bytesRead);
        });
    }

    /** What is all zeroes on a thick source takes no space on a thin destination. */
    @Test
    void zeroesAreNotWrittenWhereNothingIs() {
        RebuildRig rig = new RebuildRig(3, 2, false, true);
        rig.disks.get(0).fill(RebuildRig.DATA_OFFSET + 2048, 256, (byte) 1);
        RebuildJob job = rig.start(rig.spec(RebuildKind.FULL, all(new Random(1)), RebuildSettings.DEFAULTS));
        rig.await(job);
        rig.checkLegs();
        assertTrue(rig.disks.get(1).allocatedClusters() <= 13, () -> "allocated " + rig.disks.get(1).allocatedClusters());
    }

    @Test
    void verifyFindsEveryDifferenceAndWritesNothing() {
        seeds((seed, random) -> {
            RebuildRig rig = new RebuildRig(seed, 2, random.nextBoolean(), false, random.nextBoolean());
            rig.fillRandomly(rig.disks.get(0));
            for (int i = 1; i < 3; i++) {
                System.arraycopy(rig.disks.get(0).data, 0, rig.disks.get(i).data, 0, rig.disks.get(0).data.length);
                rig.disks.get(i).fill(0, 1, (byte) 0);
            }
            rig.disks.get(2).fill(RebuildRig.DATA_OFFSET, RebuildRig.BLOCKS, (byte) 0);
            System.arraycopy(rig.disks.get(0).data, 0, rig.disks.get(2).data, 0, rig.disks.get(0).data.length);
            int wrong = random.nextInt(20);
            java.util.TreeSet<Long> blocks = new java.util.TreeSet<>();
            for (int i = 0; i < wrong; i++) {
                blocks.add(random.nextLong(RebuildRig.BLOCKS));
            }
            blocks.forEach(block -> rig.disks.get(2).data[(int) (RebuildRig.DATA_OFFSET + block) * RigDisk.BLOCK
                    + random.nextInt(RigDisk.BLOCK)] ^= 1);
            RebuildJob job = rig.start(rig.spec(RebuildKind.VERIFY, all(random), settings(random)));
            rig.await(job);
            assertEquals(RebuildState.COMPLETED, job.state());
            assertEquals(blocks.size(), job.progress().differentBlocks());
            java.util.TreeSet<Long> listed = new java.util.TreeSet<>();
            for (RebuildDifference difference : job.record().differences()) {
                assertEquals(1, difference.destination());
                for (long i = 0; i < difference.blockCount(); i++) {
                    assertTrue(listed.add(difference.offsetBlocks() + i));
                }
            }
            assertEquals(blocks, listed);
            rig.disks.forEach(disk -> assertEquals(0, disk.writes + disk.flushes, "nothing is written"));
            assertEquals(0, job.progress().writtenBlocks());
        });
    }

    @Test
    void verifyUnderWritesFindsNothingInAMirror() {
        seeds((seed, random) -> {
            RebuildRig rig = new RebuildRig(seed, 1 + random.nextInt(3), random.nextBoolean(), random.nextBoolean());
            RebuildJob job = rig.start(rig.spec(RebuildKind.VERIFY, all(random), settings(random)));
            rig.loadUntilEnd(300, () -> { });
            rig.drain();
            assertEquals(0, job.progress().differentBlocks());
            rig.checkNothingHeld();
        });
    }

    @Test
    void whatWasWrittenIsFlushedBeforeTheJobCompletes() {
        RebuildRig rig = new RebuildRig(1, 2, false, false, false);
        rig.fillRandomly(rig.disks.get(0));
        RebuildJob job = rig.start(rig.spec(RebuildKind.FULL, all(new Random(1)), RebuildSettings.DEFAULTS));
        rig.await(job);
        for (int i = 1; i < 3; i++) {
            assertEquals(1, rig.disks.get(i).flushes);
            assertEquals(0, rig.disks.get(i).unflushedWrites);
        }
    }

    @Test
    void resyncWritesOnlyWhatDiffers() {
        RebuildRig rig = new RebuildRig(1, 2, false, false);
        rig.fillRandomly(rig.disks.get(0));
        System.arraycopy(rig.disks.get(0).data, 0, rig.disks.get(1).data, 0, rig.disks.get(0).data.length);
        rig.disks.get(1).fill(RebuildRig.DATA_OFFSET + 1000, 3, (byte) -1);
        RebuildJob job = rig.start(rig.spec(RebuildKind.RESYNC, all(new Random(1)), RebuildSettings.DEFAULTS));
        rig.await(job);
        rig.checkLegs();
        assertEquals(1, rig.disks.get(1).writes);
        assertEquals(3, job.progress().differentBlocks());
    }

    @Test
    void aJobThatIsStoppedBeforeItsWorkerIsChosenEnds() {
        RebuildRig rig = new RebuildRig(1, 2, false, false);
        RebuildJob job = rig.start(rig.spec(RebuildKind.FULL, all(new Random(1)), RebuildSettings.DEFAULTS),
                RangeLocker.of(rig.mirror, rig.home()), new LeastBusyChooser(rig.home(), List.of(rig.home(),
                rig.hand.reactor(1).mthread())));
        rig.hand.on(0, job::stop);
        rig.await(job);
        assertEquals(RebuildState.STOPPED, job.state());
        rig.checkNothingHeld();
        assertFalse(rig.hand.call(0, job::pause));
        assertFalse(rig.hand.call(0, job::resume));
        assertNotNull(job.record());
    }
}
