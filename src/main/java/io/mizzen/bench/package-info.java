/**
 * The load generator: {@code ./mizzen bench}. Drives bdevs from inside, through descriptor and channel on the reactors,
 * as a nexus or the target does.
 *
 * <p>Owns: the options, the jobs (one per bdev and core), the latency histograms and the report. Thread: {@link
 * io.mizzen.bench.BenchMain} on the main thread; a job lives on its reactor. May use: engine (its {@code Workbench}) and
 * the data plane below it. No Spring: it starts in a fraction of a second.
 */
package io.mizzen.bench;
