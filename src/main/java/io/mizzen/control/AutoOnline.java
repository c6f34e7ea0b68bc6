package io.mizzen.control;

import io.mizzen.engine.Engine;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings back what was out because its device was gone, once the device is there again: pools, and children of nexuses, with
 * what they missed. Not what somebody took out by request, nor a child whose device failed and never went away: that is for
 * people to look at. How often, {@link ReturnPolicy} says. A thread of its own; it sleeps until an event comes, and looks
 * every second while something is out.
 */
final class AutoOnline implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AutoOnline.class);
    private static final String LVOL = "lvol:///";
    private static final long LOOK_MS = 1_000;
    private static final long SLOW_LOOK_MS = 5_000;
    private static final int QUICK_LOOKS = 60;
    private static final long EVENTS_NS = 60_000_000_000L;
    /** Nothing is wrong with the device: what went is still being closed, somebody else was quicker, or does not want it. */
    private static final Set<String> NOT_NOW = Set.of("bdev-removed", "child-out-by-request", "pool-device-present", "child-busy",
        "nexus-closing", "nexus-shut-down");
    /** The device was away, or nobody knows better. */
    private static final Set<String> GONE = Set.of("removed", "missing");
    /** What a device says that is going away; a broken one, too. */
    private static final Set<String> FAILED = Set.of("io-error", "no-space", "flush-error", "metadata-error", "rebuild-failed");
    /** A child that is out so shortly after its pool was opened anew failed on the device that went. */
    private static final long REOPENED_NS = 10_000_000_000L;

    private final Engine engine;
    private final EngineCalls calls;
    private final Restorer restorer;
    private final ReturnPolicy policy = new ReturnPolicy();
    /** By UUID the replicas of pools that were opened anew, and when: nobody may have seen that their bdevs were away. */
    private final Map<String, Long> reopenedReplicas = new HashMap<>();
    private final Thread thread = Thread.ofPlatform().name("auto-online").daemon().unstarted(this::run);
    private volatile boolean closed;

    AutoOnline(Engine engine, EngineCalls calls, Restorer restorer) {
        this.engine = engine;
        this.calls = calls;
        this.restorer = restorer;
    }

    void start() {
        thread.start();
    }

    private void run() {
        int quietLooks = 0;
        long seen = -1;
        while (!closed) {
            boolean out = true;
            try {
                long newest = engine.events(0, 1).newest();
                quietLooks = newest == seen ? quietLooks + 1 : 0;
                seen = newest;
                out = look(System.nanoTime());
            } catch (RuntimeException e) {
                unknown("what is out", e);
            }
            try {
                Thread.sleep(quietLooks < QUICK_LOOKS ? LOOK_MS : SLOW_LOOK_MS);
                if (!out) {
                    engine.awaitEvents(seen, 1, EVENTS_NS);
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** One that cannot be looked at, such as one whose device does not answer, does not keep the others out. */
    private void guarded(String what, Runnable look) {
        try {
            look.run();
        } catch (RuntimeException e) {
            unknown(what, e);
        }
    }

    private static void unknown(String what, RuntimeException cause) {
        if (!(cause instanceof OperationException failure)) {
            LOG.error("event=auto-online-unknown what=\"{}\"", what, cause);
        } else if (failure.kind() == ErrorKind.UNAVAILABLE) {      // For now: said at every look it would be nothing but noise.
            LOG.debug("event=auto-online-unknown what=\"{}\" code={} message=\"{}\"", what, failure.code(), failure.getMessage());
        } else {
            LOG.warn("event=auto-online-unknown what=\"{}\" code={} message=\"{}\"", what, failure.code(), failure.getMessage());
        }
    }

    /** Brings back what can be; whether anything is out. */
    boolean look(long nowNs) {
        Set<String> out = new HashSet<>();
        reopenedReplicas.values().removeIf(reopenedNs -> nowNs - reopenedNs > REOPENED_NS);
        for (PoolView pool : calls.await(engine.pools())) {
            if ("FAULTED".equals(pool.state())) {
                guarded("pool " + pool.name(), () -> look(pool, out, nowNs));
            }
        }
        for (NexusView nexus : calls.await(engine.nexuses())) {
            for (NexusView.ChildView child : nexus.children()) {
                if (!"SHUTDOWN".equals(nexus.state()) && child.uri() != null) {
                    guarded("child " + child.uri() + " of nexus " + nexus.name(), () -> look(nexus, child, out, nowNs));
                }
            }
        }
        policy.retain(out, nowNs);
        return !out.isEmpty();
    }

    private void look(PoolView pool, Set<String> out, long nowNs) {
        String key = "pool " + pool.uuid();
        out.add(key);
        if (!pool.disks().stream().allMatch(this::isThere)) {
            policy.onGone(key);
            return;
        }
        Subject subject = new Subject(key, ObjectKind.POOL, pool.uuid(), pool.name(), "pool " + pool.name(), null, null);
        attempt(subject, false, nowNs, () -> {
            try {
                calls.await(engine.reopenPool(pool.uuid()));
            } catch (OperationException e) {
                if (!isNotNow(e)) {
                    restorer.onPoolReopened(pool.uuid());
                }
                throw e;
            }
            restorer.onPoolReopened(pool.uuid());
            for (ReplicaView replica : calls.await(engine.replicas())) {
                if (pool.uuid().equals(replica.poolUuid())) {
                    reopenedReplicas.put(replica.uuid(), nowNs);
                }
            }
        });
    }

    private void look(NexusView nexus, NexusView.ChildView child, Set<String> out, long nowNs) {
        boolean last = "MISSING".equals(child.state());
        String reason = String.valueOf(child.faultReason());
        boolean gone = last || GONE.contains(reason);
        if (!last && !("FAULTED".equals(child.state()) && (gone || FAILED.contains(reason)))) {
            return;
        }
        String key = nexus.uuid() + " " + child.memberUuid();
        out.add(key);
        boolean there = isThere(child.uri());
        if (!there || wasReopened(child.uri())) {
            policy.onGone(key);
        }
        if (there && (gone || policy.wasGone(key))) {
            Subject subject = new Subject(key, ObjectKind.CHILD, null, child.uri(), "child " + child.uri() + " of nexus " + nexus.name(),
                nexus, child);
            attempt(subject, last, nowNs, () -> calls.await(engine.returnNexusChild(nexus.uuid(), child.uri())));
        }
    }

    /** What comes back, for events. */
    private record Subject(String key, ObjectKind type, String uuid, String name, String words, NexusView nexus,
                           NexusView.ChildView child) {
    }

    private void attempt(Subject subject, boolean urgent, long nowNs, Runnable comeBack) {
        switch (policy.ask(subject.key(), urgent, nowNs)) {
            case WAIT -> { }
            case GIVE_UP -> report(subject, "auto-online-suspended", subject.words() + " came back " + ReturnPolicy.ATTEMPTS_MAX
                + " times within an hour and is out again; look at its device, and bring it back by request", 0, null);
            case TRY -> {
                try {
                    comeBack.run();
                    report(subject, "auto-online", "the device of " + subject.words() + " is there again; it comes back",
                        policy.onAttempt(subject.key(), nowNs), null);
                } catch (OperationException e) {
                    onFailure(subject, e, nowNs);
                }
            }
        }
    }

    private void onFailure(Subject subject, OperationException failure, long nowNs) {
        if (failure.kind() == ErrorKind.NOT_FOUND) {
            policy.onGone(subject.key());
        } else if (!isNotNow(failure)) {
            report(subject, "auto-online-failed", subject.words() + " cannot come back: " + failure.getMessage(),
                policy.onAttempt(subject.key(), nowNs), failure.code());
        }
    }

    private static boolean isNotNow(OperationException failure) {
        return failure.kind() == ErrorKind.UNAVAILABLE || NOT_NOW.contains(failure.code());
    }

    private void report(Subject subject, String kind, String message, int attempt, String code) {
        NexusView nexus = subject.nexus();
        NexusView.ChildView child = subject.child();
        engine.report(subject.type(), subject.uuid(), subject.name(), kind, message, "attempt", attempt == 0 ? null : attempt, "code",
            code, "uri", child == null ? null : child.uri(), "memberUuid", child == null ? null : child.memberUuid(), "replicaUuid",
            child == null ? null : child.replicaUuid(), "nexus", nexus == null ? null : nexus.uuid(), "nexusName",
            nexus == null ? null : nexus.name());
    }

    /** Whether what the URI names may be there: not where its file or its replica is known not to be. */
    private boolean isThere(String uri) {
        try {
            if (uri.startsWith("uring:")) {
                Path path = Path.of(URI.create(uri).getPath());
                return Files.exists(path) && !(Files.isRegularFile(path) && Files.size(path) == 0);
            }
            if (uri.startsWith("pcie:///") || uri.startsWith("pci:///")) {
                return restorer.takeAgain(uri);
            }
            if (uri.startsWith(LVOL)) {
                calls.await(engine.bdev(uri.substring(LVOL.length())));
            }
            return true;
        } catch (IllegalArgumentException | NullPointerException | IOException unusual) {
            return true;            // The engine looks for it in its own way.
        } catch (OperationException e) {
            if (e.kind() == ErrorKind.NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    private boolean wasReopened(String uri) {
        return !reopenedReplicas.isEmpty() && uri.startsWith(LVOL)
            && reopenedReplicas.containsKey(calls.await(engine.bdev(uri.substring(LVOL.length()))).uuid());
    }

    /** No more attempts; one that runs is waited for only as long as the process lives. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
