package io.mizzen.engine;

import io.mizzen.engine.model.EventView;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * The thread that takes new events from the ring to the log, one line each, and wakes who waits for them. Reactors only
 * put into the ring and, where this thread sleeps, wake it: a log may block, and so may a crowd of readers.
 */
final class EventFeed {
    private static final int BATCH = 64;

    private final EventRing ring;
    private final System.Logger log;
    private final Object signal = new Object();
    private final Thread thread = Thread.ofPlatform().name("engine-events").daemon(true).unstarted(this::run);
    private long logged; // Only one thread at a time logs.
    private volatile boolean ending;

    EventFeed(EventRing ring, System.Logger log) {
        this.ring = ring;
        this.log = log;
    }

    void start() {
        ring.onAdded(() -> LockSupport.unpark(thread));
        thread.start();
    }

    private void run() {
        while (!ending) {
            drain();
            if (ring.newest() <= logged) {
                LockSupport.park(this);
            }
        }
    }

    private synchronized void drain() {
        boolean any = false;
        for (List<EventView> some; !(some = ring.after(logged, BATCH)).isEmpty(); logged = some.getLast().sequence()) {
            some.forEach(event -> log.log(level(event), line(event)));
            any = true;
        }
        if (any) {
            synchronized (signal) {
                signal.notifyAll();
            }
        }
    }

    /**
     * Waits until there is an event above {@code afterSequence}, the time is over, or the feed ends. Any thread but a
     * reactor's.
     */
    void await(long afterSequence, long timeoutNs) throws InterruptedException {
        long endNs = System.nanoTime() + timeoutNs;
        synchronized (signal) {
            for (long leftNs; ring.newest() <= afterSequence && !ending && (leftNs = endNs - System.nanoTime()) > 0; ) {
                signal.wait(leftNs / 1_000_000, (int) (leftNs % 1_000_000));
            }
        }
    }

    /** Writes what is left. */
    void end() {
        ending = true;
        LockSupport.unpark(thread);
        synchronized (signal) {
            signal.notifyAll();
        }
        drain();
    }

    private static System.Logger.Level level(EventView event) {
        return switch (event.severity()) {
            case INFO -> System.Logger.Level.INFO;
            case WARNING -> System.Logger.Level.WARNING;
            case ERROR -> System.Logger.Level.ERROR;
        };
    }

    /** {@code event=child-faulted seq=7 type=nexus uuid=... name=... reason=... message="..."} */
    static String line(EventView event) {
        StringBuilder line = new StringBuilder("event=").append(event.kind()).append(" seq=").append(event.sequence())
                .append(" type=").append(event.objectType().name().toLowerCase(java.util.Locale.ROOT));
        if (event.uuid() != null) {
            line.append(" uuid=").append(event.uuid());
        }
        line.append(" name=").append(quoted(event.name()));
        for (Map.Entry<String, String> detail : event.details().entrySet()) {
            line.append(' ').append(detail.getKey()).append('=').append(quoted(detail.getValue()));
        }
        return line.append(" message=").append(quoted(event.message())).toString();
    }

    /** Values with spaces or quotes are quoted; line ends and other control characters never get out. */
    private static String quoted(String value) {
        StringBuilder plain = new StringBuilder();
        boolean quote = value.isEmpty();
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                plain.append('\\').append(c);
                quote = true;
            } else if (c < ' ' || c == 0x7F || c == 0x85 || c == 0x2028 || c == 0x2029) {
                plain.append(String.format("\\u%04x", (int) c));
                quote = true;
            } else {
                plain.append(c);
                quote |= c == ' ' || c == '=';
            }
        }
        return quote ? '"' + plain.toString() + '"' : plain.toString();
    }
}
