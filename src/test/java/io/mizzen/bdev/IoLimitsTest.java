package io.mizzen.bdev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.testsupport.TestMemory;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IoLimitsTest {
    private static final long SECOND = 1_000_000_000L;

    private final HandReactors hand = new HandReactors(2, 5);
    private final TestMemory memory = TestMemory.install(hand.reactors());
    private final TestIo io = new TestIo(hand);
    private final BdevRegistry registry = new BdevRegistry();
    private final NullBdev disk = new NullBdev("n0", UUID.randomUUID(), 4096, 1 << 20);
    private final Descriptor descriptor = open(disk);
    private final IoChannel[] channels = {io.channel(descriptor, 0), io.channel(descriptor, 1)};

    private Descriptor open(Bdev bdev) {
        registry.register(bdev);
        return io.open(registry, bdev, true);
    }

    @AfterEach
    void nothingIsLostOrHeld() {
        for (int i = 0; i < 2; i++) {
            hand.on(i, channels[i]::close);         // Asserts that nothing waits.
            assertEquals(1024, BdevContext.of(hand.reactor(i)).ioPool().freeCount(), "I/O records of reactor " + i);
        }
        assertEquals(0, memory.pools().large().count() - memory.pools().large().freeCount());
    }

    /** Keeps a number of I/Os going on one channel until told to stop. */
    private final class Load implements IoCompletion {
        private final IoChannel channel;
        private final int type;
        private final long blocks;
        private int completed;
        private int inFlight;
        private boolean stopped;

        Load(int reactor, int type, long blocks, int depth) {
            this.channel = channels[reactor];
            this.type = type;
            this.blocks = blocks;
            hand.on(reactor, () -> {
                for (int i = 0; i < depth; i++) {
                    inFlight++;
                    channel.submit(channel.tryAcquire().prepare(type, 0, blocks, 4096, 0, this));
                }
            });
        }

        @Override
        public void onIoComplete(BdevIo done) {
            assertEquals(Status.SUCCESS, done.status());
            completed++;
            if (stopped) {
                inFlight--;
                done.release();
            } else {
                done.reuse();
                channel.submit(done.prepare(type, 0, blocks, 4096, 0, this));
            }
        }

        void stop() {
            stopped = true;
        }
    }

    private static IoLimit limit(long perSecond, long burst) {
        return new IoLimit(perSecond, burst);
    }

    private static IoLimits total(IoLimit operations, IoLimit bytes) {
        return new IoLimits(IoLimit.NONE, IoLimit.NONE, operations, IoLimit.NONE, IoLimit.NONE, bytes);
    }

    private static IoLimits operations(long perSecond, long burst) {
        return total(limit(perSecond, burst), IoLimit.NONE);
    }

    private void set(IoLimits limits) {
        boolean[] done = {false};
        hand.on(0, () -> disk.setLimits(limits, hand.reactor(0).mthread(), (value, failure) -> done[0] = true));
        hand.runUntil(() -> done[0]);
        assertEquals(limits, disk.limits());
    }

    private void runFor(long ns) {
        long endNs = hand.nowNs() + ns;
        hand.runUntil(() -> hand.nowNs() - endNs >= 0, 10_000_000);
    }

    private void end(Load... loads) {
        for (Load load : loads) {
            load.stop();
        }
        set(IoLimits.NONE);
        for (Load load : loads) {
            hand.runUntil(() -> load.inFlight == 0);
        }
    }

    @Test
    void twoReactorsTogetherGetTheRateAndEachItsShare() {
        set(operations(1000, 1));
        Load first = new Load(0, IoType.READ, 1, 32);
        Load second = new Load(1, IoType.WRITE, 1, 1);
        runFor(10 * SECOND);
        assertThat(first.completed + second.completed).isBetween(9_990, 10_003);
        assertThat(first.completed).isBetween(4_500, 5_500);
        end(first, second);
    }

    @Test
    void anIdleReactorHoldsNothingBack() {
        set(operations(5000, 0));
        Load only = new Load(1, IoType.READ, 1, 16);
        runFor(4 * SECOND);
        assertThat(only.completed).isBetween(19_980, 20_000 + 100);
        end(only);
    }

    @Test
    void aBurstPassesAtOnceAndNoMoreThanThatAfterARest() {
        set(operations(100, 50));
        for (int round = 0; round < 2; round++) {
            List<TestIo.Outcome> outcomes = submitReads(0, 60);
            hand.tickAll(20);
            assertEquals(50, done(outcomes));
            runFor(SECOND / 10);
            assertThat(done(outcomes)).isBetween(59, 60);
            runFor(3 * SECOND);
            assertEquals(60, done(outcomes));
        }
        assertEquals(20, disk.stats().delayed());
        assertThat(disk.stats().delayedNs()).isBetween(20 * SECOND / 100, 20 * SECOND / 10);
    }

    private List<TestIo.Outcome> submitReads(int reactor, int count) {
        List<TestIo.Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            outcomes.add(io.submit(channels[reactor], IoType.READ, i, 1, 4096));
        }
        return outcomes;
    }

    private static int done(List<TestIo.Outcome> outcomes) {
        return (int) outcomes.stream().filter(TestIo.Outcome::isDone).count();
    }

    @Test
    void bytesAreLimitedAndAnIoLargerThanTheBucketPasses() {
        set(total(IoLimit.NONE, limit(1 << 20, 4096)));
        Load large = new Load(0, IoType.WRITE, 32, 4);          // 128 KiB each: eight a second.
        runFor(10 * SECOND);
        assertThat(large.completed).isBetween(80, 81);
        end(large);
    }

    @Test
    void everyLimitCounts() {
        IoLimits limits = new IoLimits(limit(1000, 1), limit(500, 1), IoLimit.NONE, limit(1 << 20, 1), IoLimit.NONE,
                IoLimit.NONE);
        set(limits);
        Load reads = new Load(0, IoType.READ, 1, 4);            // 4 KiB: 256 a second by bytes, before 1000.
        Load writes = new Load(1, IoType.WRITE, 1, 4);
        runFor(4 * SECOND);
        assertThat(reads.completed).isBetween(1_020, 1_026);
        assertThat(writes.completed).isBetween(1_995, 2_003);
        end(reads, writes);
    }

    @Test
    void readsDoNotWaitBehindLimitedWrites() {
        set(new IoLimits(IoLimit.NONE, limit(1, 1), IoLimit.NONE, IoLimit.NONE, IoLimit.NONE, IoLimit.NONE));
        Load writes = new Load(0, IoType.WRITE, 1, 4);
        assertEquals(Status.SUCCESS, io.run(channels[0], IoType.READ, 0, 1, 4096));
        assertThat(writes.completed).isLessThanOrEqualTo(1);
        end(writes);
    }

    @Test
    void flushAndResetPassWhileOthersWait() {
        set(operations(1, 1));
        List<TestIo.Outcome> held = submitReads(0, 5);
        assertEquals(Status.SUCCESS, io.flush(channels[0]));
        assertEquals(Status.SUCCESS, io.run(channels[0], IoType.RESET, 0, 0, 0));
        assertEquals(1, done(held));
        set(IoLimits.NONE);
        hand.runUntil(() -> done(held) == 5);
    }

    @Test
    void unmapIsOneOperationWithoutBytesAndRefusedIoCostsNothing() {
        set(total(IoLimit.NONE, limit(4096, 4096)));
        assertEquals(Status.SUCCESS, io.run(channels[0], IoType.UNMAP, 0, 1 << 20, 0));
        long beforeNs = hand.nowNs();
        for (int i = 0; i < 10; i++) {
            assertEquals(Status.LBA_OUT_OF_RANGE | Status.DNR, io.run(channels[0], IoType.WRITE, 0, Long.MAX_VALUE, 1));
        }
        assertEquals(Status.SUCCESS, io.run(channels[0], IoType.WRITE, 0, 1, 4096));
        assertThat(hand.nowNs() - beforeNs).isLessThan(SECOND / 100);
    }

    @Test
    void orderWithinAChannelIsKept() {
        set(operations(1000, 1));
        List<Integer> order = new ArrayList<>();
        hand.on(0, () -> {
            for (int i = 0; i < 100; i++) {
                int number = i;
                channels[0].submit(channels[0].tryAcquire().prepare(i % 3 == 0 ? IoType.WRITE : IoType.READ, i, 1, 4096,
                        0, done -> {
                            order.add(number);
                            done.release();
                        }));
            }
        });
        hand.runUntil(() -> order.size() == 50, 10_000_000);
        set(operations(2000, 1));
        hand.runUntil(() -> order.size() == 70, 10_000_000);
        set(IoLimits.NONE);
        hand.runUntil(() -> order.size() == 100);
        assertThat(order).isSorted();
    }

    @Test
    void aChangeCountsAtOnceAndGrantsNoSecondBurst() {
        set(operations(1, 100));
        Load load = new Load(0, IoType.READ, 1, 8);
        runFor(SECOND / 10);
        assertEquals(100, load.completed);
        set(operations(1000, 100));
        hand.tickAll(20);
        assertEquals(100, load.completed);
        runFor(SECOND);
        assertThat(load.completed).isBetween(1_095, 1_105);
        set(operations(10, 1));
        int before = load.completed;
        runFor(SECOND);
        assertThat(load.completed - before).isBetween(9, 11);
        end(load);
    }

    @Test
    void removalReleasesEverythingOnEveryReactor() {
        set(operations(1, 1));
        List<TestIo.Outcome> outcomes = submitReads(0, 300);
        outcomes.addAll(submitReads(1, 300));
        hand.tickAll(20);
        assertThat(done(outcomes)).isLessThanOrEqualTo(1);
        assertEquals(599, channels[0].waitingForLimit() + channels[1].waitingForLimit());
        long beforeNs = hand.nowNs();
        set(IoLimits.NONE);
        hand.runUntil(() -> done(outcomes) == 600);
        assertThat(hand.nowNs() - beforeNs).isLessThan(SECOND / 100);
    }

    @Test
    void aPauseDoesNotWaitForLimitedIoAndLetsNoneGo() {
        set(operations(100, 1));
        List<TestIo.Outcome> outcomes = submitReads(1, 10);
        boolean[] paused = {false};
        hand.on(0, () -> disk.pause(hand.reactor(0).mthread(), (value, failure) -> paused[0] = true));
        hand.tickAll(50);
        assertTrue(paused[0]);
        int before = done(outcomes);
        runFor(SECOND);
        assertEquals(before, done(outcomes));
        hand.on(0, () -> disk.resume(hand.reactor(0).mthread(), (value, failure) -> { }));
        hand.runUntil(() -> done(outcomes) == 10, 10_000_000);
    }

    @Test
    void limitsRemovedDuringAPauseLetNothingGoBeforeItsEnd() {
        set(operations(1, 1));
        List<TestIo.Outcome> outcomes = submitReads(1, 10);
        hand.tickAll(20);
        hand.on(0, () -> disk.pause(hand.reactor(0).mthread(), (value, failure) -> { }));
        hand.tickAll(50);
        set(IoLimits.NONE);
        hand.tickAll(50);
        assertEquals(1, done(outcomes));
        hand.on(0, () -> disk.resume(hand.reactor(0).mthread(), (value, failure) -> { }));
        hand.runUntil(() -> done(outcomes) == 10);
    }

    @Test
    void aRangeLockIsNotDelayedByLimitedIoAndChargesNothingTwice() {
        set(operations(10, 2));
        RangeLock[] lock = {null};
        hand.on(0, () -> disk.lockRange(0, 8, true, hand.reactor(0).mthread(), (value, failure) -> lock[0] = value));
        hand.tickAll(50);
        List<TestIo.Outcome> outcomes = submitReads(1, 4);
        runFor(SECOND);
        assertEquals(0, done(outcomes));
        hand.on(0, () -> disk.unlockRange(lock[0], hand.reactor(0).mthread(), (value, failure) -> { }));
        hand.tickAll(50);
        assertEquals(2, done(outcomes));
        runFor(SECOND / 4);
        assertEquals(4, done(outcomes));
    }

    @Test
    void ioThatTheDriverSentBackIsNotChargedAgain() {
        FaultBdev fault = hand.call(0, () -> FaultBdev.open("f0", UUID.randomUUID(), registerNull("n1"), registry));
        registry.register(fault);
        fault.putRule(new FaultRule("none-left", IoType.READ, FaultRule.Stage.SUBMIT, FaultRule.Kind.ERROR,
                Status.NO_RESOURCES, 0, 0, Long.MAX_VALUE, 5));
        Descriptor d = io.open(registry, fault, true);
        IoChannel channel = io.channel(d, 1);
        hand.on(0, () -> fault.setLimits(operations(1, 2), hand.reactor(0).mthread(), (value, failure) -> { }));
        hand.tickAll(20);
        long beforeNs = hand.nowNs();
        assertEquals(Status.SUCCESS, io.run(channel, IoType.READ, 0, 1, 4096));
        assertEquals(Status.SUCCESS, io.run(channel, IoType.READ, 0, 1, 4096));
        assertThat(hand.nowNs() - beforeNs).isLessThan(SECOND / 2);
        hand.on(1, channel::close);
        hand.on(0, d::close);
    }

    private Bdev registerNull(String name) {
        Bdev bdev = new NullBdev(name, UUID.randomUUID(), 4096, 64);
        registry.register(bdev);
        return bdev;
    }

    @Test
    void abortedIoEndsAndTheRestGoesOn() {
        set(operations(1, 1));
        List<TestIo.Outcome> outcomes = submitReads(0, 10);
        hand.on(0, () -> channels[0].abortWaiting(waiting -> waiting.offsetBlocks % 2 == 1, Status.ABORTED_SQ_DELETION));
        hand.tickAll(10);
        assertEquals(6, done(outcomes));
        assertEquals(Status.ABORTED_SQ_DELETION, outcomes.get(9).status);
        assertFalse(outcomes.get(8).isDone());
        hand.on(0, channels[0]::releaseLimited);
        hand.tickAll(10);
        assertEquals(10, done(outcomes));
        TestIo.Outcome later = io.submit(channels[1], IoType.READ, 0, 1, 4096);
        runFor(4 * SECOND);
        assertFalse(later.isDone(), "what was let go is paid for by what comes later");
        runFor(2 * SECOND);
        assertTrue(later.isDone());
    }

    @Test
    void aChannelOpenedLaterIsLimitedToo() {
        set(operations(10, 1));
        Load load = new Load(0, IoType.READ, 1, 4);
        hand.on(1, channels[1]::close);
        hand.tickAll(10);
        channels[1] = io.channel(descriptor, 1);
        Load late = new Load(1, IoType.READ, 1, 4);
        runFor(10 * SECOND);
        assertThat(load.completed + late.completed).isBetween(98, 102);
        end(load, late);
    }

    @Test
    void valuesThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> limit(-1, 0)).isInstanceOf(OperationException.class).hasMessageContaining("-1");
        assertThatThrownBy(() -> limit(IoLimit.MAX + 1, 0)).isInstanceOf(OperationException.class);
        assertThatThrownBy(() -> limit(0, 5)).isInstanceOf(OperationException.class).hasMessageContaining("needs a limit");
        assertThatThrownBy(() -> limit(5, -5)).isInstanceOf(OperationException.class);
    }
}
