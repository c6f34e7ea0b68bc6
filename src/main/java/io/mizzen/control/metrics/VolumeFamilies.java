package io.mizzen.control.metrics;

import io.mizzen.engine.model.IoStatsView;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.RateSpec;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** I/O of bdevs, replicas, nexuses and hosts. A series exists as long as its object does. */
final class VolumeFamilies {
    /** Buckets from 2^12 ns (4 us) to 2^33 ns (8.6 s): what lies outside falls into the first, or into +Inf. */
    private static final int FIRST_BOUND = 12;
    private static final int LAST_BOUND = 33;
    private static final String OPERATION = "operation";

    private VolumeFamilies() {
    }

    static void add(Families families, List<MetricsView.VolumeMetrics> volumes) {
        HistogramSnapshot.Builder latency = HistogramSnapshot.builder().name("mizzen_io_latency_seconds")
            .help("Time from submission to completion");
        for (MetricsView.VolumeMetrics volume : volumes) {
            Labels labels = Labels.of("kind", volume.kind().name().toLowerCase(Locale.ROOT), "name", volume.name(), "uuid",
                Objects.requireNonNullElse(volume.uuid(), ""));
            IoStatsView stats = volume.stats();
            operations(families, labels, stats);
            families.counter("mizzen_io_bytes", "Bytes transferred", stats.readBytes(), labels.add(OPERATION, "read"));
            families.counter("mizzen_io_bytes", "Bytes transferred", stats.writeBytes(), labels.add(OPERATION, "write"));
            error(families, labels, "read", stats.readErrors());
            error(families, labels, "write", stats.writeErrors());
            error(families, labels, "other", stats.otherErrors());
            if (volume.limits() != null) {
                limits(families, labels, volume.limits());
            }
            latency.dataPoint(histogram(labels.add(OPERATION, "read"), stats.readLatency(), stats.readNs()));
            latency.dataPoint(histogram(labels.add(OPERATION, "write"), stats.writeLatency(), stats.writeNs()));
        }
        families.others().metricSnapshot(latency.build());
    }

    private static void operations(Families families, Labels labels, IoStatsView stats) {
        operation(families, labels, "read", stats.readOps());
        operation(families, labels, "write", stats.writeOps());
        operation(families, labels, "flush", stats.flushOps());
        operation(families, labels, "unmap", stats.unmapOps());
        operation(families, labels, "write_zeroes", stats.writeZeroesOps());
        operation(families, labels, "compare", stats.compareOps());
        operation(families, labels, "other", stats.otherOps());
    }

    private static void operation(Families families, Labels labels, String operation, long count) {
        families.counter("mizzen_io_operations", "I/O operations completed", count, labels.add(OPERATION, operation));
    }

    /** The delays of every volume, the limits of those that have some. */
    private static void limits(Families families, Labels labels, LimitsView limits) {
        families.counter("mizzen_limit_delayed_operations", "I/O operations that waited for the volume's limits",
            limits.delayedOperations(), labels);
        families.counter("mizzen_limit_delay_seconds", "Time that I/O operations waited for the volume's limits",
            limits.delayedNs() * Families.NANOSECONDS, labels);
        LimitsSpec spec = limits.limits();
        String operations = "mizzen_limit_operations";
        limit(families, operations, labels, "read", spec.readOperations());
        limit(families, operations, labels, "write", spec.writeOperations());
        limit(families, operations, labels, "total", spec.totalOperations());
        String bytes = "mizzen_limit_bytes";
        limit(families, bytes, labels, "read", spec.readBytes());
        limit(families, bytes, labels, "write", spec.writeBytes());
        limit(families, bytes, labels, "total", spec.totalBytes());
    }

    private static void limit(Families families, String name, Labels labels, String direction, RateSpec rate) {
        if (rate != null) {
            families.gauge(name, "What the volume may have of it a second", rate.perSecond(), labels.add("direction", direction));
        }
    }

    private static void error(Families families, Labels labels, String operation, long count) {
        families.counter("mizzen_io_errors", "I/O operations failed", count, labels.add(OPERATION, operation));
    }

    /** Element i of {@code counts} has the operations of at least 2^i and less than 2^(i+1) ns. */
    private static HistogramSnapshot.HistogramDataPointSnapshot histogram(Labels labels, long[] counts, long sumNs) {
        ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
        long pending = 0;
        for (int i = 0; i < counts.length && i < LAST_BOUND; i++) {
            pending += counts[i];
            if (i + 1 >= FIRST_BOUND) {
                buckets.bucket((1L << i + 1) * Families.NANOSECONDS, pending);
                pending = 0;
            }
        }
        for (int i = LAST_BOUND; i < counts.length; i++) {
            pending += counts[i];
        }
        buckets.bucket(Double.POSITIVE_INFINITY, pending);
        return HistogramSnapshot.HistogramDataPointSnapshot.builder().labels(labels)
            .classicHistogramBuckets(buckets.build()).sum(sumNs * Families.NANOSECONDS).build();
    }
}
