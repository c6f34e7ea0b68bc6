package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.lvs.SlowDecoder;
import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.VerifyingHost;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * The packaged engine, killed while a host writes to a mirror and an operator takes snapshots of it: nothing acknowledged is
 * lost, both legs' snapshots hold the same on the disks, and what a kill left alone is told. {@code -Dsnapshot.kills=N} says how
 * often, {@code -Dkill.seed=N} repeats a host's choices.
 */
class KilledSnapshotIT {
    private static final int KILLS = Integer.getInteger("snapshot.kills", 4);
    private static final int TAKEN_IN_A_LIFE = 3;
    private static final int KEPT = 3;
    private static final long MIB = 1 << 20;
    private static final long DATA_BYTES = 24 * MIB;
    /** Label V2: the volume's data begins here in each replica. */
    private static final long DATA_OFFSET_BYTES = 4 * MIB;
    private static final String NEXUS = "33333333-3333-4333-8333-3333333333c1";
    private static final String SNAPSHOTS = "/v1/nexuses/" + NEXUS + "/snapshots";

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    private Path directory;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger taken = new AtomicInteger();
    /** Numbers of those that were taken, and that nobody has begun to delete. */
    private final Set<Integer> acknowledged = new ConcurrentSkipListSet<>();
    private final AtomicReference<Throwable> wrong = new AtomicReference<>();
    private volatile boolean killing;

