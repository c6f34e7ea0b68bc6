package io.mizzen.control.metrics;

import io.mizzen.engine.model.MetricsView;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.List;
import java.util.Locale;

/** Events, counted by kind: what an alert can watch that must not miss one between two scrapes. */
final class EventFamilies {
    private EventFamilies() {
    }

    static void add(Families families, List<MetricsView.EventCount> events) {
        for (MetricsView.EventCount event : events) {
            families.counter("mizzen_events", "Changes of state since the start", event.count(), Labels.of("kind", event.kind(),
                "severity", event.severity().name().toLowerCase(Locale.ROOT)));
        }
    }
}
