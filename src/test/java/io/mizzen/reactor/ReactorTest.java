package io.mizzen.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.testsupport.HandReactors;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReactorTest {
    private final HandReactors hand = new HandReactors(2, 1);

    @Test
    void messagesRunOnceOnTheirTarget() {
        List<Reactor> ranOn = new ArrayList<>();
        assertTrue(hand.reactor(1).mthread().post(() -> ranOn.add(Reactor.current())));
        hand.tick(0);
        assertEquals(List.of(), ranOn);
        hand.tickAll(3);
        assertEquals(List.of(hand.reactor(1)), ranOn);
    }

    @Test
    void sendKeepsOrderWhenTheRingIsFull() {
        List<Integer> order = new ArrayList<>();
        int count = Mthread.RING_CAPACITY + 500;
        hand.on(0, () -> {
            for (int i = 0; i < count; i++) {
                int number = i;
                hand.reactor(1).mthread().send(() -> order.add(number));
            }
        });
        assertFalse(hand.reactor(1).mthread().post(() -> order.add(-1)));
        hand.runUntil(() -> order.size() == count);
        for (int i = 0; i < count; i++) {
            assertEquals(i, order.get(i));
        }
    }

    @Test
    void timersExpireInOrderOfDeadline() {
        Random random = new Random(7);
        List<Long> expired = new ArrayList<>();
        List<Timer> timers = new ArrayList<>();
        long start = hand.nowNs();
        hand.on(0, () -> {
            for (int i = 0; i < 500; i++) {
                Timer timer = new Timer() {
                    @Override
                    protected void onTimer(long nowNs) {
                        expired.add(deadlineNs);
                        assertTrue(nowNs >= deadlineNs);
                    }
                };
                timers.add(timer);
                hand.reactor(0).arm(timer, random.nextInt(1_000_000));
            }
            for (int i = 0; i < 500; i += 3) {
                hand.reactor(0).cancel(timers.get(i));
            }
        });
        int left = 500 - 167;
        while (expired.size() < left) {
            hand.advance(1_000);
            hand.tick(0);
            assertTrue(hand.nowNs() - start < 10_000_000, "expired " + expired.size());
        }
        for (int i = 1; i < expired.size(); i++) {
            assertTrue(expired.get(i - 1) <= expired.get(i));
        }
    }

    @Test
    void pollersRunEveryTurnOrEveryPeriodUntilRemoved() {
        int[] counts = new int[2];
        Poller[] every = new Poller[1];
        hand.on(0, () -> {
            every[0] = hand.reactor(0).mthread().addPoller("every", 0, now -> ++counts[0] % 2);
            hand.reactor(0).mthread().addPoller("period", 10_000, now -> {
                counts[1]++;
                return 0;
            });
        });
        for (int i = 0; i < 100; i++) {
            hand.tick(0);
        }
        assertEquals(100, counts[0]);
        assertEquals(10, counts[1], 1);
        assertEquals(50, every[0].busyCount());
        hand.on(0, () -> hand.reactor(0).mthread().removePoller(every[0]));
        hand.tick(0);
        hand.tick(0);
        assertEquals(100, counts[0]);
    }

    @Test
    void deferredWorkRunsLaterNotInsideTheCall() {
        List<String> order = new ArrayList<>();
        hand.on(0, () -> {
            hand.reactor(0).defer(new Deferred() {
                @Override
                protected void runDeferred() {
                    order.add("deferred");
                }
            });
            order.add("caller");
        });
        hand.tick(0);
        assertEquals(List.of("caller", "deferred"), order);
    }

    @Test
    void asMuchAsIsDeferredRunsInOrderOnceAndWhatItDefersInTheNextTurn() {
        int count = 10_000;
        List<Integer> order = new ArrayList<>();
        hand.on(0, () -> {
            for (int i = 0; i < count; i++) {
                deferCounted(i, count, order);
            }
        });
        hand.tick(0);
        assertEquals(IntStream.range(0, count).boxed().toList(), order);
        assertTrue(hand.reactor(0).hasWork());
        hand.tick(0);
        assertEquals(IntStream.range(0, 2 * count).boxed().toList(), order);
        hand.tick(0);
        assertEquals(2 * count, order.size());
    }

    private void deferCounted(int number, int again, List<Integer> order) {
        hand.reactor(0).defer(new Deferred() {
            @Override
            protected void runDeferred() {
                order.add(number);
                if (number < again) {
                    deferCounted(number + again, again, order);
                }
            }
        });
    }

    @Test
    void idleReactorSaysHowLongItMaySleep() {
        assertFalse(hand.reactor(0).hasWork());
        hand.on(0, () -> hand.reactor(0).arm(new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                // Only its deadline matters.
            }
        }, 5_000));
        assertEquals(5_000, hand.reactor(0).idleLimitNs());
        hand.reactor(0).mthread().post(() -> { });
        assertTrue(hand.reactor(0).hasWork());
    }
}
