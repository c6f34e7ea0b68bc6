package io.mizzen.bench;

import io.mizzen.memory.DmaRegion;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The figures of one measurement, as text or as a JSON document. Made when the jobs have stopped. */
final class Report {
    private static final double[] QUANTILES = {0.5, 0.99, 0.999, 0.9999};
    private static final String[] QUANTILE_NAMES = {"p50", "p99", "p99.9", "p99.99"};

    private final BenchOptions options;
    private final List<String> names;
    private final Measurement measured;
    private final List<DmaRegion> regions;
    private final double seconds;
    private final long reads;
    private final long writes;
    private final String failure;

    Report(BenchOptions options, List<String> names, Measurement measured, List<DmaRegion> regions) {
        this.options = options;
        this.names = names;
        this.measured = measured;
        this.regions = regions;
        this.seconds = measured.seconds;
        this.reads = measured.reads;
        this.writes = measured.writes;
        this.failure = measured.failure;
    }

    private double iops(long count) {
        return seconds == 0 ? 0 : count / seconds;
    }

    private double perIo(long amount) {
        return reads + writes == 0 ? 0 : (double) amount / (reads + writes);
    }

    private double mebibytes(long count) {
        return iops(count) * options.blockBytes / (1 << 20);
    }

    private String memory() {
        DmaRegion first = regions.getFirst();
        return first.kind() + ", pages of " + (first.pageSizeBytes() >> 10) + " KiB";
    }

    private String mix() {
        return (options.fill ? "fill, " : "") + options.workload.word + (options.workload.isMixed() ? " " + options.readPercent + "% reads" : "");
    }

    String text() {
        StringBuilder text = new StringBuilder();
        line(text, "%s: %s%s, %s, depth %d, core %s, %.1f s", String.join(" + ", names), mix(),
                options.verify ? " with verification" : "", size(options.blockBytes), options.depth, measured.coreList, seconds);
        if (options.fill) {
            line(text, "  %d fill%s, one I/O in every %s", measured.runs, measured.runs == 1 ? "" : "s", size(options.strideBytes));
        }
        if (reads > 0) {
            direction(text, "read", reads, measured.readLatency);
        }
        if (writes > 0) {
            direction(text, "write", writes, measured.writeLatency);
        }
        if (reads > 0 && writes > 0) {
            line(text, "  total  %s IOPS  %.0f MiB/s", count(iops(reads + writes)), mebibytes(reads + writes));
        }
        if (measured.snapshots != null) {
            text.append(measured.snapshots.text());
        }
        line(text, "  CPU per I/O %.1f ns (%.0f %% of %d core%s), %.3f bytes allocated per I/O", perIo(measured.cpuNs),
                seconds == 0 ? 0 : measured.cpuNs / seconds / 1e7, measured.cores, measured.cores == 1 ? "" : "s together",
                perIo(measured.allocatedBytes));
        if (!Double.isNaN(measured.doorbellsPerIo)) {
            line(text, "  doorbells per I/O %.3f", measured.doorbellsPerIo);
        }
        line(text, "  memory %s; dTLB misses per I/O: %s", memory(), measured.tlbMisses < 0
                ? "no counter (" + measured.tlbProblem + ")" : String.format(Locale.ROOT, "%.3f", perIo(measured.tlbMisses)));
        line(text, "  latencies: System.nanoTime before and after %s", measured.sampleEvery == 1 ? "every I/O"
                : "one I/O in " + measured.sampleEvery);
        if (failure != null) {
            line(text, "FAILED: %s", failure);
        } else if (options.verify) {
            line(text, "  verified: every I/O read back what was written");
        }
        return text.toString();
    }

    private void direction(StringBuilder text, String name, long count, LatencyHistogram latency) {
        StringBuilder quantiles = new StringBuilder();
        for (int i = 0; i < QUANTILES.length; i++) {
            quantiles.append("  ").append(QUANTILE_NAMES[i]).append(' ').append(micros(latency.quantileNs(QUANTILES[i])));
        }
        line(text, "  %-6s %s IOPS  %.0f MiB/s  latency us: avg %s%s  max %s", name, count(iops(count)), mebibytes(count),
                micros(latency.averageNs()), quantiles, micros(latency.maxNs()));
    }

    private static void line(StringBuilder text, String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    private static String count(double perSecond) {
        return perSecond >= 1e6 ? String.format(Locale.ROOT, "%.2f M", perSecond / 1e6)
                : String.format(Locale.ROOT, "%.1f k", perSecond / 1e3);
    }

    private static String micros(double ns) {
        return String.format(Locale.ROOT, ns < 100_000 ? "%.2f" : "%.0f", ns / 1e3);
    }

    private static String size(int bytes) {
        return bytes % 1024 == 0 ? bytes / 1024 + " KiB" : bytes + " B";
    }

    String json() {
        StringBuilder json = new StringBuilder("{\n");
        member(json, "targets", names.stream().map(Report::quoted).collect(Collectors.joining(", ", "[", "]")));
        member(json, "workload", quoted(options.workload.word));
        member(json, "readPercent", Integer.toString(options.readPercent));
        member(json, "verify", Boolean.toString(options.verify));
        member(json, "fills", options.fill ? Integer.toString(measured.runs) : "null");
        member(json, "strideBytes", options.fill ? Integer.toString(options.strideBytes) : "null");
        member(json, "blockSizeBytes", Integer.toString(options.blockBytes));
        member(json, "depth", Integer.toString(options.depth));
        member(json, "cores", "[" + measured.coreList + "]");
        member(json, "seconds", number(seconds));
        member(json, "iops", number(iops(reads + writes)));
        member(json, "mebibytesPerSecond", number(mebibytes(reads + writes)));
        member(json, "read", direction(reads, measured.readLatency));
        member(json, "write", direction(writes, measured.writeLatency));
        if (measured.snapshots != null) {
            member(json, "snapshots", measured.snapshots.json());
        }
        member(json, "cpuNsPerIo", number(perIo(measured.cpuNs)));
        member(json, "allocatedBytesPerIo", number(perIo(measured.allocatedBytes)));
        member(json, "dtlbMissesPerIo", measured.tlbMisses < 0 ? "null" : number(perIo(measured.tlbMisses)));
        member(json, "doorbellsPerIo", Double.isNaN(measured.doorbellsPerIo) ? "null" : number(measured.doorbellsPerIo));
        member(json, "memory", quoted(memory()));
        member(json, "latencyOfOneIn", Integer.toString(measured.sampleEvery));
        json.append("  \"failure\": ").append(failure == null ? "null" : quoted(failure)).append("\n}\n");
        return json.toString();
    }

    private String direction(long count, LatencyHistogram latency) {
        StringBuilder json = new StringBuilder("{\"iops\": " + number(iops(count)) + ", \"averageNs\": " + number(latency.averageNs()));
        for (int i = 0; i < QUANTILES.length; i++) {
            json.append(", \"").append(QUANTILE_NAMES[i]).append("Ns\": ").append(latency.quantileNs(QUANTILES[i]));
        }
        return json.append(", \"maxNs\": ").append(latency.maxNs()).append('}').toString();
    }

    private static void member(StringBuilder json, String name, String value) {
        json.append("  \"").append(name).append("\": ").append(value).append(",\n");
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ') {
                json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }
}
