package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.reactor.Timer;
import java.util.List;
import java.util.UUID;

/** A bdev that is served over NVMe/TCP. Control reactor only. */
final class Share {
    final ObjectKind kind;
    final UUID uuid;
    Bdev bdev;
    final String nqn;
    List<String> allowedHosts;
    /** What is served is closed, and I/O held back until it is opened again. */
    boolean detached;
    /** Hosts' I/O is held back. */
    boolean paused;
    /** When a pause ends by itself, milliseconds since 1970; 0: never. */
    long pauseEndsMs;
    /** Ends the pause; null without a limit. */
    Timer pauseTimer;
    /** {@link #paused} and {@link #pauseEndsMs} when a shutdown began. */
    boolean pausedBefore;
    long pauseEndsBeforeMs;

    Share(ObjectKind kind, UUID uuid, Bdev bdev, String nqn, List<String> allowedHosts) {
        this.kind = kind;
        this.uuid = uuid;
        this.bdev = bdev;
        this.nqn = nqn;
        this.allowedHosts = List.copyOf(allowedHosts);
    }

    /** The key under which operations on the object take turns. */
    String key() {
        return (kind == ObjectKind.NEXUS ? "nexus " : "replica ") + uuid;
    }
}
