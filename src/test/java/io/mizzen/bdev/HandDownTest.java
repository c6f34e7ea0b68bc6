package io.mizzen.bdev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.testsupport.TestMemory;
import io.mizzen.util.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** I/O that a channel hands down as it is: what the lower bdev holds back or waits for holds for it too. */
class HandDownTest {
    private static final long SHIFT_BLOCKS = 100;

    private static final Completion<Void> IGNORED = (nothing, failure) -> assertEquals(null, failure);

    private final HandReactors hand = new HandReactors(1, 5);
    private final Mthread control = hand.reactor(0).mthread();
    private final TestMemory memory = TestMemory.install(hand.reactors());
    private final TestIo io = new TestIo(hand);
    private final BdevRegistry registry = new BdevRegistry();
    private final Slow lower = new Slow();
    private Upper upper;
    private Descriptor lowerDescriptor;
    private Descriptor upperDescriptor;
    private IoChannel channel;

    /** Keeps every I/O until the test ends it. */
    private static final class Slow extends Bdev {
        final List<BdevIo> kept = new ArrayList<>();

        Slow() {
            super("lower", UUID.randomUUID(), "slow", 512, 1000);
        }

        @Override
        public boolean supports(int ioType) {
            return ioType == IoType.READ || ioType == IoType.WRITE;
        }

        @Override
        protected IoChannel createChannel(Mthread mthread) {
            return new IoChannel(this, mthread) {
                @Override
                protected void doSubmit(BdevIo submitted) {
                    kept.add(submitted);
                }

                @Override
                protected boolean takesHandedDown() {
                    return true;
                }
            };
        }
    }

    /** Lies {@link #SHIFT_BLOCKS} further on; what it cannot hand down fails. */
    private static final class Upper extends Bdev {
        private final Descriptor base;

        Upper(Descriptor base) {
            super("upper", UUID.randomUUID(), "upper", 512, 900);
            this.base = base;
        }

        @Override
        public boolean supports(int ioType) {
            return true;
        }

        @Override
        protected IoChannel createChannel(Mthread mthread) {
            IoChannel below = base.openChannel(mthread);
            return new IoChannel(this, mthread) {
                private final Standing standing = standOn(below);

                @Override
                protected void doSubmit(BdevIo submitted) {
                    if (!handDown(submitted, standing, submitted.offsetBlocks + SHIFT_BLOCKS)) {
                        submitted.completeDeferred(Status.ABORTED_BY_REQUEST);
                    }
                }

                @Override
                protected void onClose() {
                    standNoMoreOn(standing);
                    below.close();
                }
            };
        }
    }

    @BeforeEach
    void stack() {
        registry.register(lower);
        lowerDescriptor = io.open(registry, lower, true);
        upper = new Upper(lowerDescriptor);
        registry.register(upper);
        upperDescriptor = io.open(registry, upper, true);
        channel = io.channel(upperDescriptor, 0);
    }

    @AfterEach
    void nothingIsLeft() {
        hand.on(0, channel::close);
        BdevIoPool pool = BdevContext.of(hand.reactor(0)).ioPool();
        assertEquals(1024, pool.freeCount());
        assertTrue(lower.channels().isEmpty());
        for (BdevIo record = pool.tryAcquire(0); record != null; record = pool.tryAcquire(0)) {
            assertNull(record.channel(), "of a channel that is closed");
            assertNull(record.completion, "of a channel that is closed");
        }
        assertTrue(memory.pools().small().freeCount() > 0);
    }

    private void end(int status) {
        hand.on(0, () -> lower.kept.removeFirst().complete(status));
    }

    @Test
    void theRecordGoesDownAndComesBackAsItWas() {
        BdevIo[] ended = new BdevIo[1];
        hand.on(0, () -> {
            BdevIo record = channel.tryAcquire();
            channel.submit(record.prepare(IoType.WRITE, 7, 3, memory.zeroes().address(), 0, done -> ended[0] = done));
            assertEquals(107, lower.kept.getFirst().offsetBlocks);
            assertEquals(1, channel.inFlight());
        });
        end(Status.SUCCESS);
        assertEquals(7, ended[0].offsetBlocks);
        assertEquals(channel, ended[0].channel());
        assertEquals(1, upper.stats().operations(IoType.WRITE));
        assertEquals(1, lower.stats().operations(IoType.WRITE));
        assertEquals(3 * 512, lower.stats().bytes(IoType.WRITE));
        assertEquals(0, channel.inFlight());
        hand.on(0, ended[0]::release);
    }

    @Test
    void errorsComeBackAndAreCountedInBoth() {
        TestIo.Outcome outcome = io.submit(channel, IoType.READ, 0, 1, memory.zeroes().address());
        end(Status.UNRECOVERED_READ_ERROR);
        assertEquals(Status.UNRECOVERED_READ_ERROR, outcome.status);
        assertEquals(1, upper.stats().errors(IoType.READ));
        assertEquals(1, lower.stats().errors(IoType.READ));
    }

