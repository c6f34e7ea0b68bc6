package io.mizzen.control.metrics;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.LinkedHashMap;
import java.util.Map;

/** The metric families of one scrape, in the order of their first use. Names of counters come without {@code _total}. */
final class Families {
    static final double NANOSECONDS = 1e-9;
    private final Map<String, CounterSnapshot.Builder> counters = new LinkedHashMap<>();
    private final Map<String, GaugeSnapshot.Builder> gauges = new LinkedHashMap<>();
    private final MetricSnapshots.Builder others = MetricSnapshots.builder();

    void counter(String name, String help, double value, Labels labels) {
        counters.computeIfAbsent(name, key -> CounterSnapshot.builder().name(name).help(help)).dataPoint(
            CounterSnapshot.CounterDataPointSnapshot.builder().labels(labels).value(value).build());
    }

    void gauge(String name, String help, double value, Labels labels) {
        gauges.computeIfAbsent(name, key -> GaugeSnapshot.builder().name(name).help(help)).dataPoint(
            GaugeSnapshot.GaugeDataPointSnapshot.builder().labels(labels).value(value).build());
    }

    MetricSnapshots.Builder others() {
        return others;
    }

    MetricSnapshots build() {
        counters.values().forEach(counter -> others.metricSnapshot(counter.build()));
        gauges.values().forEach(gauge -> others.metricSnapshot(gauge.build()));
        return others.build();
    }
}
