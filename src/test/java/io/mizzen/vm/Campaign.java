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
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntSupplier;
import java.util.function.ToIntFunction;
import tools.jackson.databind.JsonNode;

/**
 * A random sequence of what can happen to a volume: children fail, leave, come back, are slow; the engine is killed at any
 * moment, also in the midst of a command, and started again. The seed gives the choices; what they meet depends on time.
 */
final class Campaign {
    private static final Duration KILL_PERIOD = Duration.ofSeconds(25);
    private static final Duration AWAIT_MAX = Duration.ofMinutes(5);
    private static final int PAUSE_MAX_MS = 2_000;
    private static final int KILL_DELAY_MAX_MS = 60;
    private static final int WRITES_BETWEEN_KILLS = 20;
    static final int TIMES_MAX = 3;

    private final EngineProcess engine;
    private final CampaignVolume volume;
    private final long seed;
    private final Random random;
    private final List<String> sequence = new ArrayList<>();
    private final long startNs = System.nanoTime();
    private final Set<String> done = new TreeSet<>();
    private int kills;

    /** Something that may happen now. */
    private record Step(String leg, IntSupplier action) { }

    Campaign(EngineProcess engine, CampaignVolume volume, long seed) {
        this.engine = engine;
        this.volume = volume;
        this.seed = seed;
        this.random = new Random(seed);
    }

    /**
     * Goes on for so long, and on a slow machine until it has come to all that it is for, for up to three times as long. A kill
     * comes in every {@link #KILL_PERIOD}, at a random moment of it.
     */
    void run(Duration duration, int killsMin, Set<String> kinds) {
        long beganNs = System.nanoTime();
        long periodNs = beganNs;
        long killAtNs = periodNs + random.nextLong(KILL_PERIOD.toNanos());
        for (long tookNs = 0; tookNs < duration.toNanos() || tookNs < TIMES_MAX * duration.toNanos()
                && (kills < killsMin || !done.containsAll(kinds)); tookNs = System.nanoTime() - beganNs) {
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
        return () -> {
            volume.clearFaults();       // Of two legs with errors to come one may be the last.
            take(kind.getKey(), step);
        };
    }

    private void take(String kind, Step step) {
        note(kind + " " + step.leg());
        int status = step.action().getAsInt();
        if (status >= 400) {
            note("  refused: " + status);
        } else {
            done.add(kind.split(" ")[0]);
        }
    }

    /** What makes sense now; ways back weigh more than ways out. */
    private Map<String, List<Step>> possible(JsonNode view) {
        Map<String, List<Step>> steps = new LinkedHashMap<>();
        List<String> members = CampaignVolume.legs(view, child -> true);
        List<String> healthy = CampaignVolume.legs(view, CampaignVolume::isHealthy);
        List<String> coming = CampaignVolume.legs(view, CampaignVolume::isComing);
        List<String> out = members.stream().filter(leg -> !healthy.contains(leg) && !coming.contains(leg)).toList();
        List<String> others = CampaignVolume.LEGS.stream().filter(leg -> !members.contains(leg)).toList();
        if (healthy.size() > 1) {
            add(steps, "fault", healthy, volume::fault);
            add(steps, "offline", healthy, volume::offline);
            add(steps, "fail-writes", healthy, leg -> volume.fail(leg, "WRITE", 1));
            add(steps, "fail-reads", healthy, leg -> volume.fail(leg, "READ", 2));
            add(steps, "verify", healthy.subList(1, healthy.size()), volume::verify);
            add(steps, "remove", members, volume::remove);
        }
        for (String weight : List.of("", " again", " at last")) {
            add(steps, "online" + weight, out, volume::online);
            add(steps, "add" + weight, members.size() < CampaignVolume.CHILDREN ? others : List.of(), volume::add);
            add(steps, "await" + weight, coming, this::awaitRebuild);
        }
        add(steps, "fail-writes-of-new", coming, leg -> volume.fail(leg, "WRITE", 1));
        for (String order : List.of("pause", "resume", "stop", "start")) {
            add(steps, order, coming, leg -> volume.rebuild(leg, order));
        }
        add(steps, "limit", List.of("0", "4", "16"), mib -> volume.limitRebuilds(Integer.parseInt(mib)));
        add(steps, "slow", members, leg -> volume.slow(leg, 20, 100));
        return steps;
    }

    private static void add(Map<String, List<Step>> steps, String kind, List<String> legs, ToIntFunction<String> action) {
        for (String leg : legs) {
            steps.computeIfAbsent(kind, key -> new ArrayList<>()).add(new Step(leg, () -> action.applyAsInt(leg)));
        }
    }

    /** Waits until the child is healthy, or out again. */
    private int awaitRebuild(String leg) {
        volume.rebuild(leg, "resume");
        volume.rebuild(leg, "start");
        volume.await("end of the rebuild of " + leg, view -> !CampaignVolume.legs(view, CampaignVolume::isComing).contains(leg));
        return 200;
    }

    /** Brings three children to health, and compares them. */
    void heal() {
        note("heal");
        volume.clearFaults();
        volume.limitRebuilds(0);
        for (JsonNode view = volume.view(); !isWhole(view); view = volume.view()) {
            List<String> members = CampaignVolume.legs(view, child -> true);
            for (String leg : CampaignVolume.legs(view, child -> !CampaignVolume.isHealthy(child))) {
                volume.online(leg);
                awaitRebuild(leg);
            }
            if (members.size() < CampaignVolume.CHILDREN) {
                volume.add(CampaignVolume.LEGS.stream().filter(leg -> !members.contains(leg)).findFirst().orElseThrow());
            }
            note("  " + summary(volume.view()));
        }
        note("verify");
        for (String leg : CampaignVolume.legs(volume.view(), child -> true).subList(1, CampaignVolume.CHILDREN)) {
            volume.verify(leg);
            volume.await("end of the verification of " + leg, view -> CampaignVolume.children(view)
                    .allMatch(child -> child.path("rebuild").isNull()));
        }
        assertThat(volume.differentBytes()).as("bytes that differ between children").isZero();
    }

    private static boolean isWhole(JsonNode view) {
        return view.path("state").asString().equals("ONLINE") && CampaignVolume.legs(view, CampaignVolume::isHealthy).size()
                == CampaignVolume.CHILDREN;
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

    /** The kinds of steps that the engine has carried out. */
    Set<String> done() {
        return done;
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
