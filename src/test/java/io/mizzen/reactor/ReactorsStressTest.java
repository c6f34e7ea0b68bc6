package io.mizzen.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.testsupport.Patience;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Real threads, unpinned: messages between sleeping and spinning reactors are neither lost nor late for ever. */
class ReactorsStressTest {
    private final AtomicReference<Throwable> crash = new AtomicReference<>();

    private static CpuAffinity anyCore() {
        return new CpuAffinity() {
            @Override
            public List<Integer> allowedCores() {
                return List.of(0, 1);
            }

            @Override
            public void pinCurrentThread(int core) {
                // Stays where it is.
            }
        };
    }

    private Reactors launch(long spinNs) {
        Reactors reactors = new Reactors(List.of(0, 1), Clock.SYSTEM, spinNs);
        reactors.launch(anyCore(), new Reactors.Setup() {
            @Override
            public void open(Reactor reactor) {
                reactor.install(new ParkIdleStrategy(Thread.currentThread()), null, null);
            }

            @Override
            public void close(Reactor reactor) {
                assertSame(reactor, Reactor.current());
            }
        }, (reactor, cause) -> crash.set(cause), TimeUnit.SECONDS.toNanos(60));
        return reactors;
    }

    @Test
    void pingPongBetweenSleepingReactorsLosesNoWakeUp() throws Exception {
        Reactors reactors = launch(0);
        CountDownLatch done = new CountDownLatch(1);
        Mthread[] ends = {reactors.all().get(0).mthread(), reactors.all().get(1).mthread()};
        Message ball = new Message() {
            private int count;

            @Override
            public void run() {
                if (++count == 20_000) {
                    done.countDown();
                } else {
                    ends[count & 1].send(this, Reactor.current());
                }
            }
        };
        assertTrue(ends[0].post(ball));
        assertTrue(done.await(300, TimeUnit.SECONDS));
        assertTrue(reactors.stop(TimeUnit.SECONDS.toNanos(60)));
        assertNull(crash.get());
        assertEquals(ReactorState.SHUTDOWN, reactors.first().state());
    }

    @Test
    void anErrorInATurnReachesTheCrashHandler() throws Exception {
        Reactors reactors = launch(50_000);
        reactors.all().get(1).mthread().post(() -> {
            throw new AssertionError("on purpose");
        });
        Patience.await(() -> crash.get() != null, () -> "no crash is told");
        assertEquals("on purpose", crash.get().getMessage());
        assertTrue(reactors.stop(TimeUnit.SECONDS.toNanos(60)));
    }

    @Test
    void coreOutsideTheCpusetIsNamed() {
        Reactors reactors = new Reactors(List.of(0, 7), Clock.SYSTEM, 0);
        OperationException e = assertThrows(OperationException.class,
                () -> reactors.launch(anyCore(), null, null, 1_000_000_000L));
        assertEquals("core-not-available", e.code());
        assertTrue(e.getMessage().contains("core 7") && e.getMessage().contains("0-1"), e.getMessage());
    }
}
