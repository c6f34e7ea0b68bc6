package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.ObjectKind;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventRingTest {
    @Test
    void newestAreKeptInOrder() {
        EventRing ring = new EventRing(3, Clock.systemUTC());
        assertEquals(List.of(), ring.after(0, 10));
        for (int i = 1; i <= 5; i++) ring.add(ObjectKind.POOL, "p" + i, "pool-created", "m");
        assertEquals(List.of("p3", "p4", "p5"), objects(ring.after(0, 10)));
        assertEquals(List.of("p5"), objects(ring.after(4, 10)));
        assertEquals(List.of("p3", "p4"), objects(ring.after(0, 2)));
        assertEquals(List.of(), ring.after(5, 10));
        assertEquals(5, ring.after(4, 1).getFirst().sequence());
    }

    private static List<String> objects(List<EventView> events) {
        return events.stream().map(EventView::object).toList();
    }
}
