package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.control.store.StateStore;
import io.mizzen.engine.Engine;
import io.mizzen.engine.EngineConfig;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.RateSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.testsupport.Patience;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files as disks of the engine on this machine's rings: they vanish, and come back. */
class AutoOnlineEngineTest {
    private static final String NEXUS = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String REPLICA = "11111111-1111-4111-8111-111111111111";
    private static final String IN_POOL = "lvol:///p0/r";
    private static final String LAST = "malloc:///a?size_mb=16";
    private static final long PATIENCE_NS = 180_000_000_000L;
    private static final LimitsSpec LIMITS = new LimitsSpec(null, null, new RateSpec(100_000, 0), null, null, null);

    @TempDir
    private Path directory;
    private Engine engine;
    private final EngineCalls calls = new EngineCalls(Duration.ofSeconds(120));

    private String uri(String disk, int megabytes) {
        return "uring://" + directory.resolve(disk) + "?name=" + disk + (megabytes == 0 ? "" : "&create=true&size_mb=" + megabytes);
    }

    /** The device loses its size, as one that is pulled out, and its name. */
    private void vanish(String disk) throws IOException {
        Path path = directory.resolve(disk);
        Files.copy(path, directory.resolve(disk + ".away"));
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(0);
        }
        Files.delete(path);
    }

    private void comeBack(String disk) throws IOException {
        Files.move(directory.resolve(disk + ".away"), directory.resolve(disk));
    }

    private static NexusView.ChildView child(NexusView nexus, String uri) {
        return nexus.children().stream().filter(child -> uri.equals(child.uri())).findFirst().orElseThrow();
    }

    private NexusView await(String what, Predicate<NexusView> condition) throws InterruptedException {
        long endNs = System.nanoTime() + PATIENCE_NS;
        while (true) {
            long seen = engine.events(0, 1).newest();
            NexusView view = calls.await(engine.nexus(NEXUS));
            if (condition.test(view)) {
                return view;
            }
            assertThat(System.nanoTime()).as(what + ": " + view + engine.events(0, 1000).events()).isLessThan(endNs);
            engine.awaitEvents(seen, 1, 100_000_000L);
        }
    }

    private List<EventView> events(String kind) {
        return engine.events(0, 10_000).events().stream().filter(event -> event.kind().equals(kind)).toList();
    }

    private NexusView create(String leg) {
        calls.await(engine.createPool(new PoolSpec("p0", null, List.of(uri("disk", 64)), 1 << 20, List.of(), false)));
        calls.await(engine.createReplica(new ReplicaSpec(REPLICA, "r", "p0", 16 << 20, true)));
        return calls.await(engine.createNexus(new NexusSpec(NEXUS, "vol", List.of(LAST, IN_POOL, leg), 0, null)));
    }

    @Test
    void poolsAndChildrenComeBackWithTheirDisksUnlessSomebodyWantsThemOut() throws Exception {
        engine = Engine.create(EngineConfig.defaults().withMemory(new EngineConfig.Memory(64L << 20, false, false))
            .withNvmf(new EngineConfig.Nvmf(List.of(), 0, "nqn.2026-11.io.mizzen", 16, 32, 128 << 10, 8192, 4)));
        engine.start();
        StateStore store = StateStore.open(directory.resolve("state"));
        DesiredState state = new DesiredState(store, Duration.ofSeconds(120));
        Restorer restorer = new Restorer(engine, calls, state);
        AutoOnline autoOnline = new AutoOnline(engine, calls, restorer);
        try (autoOnline; restorer; state) {
            restorer.start(store.load(), Duration.ofHours(1));
            autoOnline.start();
            String leg = uri("leg", 16);
            create(leg);
            new LimitsService(engine, calls, state).setReplica(REPLICA, LIMITS);
            await("equal children", view -> view.state().equals("ONLINE"));

            vanish("disk");
            vanish("leg");
            await("children to be out", view -> child(view, IN_POOL).state().equals("FAULTED") && child(view, leg).state().equals("FAULTED"));
            calls.await(engine.offlineNexusChild(NEXUS, leg));
            comeBack("leg");
            comeBack("disk");
            NexusView back = await("the replica to be back", view -> child(view, IN_POOL).healthy());
            assertThat(calls.await(engine.pool("p0")).state()).isEqualTo("ONLINE");
            assertThat(calls.await(engine.replicaLimits(REPLICA)).limits()).isEqualTo(LIMITS);
            assertThat(child(back, leg).state()).as("somebody took it out").isEqualTo("OFFLINE");
            assertThat(events("auto-online")).extracting(EventView::name).containsExactly("p0", IN_POOL);
            assertThat(events("rebuild-started").getLast().details()).containsEntry("kind", "PARTIAL");

            calls.await(engine.onlineNexusChild(NEXUS, leg));
            await("all to be healthy", view -> view.state().equals("ONLINE"));
            vanish("leg");
            await("the child to be out", view -> child(view, leg).state().equals("FAULTED"));
            comeBack("leg");
            await("all to be healthy again", view -> view.state().equals("ONLINE"));
            Patience.await(() -> events("auto-online").getLast().name().equals(leg), () -> events("auto-online").toString());
            assertThat(events("auto-online-failed")).isEmpty();
        } finally {
            assertThat(engine.stop(120_000_000_000L).clean()).isTrue();
        }
    }
}