    @Test
    void snapshotsOfAMirrorAreEqualHoweverOftenTheEngineIsKilled() throws InterruptedException {
        long seed = Long.getLong("kill.seed", System.nanoTime() % 1_000_000);
        Random random = new Random(seed);
        try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.cores", "0,1").property("mizzen.rest.deadline", "110s")
                .property("mizzen.shutdown.deadline", "150s").start();
                VerifyingHost host = new VerifyingHost("nqn.2026-11.io.mizzen:" + NEXUS, DATA_BYTES, MIB, seed)) {
            setUp(engine.http());
            for (int kill = 1; kill <= KILLS; kill++) {
                try {
                    live(engine, host, random);
                    engine.start();
                    engine.await("the volume, its legs equal", Duration.ofMinutes(5), () -> isWhole(engine.http()));
                    lookAfterHalves(engine.http());
                } catch (AssertionError e) {
                    throw new AssertionError("kill " + kill + " of seed " + seed + ", in " + directory + ": " + e.getMessage(), e);
                }
            }
            host.connect(engine.nvmfPort());
            host.verify();
            host.close();
            Set<Integer> left = byNumber(engine.http()).keySet();
            assertThat(left).isNotEmpty();
            engine.stopCleanly();
            left.forEach(this::compare);
        }
    }

    private void setUp(EngineHttp http) {
        for (String pool : List.of("a", "b")) {
            http.post("/v1/pools", "{\"name\": \"" + pool + "\", \"clusterSizeBytes\": \"1MiB\", \"disks\": [\"uring://" + file(pool)
                    + "?create=true&size_mb=512\"]}").expect(201);
            http.post("/v1/replicas", "{\"name\": \"v\", \"pool\": \"" + pool + "\", \"thin\": true, \"sizeBytes\": " + (DATA_BYTES + 8 * MIB) + "}")
                    .expect(201);
        }
        http.put("/v1/nexuses/" + NEXUS, "{\"name\": \"v\", \"children\": [\"lvol:///a/v\", \"lvol:///b/v\"]}").expect(201);
        http.put("/v1/nexuses/" + NEXUS + "/publication", "{\"allowedHosts\": [\"any\"]}").expect(200);
        List<CompletableFuture<Integer>> asked = IntStream.range(0, 4).mapToObj(i -> CompletableFuture.supplyAsync(() -> ask(http, 0).status()))
                .toList();
        assertThat(asked.stream().map(CompletableFuture::join)).containsExactlyInAnyOrder(201, 200, 200, 200);
        acknowledged.add(0);
    }

    private static EngineHttp.Response ask(EngineHttp http, int number) {
        return http.post(SNAPSHOTS, Map.of("name", "s" + number, "transactionId", "s" + number, "atMostSeconds", 20));
    }

    private Path file(String pool) {
        return directory.resolve(pool + ".img");
    }

    /** Ends by a kill in the midst of it all. */
    private void live(EngineProcess engine, VerifyingHost host, Random random) throws InterruptedException {
        host.connect(engine.nvmfPort());
        host.verify();
        killing = false;
        int enough = taken.get() + TAKEN_IN_A_LIFE;
        Thread operator = Thread.ofPlatform().name("operator").start(() -> operate(engine.http()));
        while (taken.get() < enough && wrong.get() == null) {
            host.send(50);
        }
        host.send(random.nextInt(400));
        killing = true;
        engine.killHard();
        host.onKilled();
        operator.join();
        if (wrong.get() != null) {
            throw new AssertionError("operator: " + wrong.get().getMessage(), wrong.get());
        }
    }

    private static boolean isWhole(EngineHttp http) {
        if (!http.get("/v1/shares").text().contains(NEXUS)) {
            return false;
        }
        JsonNode nexus = http.get("/v1/nexuses/" + NEXUS).expect(200).json();
        return nexus.path("state").asString().equals("ONLINE") && !nexus.path("resyncing").asBoolean(true);
    }

    /** Takes snapshots and deletes old ones, until nobody answers. */
    private void operate(EngineHttp http) {
        try {
            while (true) {
                int number = next.incrementAndGet();
                EngineHttp.Response answer = ask(http, number).expect(201, 503);
                if (answer.status() == 201) {
                    assertThat(answer.json().path("snapshots").size()).isEqualTo(2);
                    acknowledged.add(number);
                    taken.incrementAndGet();
                } else {        // A slow disk may be too slow.
                    assertThat(answer.json().path("code").asString()).isIn("snapshot-too-late", "writes-not-drained");
                }
                Map<Integer, List<JsonNode>> there = byNumber(http);
                if (there.size() > KEPT) {
                    int oldest = there.keySet().iterator().next();
                    acknowledged.remove(oldest);
                    there.get(oldest).forEach(one -> http.delete("/v1/snapshots/" + one.path("uuid").asString()).expect(204));
                }
            }
        } catch (UncheckedIOException ended) {
            wrong.compareAndSet(null, killing ? null : ended);
        } catch (AssertionError | RuntimeException e) {
            wrong.set(e);
        }
    }

    /** The snapshots that are there, by what those of one moment have in common, oldest first. */
    private static Map<Integer, List<JsonNode>> byNumber(EngineHttp http) {
        Map<Integer, List<JsonNode>> found = new TreeMap<>();
        for (JsonNode snapshot : http.get("/v1/snapshots").expect(200).json()) {
            int number = Integer.parseInt(snapshot.path("transactionId").asString().substring(1));
            found.computeIfAbsent(number, n -> new ArrayList<>()).add(snapshot);
        }
        return found;
    }

    /**
     * What was acknowledged is whole. A kill may leave one leg's snapshot, of one that was being taken or deleted, or both of which
     * nobody knows that all had the moment: they do not count as those of the volume, and can be deleted.
     */
    private void lookAfterHalves(EngineHttp http) {
        Map<Integer, List<JsonNode>> found = byNumber(http);
        assertThat(found.keySet()).containsAll(acknowledged);
        found.forEach((number, halves) -> {
            boolean whole = halves.size() == 2 && halves.stream().allMatch(half -> half.path("oneMoment").asBoolean());
            EngineHttp.Response again = ask(http, number).expect(whole ? 200 : 409);
            if (!whole) {
                assertThat(again.json().path("code").asString()).isEqualTo("snapshot-incomplete");
                assertThat(acknowledged).doesNotContain(number);
                halves.forEach(half -> http.delete("/v1/snapshots/" + half.path("uuid").asString()).expect(204));
            }
        });
    }

    /** What the independent decoder finds on both disks. */
    private void compare(int number) {
        SlowDecoder a = KilledEngineIT.decode(file("a"));
        SlowDecoder b = KilledEngineIT.decode(file("b"));
        String name = "s" + number;
        assertThat(a.clean && b.clean).isTrue();
        for (int cluster = (int) (DATA_OFFSET_BYTES / MIB); cluster < (DATA_OFFSET_BYTES + DATA_BYTES) / MIB; cluster++) {
            boolean same = Arrays.equals(a.read(a.volumes.get(name), cluster), b.read(b.volumes.get(name), cluster));
            assertThat(same).as("cluster %s of %s is the same in both", cluster, name).isTrue();
        }
    }
}