    @Test
    void whatWasHandedDownCountsOnceInEachAlsoWhenTheUpperIsGone() {
        TestIo.Outcome outcome = io.submit(channel, IoType.READ, 0, 2, memory.zeroes().address());
        end(Status.SUCCESS);
        assertTrue(outcome.isDone());
        assertEquals(1, channel.stats().operations(IoType.READ));
        assertEquals(1, lower.channels().getFirst().stats().operations(IoType.READ));
        IoChannel other = io.channel(lowerDescriptor, 0);
        hand.on(0, channel::close);
        assertEquals(1, other.stats().operations(IoType.READ));
        for (Bdev bdev : List.of(upper, lower)) {
            assertEquals(1, bdev.stats().operations(IoType.READ), bdev.name());
            assertEquals(1024, bdev.stats().bytes(IoType.READ));
        }
        hand.on(0, other::close);
        assertEquals(1, lower.stats().operations(IoType.READ));
        channel = io.channel(upperDescriptor, 0);
        assertEquals(0, channel.stats().operations(IoType.READ));
    }

    @Test
    void withoutResourcesItWaitsAndGoesDownAgain() {
        TestIo.Outcome outcome = io.submit(channel, IoType.READ, 5, 1, memory.zeroes().address());
        end(Status.NO_RESOURCES);
        assertFalse(outcome.isDone());
        assertEquals(1, channel.waiting());
        hand.runUntil(() -> !lower.kept.isEmpty());
        assertEquals(105, lower.kept.getFirst().offsetBlocks);
        end(Status.SUCCESS);
        assertEquals(Status.SUCCESS, outcome.status);
        assertEquals(1, lower.stats().operations(IoType.READ));
    }

    @Test
    void aLockOfTheLowerRangeWaitsForWhatWasHandedDownThere() {
        TestIo.Outcome near = io.submit(channel, IoType.WRITE, 10, 2, memory.zeroes().address());
        TestIo.Outcome far = io.submit(channel, IoType.WRITE, 50, 2, memory.zeroes().address());
        RangeLock[] lock = new RangeLock[1];
        hand.on(0, () -> lower.lockRange(110, 1, false, control, (granted, failure) -> lock[0] = granted));
        hand.tickAll(20);
        assertEquals(null, lock[0]);
        end(Status.SUCCESS);
        hand.runUntil(() -> lock[0] != null);
        assertTrue(near.isDone());
        assertFalse(far.isDone());
        assertEquals(Status.ABORTED_BY_REQUEST, io.run(channel, IoType.WRITE, 10, 1, memory.zeroes().address()),
                "nothing is handed down past a lock");
        end(Status.SUCCESS);
        hand.on(0, () -> lower.unlockRange(lock[0], control, IGNORED));
        hand.tickAll(20);
        TestIo.Outcome after = io.submit(channel, IoType.WRITE, 10, 1, memory.zeroes().address());
        end(Status.SUCCESS);
        assertEquals(Status.SUCCESS, after.status);
    }

    @Test
    void aLockOfTheUpperRangeSeesWhereTheIoWas() {
        io.submit(channel, IoType.WRITE, 10, 2, memory.zeroes().address());
        RangeLock[] locks = new RangeLock[2];
        hand.on(0, () -> upper.lockRange(110, 2, false, control, (granted, failure) -> locks[0] = granted));
        hand.runUntil(() -> locks[0] != null);
        hand.on(0, () -> upper.lockRange(11, 1, false, control, (granted, failure) -> locks[1] = granted));
        hand.tickAll(20);
        assertEquals(null, locks[1]);
        end(Status.SUCCESS);
        hand.runUntil(() -> locks[1] != null);
        hand.on(0, () -> upper.unlockRange(locks[0], control, IGNORED));
        hand.on(0, () -> upper.unlockRange(locks[1], control, IGNORED));
        hand.tickAll(20);
    }

    @Test
    void aPauseOfEitherWaitsForIt() {
        for (Bdev bdev : List.of(lower, upper)) {
            io.submit(channel, IoType.READ, 1, 1, memory.zeroes().address());
            boolean[] paused = new boolean[1];
            hand.on(0, () -> bdev.pause(control, (nothing, failure) -> paused[0] = true));
            hand.tickAll(20);
            assertFalse(paused[0]);
            end(Status.SUCCESS);
            hand.runUntil(() -> paused[0]);
            boolean[] resumed = new boolean[1];
            hand.on(0, () -> bdev.resume(control, (nothing, failure) -> resumed[0] = true));
            hand.runUntil(() -> resumed[0]);
        }
    }

    @Test
    void whatTheLowerOneRefusesIsNotHandedDown() {
        hand.on(0, lower::notifyRemoved);
        assertEquals(Status.ABORTED_BY_REQUEST, io.run(channel, IoType.READ, 0, 1, memory.zeroes().address()));
        assertEquals(Status.ABORTED_BY_REQUEST, io.run(channel, IoType.UNMAP, 0, 1, 0));
        assertTrue(lower.kept.isEmpty());
    }
}
