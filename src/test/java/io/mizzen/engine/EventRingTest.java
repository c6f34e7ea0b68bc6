package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.ObjectKind;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EventRingTest {
    private static final Clock CLOCK = Clock.fixed(Instant.EPOCH.plusSeconds(7), ZoneOffset.UTC);

    @Test
    void newestAreKeptInOrderAndWhatIsGoneShows() {
        EventRing ring = new EventRing(3, CLOCK, 100);
        EventPage empty = ring.page(0, 10);
        assertEquals(new EventPage(List.of(), 101, 100), empty);
        for (int i = 1; i <= 5; i++) ring.add(ObjectKind.POOL, null, "p" + i, "pool-created", "m");
        assertEquals(List.of("p3", "p4", "p5"), names(ring.page(0, 10)));
        assertEquals(103, ring.page(0, 10).oldest());
        assertEquals(105, ring.page(0, 10).newest());
        assertEquals(List.of("p5"), names(ring.page(104, 10)));
        assertEquals(List.of("p3", "p4"), names(ring.page(0, 2)));
        assertEquals(List.of(), names(ring.page(105, 10)));
        assertEquals(List.of(), names(ring.page(Long.MAX_VALUE, 10)));
        assertEquals(105, ring.page(104, 1).events().getFirst().sequence());
        assertEquals("[EventCount[kind=pool-created, severity=INFO, count=5]]", ring.counts().toString());
    }

    @Test
    void sequencesOfALaterStartAreHigher() {
        assertEquals(7_000_000, EventRing.base(CLOCK));
    }

    @Test
    void detailsKeepTheirOrderAndLoseNulls() {
        EventRing ring = new EventRing(3, CLOCK, 0);
        ring.add(ObjectKind.CHILD, "u", "n", "child-faulted", "m", "b", 1, "a", null, "c", true);
        EventView event = ring.page(0, 1).events().getFirst();
        assertEquals("{b=1, c=true}", event.details().toString());
        assertEquals(EventSeverity.WARNING, event.severity());
        assertEquals(CLOCK.instant(), event.time());
    }

    /** A value must not look like another field or begin another line. */
    @Test
    void aLineOfTheLogStaysOneLine() {
        EventView event = new EventView(7, Instant.EPOCH, EventSeverity.INFO, "k", ObjectKind.NEXUS, "u", "two words",
                "x\nevent=forged \"q\\\"", Map.of("key", "a=b", "none", "").entrySet().stream().sorted(Map.Entry.comparingByKey())
                .collect(java.util.stream.Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a,
                        java.util.LinkedHashMap::new)));
        assertEquals("event=k seq=7 type=nexus uuid=u name=\"two words\" key=\"a=b\" none=\"\" "
                + "message=\"x\\u000aevent=forged \\\"q\\\\\\\"\"", EventFeed.line(event));
    }

    @Test
    void eachEventIsLoggedOnceWithItsLevelAndWakesWhoWaits() throws InterruptedException {
        EventRing ring = new EventRing(8, CLOCK, 0);
        List<String> lines = new ArrayList<>();
        EventFeed feed = new EventFeed(ring, new Lines(lines));
        ring.add(ObjectKind.POOL, null, "p", "pool-created", "m");
        feed.start();
        ring.add(ObjectKind.CHILD, null, "c", "child-faulted", "m");
        feed.await(1, 20_000_000_000L);
        assertEquals(2, ring.newest());
        feed.await(99, 1);      // No event: the time ends it.
        feed.end();
        feed.await(99, 20_000_000_000L);        // Nothing comes any more.
        assertEquals(List.of("INFO event=pool-created seq=1 type=pool name=p message=m",
                "WARNING event=child-faulted seq=2 type=child name=c message=m"), lines);
    }

    private record Lines(List<String> lines) implements System.Logger {
        @Override
        public String getName() {
            return "lines";
        }

        @Override
        public boolean isLoggable(Level level) {
            return true;
        }

        @Override
        public void log(Level level, java.util.ResourceBundle bundle, String message, Throwable thrown) {
            throw new AssertionError(message, thrown);
        }

        @Override
        public void log(Level level, java.util.ResourceBundle bundle, String format, Object... parameters) {
            synchronized (lines) {
                lines.add(level + " " + format);
            }
        }
    }

    private static List<String> names(EventPage page) {
        return page.events().stream().map(EventView::name).toList();
    }
}
