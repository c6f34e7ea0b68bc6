package io.mizzen.control.metrics;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.PoolView;
import io.mizzen.util.OperationException;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Everything under {@code mizzen_*}. Counters are read without asking the reactors; pools and nexuses are asked for with a
 * short deadline, and missing from a scrape that the control reactor does not answer in time (which is counted).
 */
public final class EngineCollector implements MultiCollector {
    /** Of all questions of a scrape together: Prometheus waits 10 s, or as long as it was told. */
    private static final long ASK_DEADLINE_NS = 2_000_000_000L;

    private final Engine engine;
    private final Supplier<Map<StateKind, Integer>> restoreFailures;
    private final LongSupplier stateFailures;
    private final AtomicLong unanswered = new AtomicLong();

    /**
     * @param restoreFailures how many objects of the desired state are not back, for every kind
     * @param stateFailures documents of the desired state that could not be stored, so far
     */
    public EngineCollector(Engine engine, Supplier<Map<StateKind, Integer>> restoreFailures,
                           LongSupplier stateFailures) {
        this.engine = engine;
        this.restoreFailures = restoreFailures;
        this.stateFailures = stateFailures;
    }

    @Override
    public MetricSnapshots collect() {
        Families families = new Families();
        MetricsView metrics = engine.metrics();
        metrics.reactors().forEach(reactor -> reactor(families, reactor));
        VolumeFamilies.add(families, metrics.volumes());
        metrics.bufferPools().forEach(pool -> bufferPool(families, pool));
        families.gauge("mizzen_mailbox_depth", "Commands waiting for the control reactor", metrics.mailboxDepth(),
            Labels.EMPTY);
        families.counter("mizzen_mailbox_refusals", "Commands refused because the mailbox was full",
            metrics.mailboxRefusals(), Labels.EMPTY);
        TargetFamilies.add(families, metrics.target());
        memory(families, metrics.memory());
        EventFamilies.add(families, metrics.events());
        restoreFailures.get().forEach((kind, count) -> families.gauge("mizzen_restore_failures",
            "Objects of the desired state that are not there: not restored, or their document was damaged", count,
            Labels.of("kind", kind.name().toLowerCase(Locale.ROOT))));
        families.counter("mizzen_state_store_failures", "Documents of the desired state that could not be stored",
            stateFailures.getAsLong(), Labels.EMPTY);
        jvmPauses(families);
        objects(families);
        families.counter("mizzen_scrape_unanswered", "Questions of a scrape that the engine did not answer in time",
            unanswered.get(), Labels.EMPTY);
        return families.build();
    }

    private static void reactor(Families families, MetricsView.ReactorMetrics reactor) {
        Labels core = Labels.of("core", Integer.toString(reactor.core()));
        families.gauge("mizzen_reactor_running", "1 while the reactor runs", reactor.running() ? 1 : 0, core);
        families.counter("mizzen_reactor_busy_seconds", "Time in turns that found work",
            reactor.busyNs() * Families.NANOSECONDS, core);
        families.counter("mizzen_reactor_idle_seconds", "Time in turns that found none",
            reactor.idleNs() * Families.NANOSECONDS, core);
        families.counter("mizzen_reactor_sleep_seconds", "Time asleep", reactor.sleepNs() * Families.NANOSECONDS, core);
        families.counter("mizzen_reactor_turns", "Turns of the loop", reactor.turns(), core);
        families.counter("mizzen_reactor_messages", "Messages run", reactor.messages(), core);
        families.gauge("mizzen_reactor_message_batch_max", "Most messages run in one turn", reactor.messageBatchMax(),
            core);
        families.counter("mizzen_reactor_sleeps", "Times that the reactor went to sleep", reactor.sleeps(), core);
        families.counter("mizzen_reactor_wakeups", "Times that another thread woke it", reactor.wakeups(), core);
        families.counter("mizzen_reactor_stalls", "Turns that took longer than the stall threshold", reactor.stalls(),
            core);
        families.counter("mizzen_ring_enters", "Calls of io_uring_enter", reactor.ringEnters(), core);
        families.counter("mizzen_ring_submissions", "Ring entries submitted", reactor.ringSubmissions(), core);
        families.counter("mizzen_ring_completions", "Ring entries completed", reactor.ringCompletions(), core);
    }

