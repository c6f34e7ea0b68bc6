package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.EngineProcess;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;

/**
 * A random sequence of what can happen to a volume: children fail, leave, come back, are slow; the engine is killed at any
 * moment, also in the midst of a command, and started again. The seed gives the choices; what they meet depends on time.
 */
final class Campaign {
    private static final Duration KILL_PERIOD = Duration.ofSeconds(50);
    private static final Duration AWAIT_MAX = Duration.ofSeconds(60);
    private static final int PAUSE_MAX_MS = 2_000;
    private static final int KILL_DELAY_MAX_MS = 60;
    private static final int WRITES_BETWEEN_KILLS = 20;

    private final EngineProcess engine;
    private final CampaignVolume volume;
    private final long seed;
    private final Random random;
    private final List<String> sequence = new ArrayList<>();
    private final long startNs = System.nanoTime();
    private int kills;

    /** Something that may happen now. */
    private record Step(String leg, Runnable action) { }

    Campaign(EngineProcess engine, CampaignVolume volume, long seed) {
        this.engine = engine;
        this.volume = volume;
        this.seed = seed;
        this.random = new Random(seed);
    }

    /** Goes on for so long. A kill comes in every {@link #KILL_PERIOD}, at a random moment of it. */
    void run(Duration duration) {
        long endNs = System.nanoTime() + duration.toNanos();
        long periodNs = System.nanoTime();
        long killAtNs = periodNs + random.nextLong(KILL_PERIOD.toNanos());
        while (System.nanoTime() < endNs) {
            if (System.nanoTime() < killAtNs) {
                choose(volume.view()).run();
            } else {
                killDuring(choose(volume.view()));
                periodNs += KILL_PERIOD.toNanos();
                killAtNs = Math.max(periodNs, System.nanoTime()) + random.nextLong(KILL_PERIOD.toNanos());
            }
            check();
            pause(random.nextInt(PAUSE_MAX_MS));
        }
    }

    /** One kind of step at random, then one of that kind. */
    private Runnable choose(JsonNode view) {
        List<Map.Entry<String, List<Step>>> kinds = List.copyOf(possible(view).entrySet());
        Map.Entry<String, List<Step>> kind = kinds.get(random.nextInt(kinds.size()));
        Step step = kind.getValue().get(random.nextInt(kind.getValue().size()));
        String text = kind.getKey() + " " + step.leg();
        return () -> {
            note(text);
            volume.clearFaults();       // Of two legs with errors to come one may be the last.
            step.action().run();
        };
    }

    private Map<String, List<Step>> possible(JsonNode view) {
        Map<String, List<Step>> steps = new LinkedHashMap<>();
        List<String> healthy = CampaignVolume.legs(view, CampaignVolume::isHealthy);
        if (healthy.size() > 1) {
            add(steps, "fault", healthy, volume::fault);
            add(steps, "fail-writes", healthy, leg -> volume.fail(leg, "WRITE", 1));
            add(steps, "fail-reads", healthy, leg -> volume.fail(leg, "READ", 2));
        }
        add(steps, "slow", CampaignVolume.legs(view, child -> !child.path("bdev").isNull()), leg -> volume.slow(leg, 20, 100));
        return steps;
    }

    private static void add(Map<String, List<Step>> steps, String kind, List<String> legs, Consumer<String> action) {
        for (String leg : legs) {
            steps.computeIfAbsent(kind, key -> new ArrayList<>()).add(new Step(leg, () -> action.accept(leg)));
        }
    }

    /** Kills the engine shortly after the step began, or in it; the step's outcome is then unknown, as for any user. */
    private void killDuring(Runnable step) {
        int delayMs = random.nextInt(KILL_DELAY_MAX_MS);
        Thread killer = Thread.ofPlatform().start(() -> {
            pause(delayMs);
            engine.signal("KILL");
        });
        try {
            step.run();
        } catch (UncheckedIOException | AssertionError cutOff) {
            note("  not answered");
        }
        engine.awaitExit(AWAIT_MAX);
        join(killer);
        kills++;
        note("kill " + kills + ", " + delayMs + " ms after the step began");
        engine.start();
        volume.await("published again", view -> !view.path("share").isNull());
        volume.awaitWrites(WRITES_BETWEEN_KILLS);
    }

    /** A volume never loses its last healthy child. */
    private void check() {
        JsonNode view = volume.view();
        note("  " + summary(view));
        assertThat(view.path("state").asString()).as("state of the nexus").isIn("ONLINE", "DEGRADED");
    }

    private static String summary(JsonNode view) {
        StringBuilder text = new StringBuilder(view.path("state").asString());
        CampaignVolume.children(view).forEach(child -> text.append(' ').append(child.path("uri").asString()
                .replaceAll("fault:///leg-(.).*", "$1")).append('=').append(child.path("state").asString())
                .append(child.path("faultReason").isNull() ? "" : "(" + child.path("faultReason").asString() + ")"));
        return text.toString();
    }

    int kills() {
        return kills;
    }

    /** What has happened, for who wants to understand a failure. */
    String story() {
        return "seed " + seed + "\n" + String.join("\n", sequence);
    }

    private void note(String what) {
        long ms = (System.nanoTime() - startNs) / 1_000_000;
        sequence.add("%7.1f s %s".formatted(ms / 1e3, what));
    }

    private static void pause(int ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
