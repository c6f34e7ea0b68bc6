package io.mizzen.engine;

import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.PollMode;
import io.mizzen.engine.model.ReactorView;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Poller;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.ReactorState;
import io.mizzen.reactor.ReactorStats;
import java.util.ArrayList;
import java.util.List;

/** Views of reactors and memory, read from their counters. Any thread, approximate. */
final class ReactorViews {
    private ReactorViews() { }

    /** @param connections those of all cores */
    static ReactorView reactor(Reactor reactor, int numaNode, List<ConnectionView> connections) {
        ReactorStats stats = reactor.stats();
        long messages = 0;
        List<ReactorView.MthreadView> mthreads = new ArrayList<>();
        for (Mthread mthread : reactor.mthreads()) {
            messages += mthread.messageCount();
            mthreads.add(mthread(mthread, reactor, connections));
        }
        long totalNs = stats.busyNs() + stats.idleNs() + stats.sleepNs();
        return new ReactorView(reactor.core(), reactor.index() == 0, reactor.state().name(),
                reactor.spinNs() < 0 ? PollMode.BUSY : PollMode.ADAPTIVE, numaNode, stats.turns(), stats.busyNs(),
                stats.idleNs(), stats.sleepNs(), totalNs == 0 ? 0 : (double) stats.busyNs() / totalNs, messages,
                stats.sleeps(), stats.wakeUps(), stats.stalls(), mthreads);
    }

    private static ReactorView.MthreadView mthread(Mthread mthread, Reactor reactor, List<ConnectionView> connections) {
        List<ReactorView.PollGroupView> groups = mthread.name().startsWith(PlaneNames.MTHREAD_NVMF)
                ? List.of(new ReactorView.PollGroupView("nvmf-tcp",
                        connections.stream().filter(connection -> connection.core() == reactor.core()).toList()))
                : List.of();
        return new ReactorView.MthreadView(mthread.id(), mthread.name(), mthread.messageCount(),
                mthread.pollers().stream().map(ReactorViews::poller).toList(), groups);
    }

    private static ReactorView.PollerView poller(Poller poller) {
        long runs = poller.runCount();
        return new ReactorView.PollerView(poller.name(), poller.periodNs(), runs, poller.busyCount(),
                runs == 0 ? 0 : (double) poller.busyCount() / runs);
    }

    static MetricsView.ReactorMetrics metrics(Reactor reactor, Platform.RingCounts ring) {
        ReactorStats stats = reactor.stats();
        long messages = 0;
        long batchMax = 0;
        for (Mthread mthread : reactor.mthreads()) {
            messages += mthread.messageCount();
            batchMax = Math.max(batchMax, mthread.messageBatchMax());
        }
        ReactorState state = reactor.state();
        return new MetricsView.ReactorMetrics(reactor.core(), state == ReactorState.RUNNING || state == ReactorState.DELAYED,
                stats.busyNs(), stats.idleNs(), stats.sleepNs(), stats.turns(), messages, batchMax, stats.sleeps(),
                stats.wakeUps(), stats.stalls(), ring.enters(), ring.submissions(), ring.completions());
    }

    static MetricsView.MemoryMetrics memoryMetrics(DmaMemory memory) {
        DmaRegion first = memory.regions().getFirst();
        return new MetricsView.MemoryMetrics(first.kind().name(), first.pageSizeBytes(), memory.totalBytes(),
                memory.totalBytes() - memory.usedBytes(), memory.keptBytes());
    }

    static MemoryView memory(DmaMemory memory, BufferPools pools, List<Reactor> reactors) {
        List<MemoryView.RegionView> regions = memory.regions().stream()
                .map(region -> new MemoryView.RegionView(region.index(), region.kind().name(), region.pageSizeBytes(),
                        region.sizeBytes(), region.numaNode())).toList();
        MemoryView.RegionView first = regions.getFirst();
        return new MemoryView(first.kind(), first.pageSizeBytes(), memory.totalBytes(),
                memory.totalBytes() - memory.usedBytes(), memory.keptBytes(), regions, pools(pools, reactors));
    }

    static List<MemoryView.BufferPoolView> pools(BufferPools pools, List<Reactor> reactors) {
        return pools.all().stream().map(pool -> pool(pool, reactors)).toList();
    }

    private static MemoryView.BufferPoolView pool(BufferPool pool, List<Reactor> reactors) {
        long exhausted = 0;
        List<MemoryView.CacheView> caches = new ArrayList<>();
        for (Reactor reactor : reactors) {
            BufferPool.Cache cache = pool.cache(reactor.index());
            exhausted += cache.emptyCount();
            caches.add(new MemoryView.CacheView(reactor.core(), cache.size(), cache.acquireCount(), cache.refillCount(),
                    cache.spillCount(), cache.emptyCount()));
        }
        return new MemoryView.BufferPoolView(pool.name(), pool.bufferSizeBytes(), pool.count(), pool.freeCount(), exhausted, caches);
    }
}