    private static void memory(Families families, MetricsView.MemoryMetrics memory) {
        Labels kind = Labels.of("kind", memory.kind().toLowerCase(Locale.ROOT));
        families.gauge("mizzen_memory_reserved_bytes", "The reservation made at the start", memory.reservedBytes(), kind);
        families.gauge("mizzen_memory_free_bytes", "What no pool has been cut from", memory.freeBytes(), kind);
        families.gauge("mizzen_memory_kept_bytes", "Used for nothing any more: a device that could not be stopped may write there",
            memory.keptBytes(), kind);
        families.gauge("mizzen_memory_page_bytes", "Page size of the reservation", memory.pageSizeBytes(), kind);
    }

    private static void bufferPool(Families families, MemoryView.BufferPoolView pool) {
        Labels name = Labels.of("pool", pool.name());
        families.gauge("mizzen_buffer_pool_element_bytes", "Size of one element", pool.elementSizeBytes(), name);
        families.gauge("mizzen_buffer_pool_capacity", "Elements in all", pool.capacity(), name);
        families.gauge("mizzen_buffer_pool_free", "Elements in the pool and its caches", pool.free(), name);
        families.counter("mizzen_buffer_pool_exhausted", "Requests refused because nothing was left", pool.exhausted(),
            name);
        for (MemoryView.CacheView cache : pool.caches()) {
            Labels core = name.add("core", Integer.toString(cache.core()));
            families.gauge("mizzen_buffer_cache_free", "Elements in the core's cache", cache.free(), core);
            families.counter("mizzen_buffer_cache_acquires", "Elements taken by the core", cache.acquires(), core);
            families.counter("mizzen_buffer_cache_refills", "Batches taken from the shared ring", cache.refills(), core);
            families.counter("mizzen_buffer_cache_spills", "Batches given back to the shared ring", cache.spills(), core);
            families.counter("mizzen_buffer_cache_exhausted", "Requests of the core refused because nothing was left",
                cache.exhausted(), core);
        }
    }

    /** Collectors report pauses and concurrent work apart; those that stop the program are named so, or have no twin. */
    private static void jvmPauses(Families families) {
        List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();
        boolean named = collectors.stream().anyMatch(collector -> collector.getName().endsWith("Pauses"));
        for (GarbageCollectorMXBean collector : collectors) {
            if (!named || collector.getName().endsWith("Pauses")) {
                Labels labels = Labels.of("collector", collector.getName());
                families.counter("mizzen_jvm_pause_seconds", "Time that the JVM stopped its threads to collect garbage",
                    Math.max(0, collector.getCollectionTime()) / 1e3, labels);
                families.counter("mizzen_jvm_pauses", "Times that the JVM stopped its threads to collect garbage",
                    Math.max(0, collector.getCollectionCount()), labels);
            }
        }
    }

    /** What the control reactor does not answer is not asked again in this scrape, nor is what comes after it. */
    private void objects(Families families) {
        long endNs = System.nanoTime() + ASK_DEADLINE_NS;
        try {
            List<PoolView> pools = ask(engine.pools(), endNs);
            pools.forEach(pool -> PoolFamilies.add(families, pool));
            ask(engine.nexuses(), endNs).forEach(nexus -> NexusFamilies.add(families, nexus));
            ask(engine.nvmeControllers(), endNs).forEach(controller -> NvmeFamilies.add(families, controller));
            ask(engine.kernelDrives(), endNs).forEach(drive -> NvmeFamilies.add(families, drive));
            jobs(families, ask(engine.jobs(), endNs));
            ReplicaFamilies.add(families, pools, ask(engine.replicas(), endNs), ask(engine.snapshots(), endNs));
        } catch (CompletionException | OperationException e) {
            unanswered.incrementAndGet();
        }
    }

    private static void jobs(Families families, List<JobView> jobs) {
        for (String kind : JobView.KINDS) {
            List<JobView> these = jobs.stream().filter(job -> job.kind().equals(kind)).toList();
            for (String state : JobView.STATES) {
                families.gauge("mizzen_jobs", "Jobs in that state; of those that have ended the newest are kept",
                    these.stream().filter(job -> job.state().equals(state)).count(),
                    Labels.of("kind", kind, "state", state.toLowerCase(Locale.ROOT)));
            }
            families.gauge("mizzen_jobs_remaining_bytes", "What running jobs have to do still, as far as they know",
                these.stream().filter(job -> job.endedAt() == null).mapToLong(job -> job.totalBytes() - job.doneBytes()).sum(),
                Labels.of("kind", kind));
        }
    }

    private static <T> T ask(CompletableFuture<T> question, long endNs) {
        return question.copy().orTimeout(Math.max(0, endNs - System.nanoTime()), TimeUnit.NANOSECONDS).join();
    }
}
