package io.mizzen.engine;

import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.ObjectKind;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/**
 * The newest state changes, for readers that poll. Cold: written at state changes only, from any thread, under a lock
 * that is held for a few instructions.
 */
final class EventRing {
    private final EventView[] ring;
    private final Clock clock;
    private long count;
    private long logged; // Only one thread at a time logs.

    EventRing(int capacity, Clock clock) {
        this.ring = new EventView[capacity];
        this.clock = clock;
    }

    synchronized void add(ObjectKind kind, String object, String type, String message) {
        long sequence = ++count;
        ring[(int) ((sequence - 1) % ring.length)] = new EventView(sequence, clock.instant(), kind, object, type, message);
    }

    /** Writes what was not written yet to the log, one line each: never from a reactor, which a log may block. */
    void log(System.Logger log) {
        for (List<EventView> some; !(some = after(logged, 64)).isEmpty(); logged = some.getLast().sequence()) {
            for (EventView event : some) {
                log.log(System.Logger.Level.INFO, "event=" + event.type() + " kind=" + event.kind() + " object=" + event.object()
                        + " message=\"" + event.message() + '"');
            }
        }
    }

    /** Oldest first, those above {@code afterSequence} that are still kept, at most {@code limit}. */
    synchronized List<EventView> after(long afterSequence, int limit) {
        List<EventView> events = new ArrayList<>();
        long first = Math.max(Math.max(0, afterSequence), count - ring.length);
        for (long i = first; i < count && events.size() < limit; i++) events.add(ring[(int) (i % ring.length)]);
        return events;
    }
}
