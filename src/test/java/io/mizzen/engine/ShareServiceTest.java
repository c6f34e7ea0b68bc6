package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.NullBdev;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.ShareView;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Shares over a target that does what it is told, or refuses to let go of a bdev. */
class ShareServiceTest {
    private static final UUID N1 = UUID.fromString("aaaaaaaa-1111-4111-8111-111111111111");
    private static final ShareSpec ANY = new ShareSpec(List.of(ShareSpec.ANY_HOST));

    private final HandReactors reactors = new HandReactors(1, 1);
    private final Bdev bdev = new NullBdev("vol", N1, 512, 64);
    private OperationException detachRefusal;
    private boolean targetPaused;

    private ShareService service() {
        Mthread control = reactors.call(0, () -> reactors.reactor(0).createMthread("control"));
        PlaneContext plane = new PlaneContext(EngineConfig.defaults(), null, null, null, null, new Serializer(4),
                new EventRing(100, Clock.systemUTC(), 0), null, control, List.of(), List.of(), List.of());
        return new ShareService(plane, (TargetPort) Proxy.newProxyInstance(TargetPort.class.getClassLoader(),
                new Class<?>[] {TargetPort.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "pause" -> targetPaused = true;
                        case "resume" -> targetPaused = false;
                        case "listeners" -> {
                            return List.of();
                        }
                        default -> { }
                    }
                    if (arguments != null && arguments[arguments.length - 1] instanceof Completion<?> done) {
                        done.complete(null, method.getName().equals("detach") ? detachRefusal : null);
                    }
                    return null;
                }));
    }

    private static <T> Completion<T> succeeds() {
        return (value, failure) -> assertNull(failure);
    }

    private void shutDownInVain(ShareService shares, boolean detaches) {
        detachRefusal = detaches ? null : OperationException.precondition("namespace-not-detachable", "hosts use it");
        shares.detach(N1, (nothing, failure) -> assertEquals(detachRefusal, failure));
        if (detaches) {
            shares.attachUnclosed(N1, bdev, succeeds());
        }
    }

    /** Hosts go on where they did, and a pause made by hand goes on with its limit. */
    @Test
    void aShutdownThatIsRefusedChangesNoPause() {
        ShareService shares = service();
        reactors.on(0, () -> {
            shares.share(ObjectKind.NEXUS, bdev, ANY, succeeds());
            for (boolean detaches : new boolean[] {false, true}) {
                shutDownInVain(shares, detaches);
                assertFalse(targetPaused);
                assertFalse(shares.find(N1).paused());

                shares.pause(N1, 0, succeeds());
                shutDownInVain(shares, detaches);
                assertTrue(targetPaused);
                assertNull(shares.find(N1).pausedUntil());

                shares.pause(N1, 3_600_000, succeeds());
                shutDownInVain(shares, detaches);
                ShareView limited = shares.find(N1);
                assertTrue(targetPaused && limited.paused());
                assertTrue(limited.pausedUntil().toEpochMilli() > System.currentTimeMillis());
                shares.resume(N1, succeeds());
                assertFalse(targetPaused);
            }
        });
        reactors.on(0, () -> {
            shares.pause(N1, 50, succeeds());
            shutDownInVain(shares, false);
        });
        reactors.runUntil(() -> !targetPaused);
    }

    @Test
    void hostsGoOnAfterAnAssemblyWhateverWasBefore() {
        ShareService shares = service();
        reactors.on(0, () -> {
            shares.share(ObjectKind.NEXUS, bdev, ANY, succeeds());
            shares.pause(N1, 0, succeeds());
            shares.detach(N1, succeeds());
            assertTrue(targetPaused);
            shares.attach(N1, bdev, succeeds());
            assertFalse(targetPaused);
        });
    }
}
