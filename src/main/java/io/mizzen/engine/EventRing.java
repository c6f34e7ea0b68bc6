package io.mizzen.engine;

import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.ObjectKind;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The newest state changes, for readers that go on where they were: a reader that falls behind by more than the ring
 * holds sees that from {@link EventPage#oldest}. Cold: written at state changes only, from any thread, under a lock that
 * is held for a few instructions; no reader can make a writer wait for longer.
 */
final class EventRing {
    private static final long SEQUENCES_A_SECOND = 1_000_000;

    private final EventView[] ring;
    private final Clock clock;
    private final long base;
    private long count;
    /** By kind: as many as there are kinds. */
    private final Map<String, Long> counts = new TreeMap<>();
    private volatile Runnable onAdded = () -> { };

    /** @param base the first sequence number is one above it */
    EventRing(int capacity, Clock clock, long base) {
        this.ring = new EventView[capacity];
        this.clock = clock;
        this.base = base;
        this.count = base;
    }

    /** A base that grows from one start of the engine to the next: a million numbers for each second. */
    static long base(Clock clock) {
        return clock.instant().getEpochSecond() * SEQUENCES_A_SECOND;
    }

    /** Whom to call after each addition, from the thread that adds: it must not block. */
    void onAdded(Runnable listener) {
        onAdded = listener;
    }

    /**
     * Adds a change of state.
     *
     * @param uuid null where the object has none
     * @param details names and values in turn; a null value is left out
     */
    void add(ObjectKind type, String uuid, String name, String kind, String message, Object... details) {
        Map<String, String> map = details(details);
        synchronized (this) {
            long sequence = ++count;
            counts.merge(kind, 1L, Long::sum);
            ring[(int) ((sequence - 1) % ring.length)] = new EventView(sequence, clock.instant(), EventKinds.severity(kind),
                    kind, type, uuid, name, message, map);
        }
        onAdded.run();
    }

    private static Map<String, String> details(Object... details) {
        assert details.length % 2 == 0;
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < details.length; i += 2) {
            if (details[i + 1] != null) {
                map.put((String) details[i], String.valueOf(details[i + 1]));
            }
        }
        return Collections.unmodifiableMap(map);
    }

    /** Oldest first, those above {@code afterSequence} that are still kept, at most {@code limit}. */
    synchronized EventPage page(long afterSequence, int limit) {
        List<EventView> events = new ArrayList<>();
        long oldest = Math.max(base, count - ring.length);
        long first = Math.max(afterSequence, oldest);
        for (long i = first; i < count && events.size() < limit; i++) {
            events.add(ring[(int) (i % ring.length)]);
        }
        return new EventPage(events, oldest + 1, count);
    }

    /** As {@link #page}, without the bounds. */
    List<EventView> after(long afterSequence, int limit) {
        return page(afterSequence, limit).events();
    }

    /** Sequence number of the newest event. */
    synchronized long newest() {
        return count;
    }

    /** How many of each kind there were so far, those that are not kept any more too. */
    synchronized List<MetricsView.EventCount> counts() {
        return counts.entrySet().stream().map(entry -> new MetricsView.EventCount(entry.getKey(),
                EventKinds.severity(entry.getKey()), entry.getValue())).toList();
    }
}
