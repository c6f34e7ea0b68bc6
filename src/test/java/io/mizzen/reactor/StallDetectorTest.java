package io.mizzen.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class StallDetectorTest {
    @Test
    void frozenReactorIsReportedOnceWithItsStackAndAgainWhenItMoves() throws Exception {
        Reactors reactors = new Reactors(List.of(0), Clock.SYSTEM, -1);
        reactors.launch(new CpuAffinity() {
            @Override
            public List<Integer> allowedCores() {
                return List.of(0);
            }

            @Override
            public void pinCurrentThread(int core) {
                // Stays where it is.
            }
        }, new Reactors.Setup() {
            @Override
            public void open(Reactor reactor) {
                reactor.install(new ParkIdleStrategy(Thread.currentThread()), null, null);
            }

            @Override
            public void close(Reactor reactor) {
                // Holds nothing.
            }
        }, (reactor, cause) -> { }, 60_000_000_000L);
        List<String> reports = new ArrayList<>();
        StallDetector detector = new StallDetector(reactors.all(), 1_000, 0, new StallDetector.Listener() {
            @Override
            public void onStall(Reactor reactor, long frozenNs, List<String> events, StackTraceElement[] stack) {
                reports.add("stall");
                assertTrue(events.getLast().contains("before-freeze 7 8"), events.toString());
                assertTrue(Arrays.toString(stack).contains("freezeHere"), Arrays.toString(stack));
            }

            @Override
            public void onRecovered(Reactor reactor, long frozenNs) {
                reports.add("recovered");
            }
        });
        CountDownLatch frozen = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        reactors.first().mthread().post(() -> {
            reactors.first().events().add(0, "before-freeze", 7, 8);
            freezeHere(frozen, release);
        });
        frozen.await();
        assertEquals(0, detector.check(10));
        assertEquals(1, detector.check(5_000));
        assertEquals(1, detector.check(9_000));
        release.countDown();
        long turns = reactors.first().stats().turns();
        while (reactors.first().stats().turns() == turns) {
            Thread.onSpinWait();
        }
        assertEquals(0, detector.check(20_000));
        assertEquals(List.of("stall", "recovered"), reports);
        assertEquals(1, reactors.first().stats().stalls());
        assertTrue(reactors.stop(60_000_000_000L));
    }

    private static void freezeHere(CountDownLatch frozen, CountDownLatch release) {
        frozen.countDown();
        try {
            release.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
