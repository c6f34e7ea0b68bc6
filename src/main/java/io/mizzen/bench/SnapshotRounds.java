package io.mizzen.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Snapshots taken under load, and what became of the I/O meanwhile: around each snapshot, while an old one is deleted, and
 * in between. Main thread.
 */
final class SnapshotRounds {
    private final BenchOptions options;
    private final Stack stack;
    private final List<Worker> workers;
    private final List<Long> pausesNs = new ArrayList<>();
    private final List<Long> tookNs = new ArrayList<>();
    private final List<Window> around = new ArrayList<>();
    private final List<Window> deleting = new ArrayList<>();
    private final List<Window> between = new ArrayList<>();

    SnapshotRounds(BenchOptions options, Stack stack, List<Worker> workers) {
        this.options = options;
        this.stack = stack;
        this.workers = workers;
    }

    /** Takes them, evenly over the time that is measured. */
    void run() {
        long intervalNs = (long) (options.seconds * 1e9 / options.snapshots);
        nextWindow();
        for (int i = 0; i < options.snapshots && workers.stream().noneMatch(Worker::failed); i++) {
            long begunNs = System.nanoTime();
            pausesNs.add(stack.takeSnapshots());
            tookNs.add(System.nanoTime() - begunNs);
            Runs.pause(workers, begunNs + intervalNs / 3);
            around.add(nextWindow());
            if (stack.deleteSnapshots(options.chain)) {
                deleting.add(nextWindow());
            }
            Runs.pause(workers, begunNs + intervalNs);
            between.add(nextWindow());
        }
        stack.deleteSnapshots(0);
    }

    private Window nextWindow() {
        Window worst = new Window(0);
        workers.forEach(worker -> worst.add(worker.nextWindow()));
        return worst;
    }

    /** One row of figures. */
    private record Row(String name, String key, long[] sortedNs) {
        private static Row of(String name, String key, List<Long> values) {
            long[] sorted = values.stream().mapToLong(Long::longValue).toArray();
            Arrays.sort(sorted);
            return new Row(name, key, sorted);
        }

        private long part(double part) {
            return sortedNs[(int) Math.min(sortedNs.length - 1, Math.ceil(part * sortedNs.length) - (part > 0 ? 1 : 0))];
        }
    }

    private List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        rows.add(Row.of("writes held back (engine)", "pause", pausesNs));
        rows.add(Row.of("the whole command", "command", tookNs));
        rows(rows, "around a snapshot", "snapshot", around);
        rows(rows, "at a deletion", "deletion", deleting);
        rows(rows, "between", "between", between);
        rows.removeIf(row -> row.sortedNs.length == 0 || row.part(1) == 0);
        return rows;
    }

    private static void rows(List<Row> rows, String when, String key, List<Window> windows) {
        rows.add(Row.of("no write ended for, " + when, key + "WriteGap", windows.stream().map(w -> w.writeGapMaxNs).toList()));
        rows.add(Row.of("longest write, " + when, key + "LongestWrite", windows.stream().map(w -> w.writeMaxNs).toList()));
        rows.add(Row.of("longest read, " + when, key + "LongestRead", windows.stream().map(w -> w.readMaxNs).toList()));
    }

    String text() {
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT,
                "  %d snapshots, chain of %d, clusters of %d KiB%n  %-42s %10s %10s %10s %10s%n", pausesNs.size(), options.chain,
                stack.clusterBytes() >> 10, "us", "min", "median", "p99", "max"));
        for (Row row : rows()) {
            text.append(String.format(Locale.ROOT, "  %-42s %10.1f %10.1f %10.1f %10.1f%n", row.name, row.part(0) / 1e3,
                    row.part(0.5) / 1e3, row.part(0.99) / 1e3, row.part(1) / 1e3));
        }
        return text.toString();
    }

    String json() {
        StringBuilder json = new StringBuilder("{\"count\": " + pausesNs.size() + ", \"chain\": " + options.chain
                + ", \"clusterSizeBytes\": " + stack.clusterBytes());
        for (Row row : rows()) {
            json.append(", \"").append(row.key).append("\": {\"minNs\": ").append(row.part(0)).append(", \"medianNs\": ")
                    .append(row.part(0.5)).append(", \"p99Ns\": ").append(row.part(0.99)).append(", \"maxNs\": ")
                    .append(row.part(1)).append('}');
        }
        return json.append('}').toString();
    }
}
