package io.mizzen.bench;

import java.util.List;
import java.util.stream.Collectors;

/** What the jobs of one measurement did: of one run, or of several added up. Main thread, when the jobs have stopped. */
final class Measurement {
    /** How many I/Os there were for each one that was timed. */
    int sampleEvery = 1;
    /** Doorbell writes of owned NVMe controllers for each I/O; NaN without any. */
    double doorbellsPerIo = Double.NaN;
    final LatencyHistogram readLatency = new LatencyHistogram();
    final LatencyHistogram writeLatency = new LatencyHistogram();
    int runs;
    int cores;
    String coreList = "";
    double seconds;
    long reads;
    long writes;
    long cpuNs;
    long allocatedBytes;
    /** -1 without counters. */
    long tlbMisses;
    /** Why there are none, or null. */
    String tlbProblem;
    /** Of the first job that failed, or null. */
    String failure;
    /** Null: none were taken. */
    SnapshotRounds snapshots;

    void add(List<Worker> workers) {
        runs++;
        cores = workers.size();
        coreList = workers.stream().map(worker -> Integer.toString(worker.core())).collect(Collectors.joining(","));
        tlbProblem = workers.getFirst().tlbProblem();
        seconds += workers.stream().mapToLong(w -> w.after().timeNs() - w.before().timeNs()).average().orElse(0) / 1e9;
        for (Worker worker : workers) {
            cpuNs += worker.after().cpuNs() - worker.before().cpuNs();
            allocatedBytes += worker.after().allocatedBytes() - worker.before().allocatedBytes();
            boolean counted = worker.before().tlbMisses() >= 0 && worker.after().tlbMisses() >= 0;
            tlbMisses = tlbMisses < 0 || !counted ? -1 : tlbMisses + worker.after().tlbMisses() - worker.before().tlbMisses();
            worker.jobs.forEach(this::add);
        }
    }

    private void add(Job job) {
        reads += job.reads;
        writes += job.writes;
        readLatency.add(job.readLatency);
        writeLatency.add(job.writeLatency);
        if (failure == null) {
            failure = job.failure();
        }
    }

    boolean failed() {
        return failure != null;
    }
}
