package io.mizzen.rebuild;

import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.ReactorStats;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import java.util.ArrayList;
import java.util.List;

/**
 * Chooses the mthread whose reactor was least busy over the next 20 ms, and further ones only where there is little to do;
 * a job that runs there already counts as a tenth of the reactor. Control reactor.
 */
public final class LeastBusyChooser implements WorkerChooser {
    static final long WINDOW_NS = 20_000_000;
    private static final long JOB_PERMILLE = 100;
    /** A second worker is worth its core only up to here. */
    private static final long IDLE_PERMILLE = 250;

    private final Mthread home;
    private final List<Mthread> candidates;
    private final int[] jobs;
    private int first;

    /** @param candidates one a core, at least one */
    public LeastBusyChooser(Mthread home, List<Mthread> candidates) {
        assert !candidates.isEmpty();
        this.home = home;
        this.candidates = List.copyOf(candidates);
        this.jobs = new int[candidates.size()];
    }

    @Override
    public void choose(int max, Completion<List<Mthread>> chosen) {
        if (candidates.size() == 1) {
            jobs[0]++;
            chosen.ok(candidates);
            return;
        }
        long[] busyNs = busyNs();
        long startNs = home.reactor().nowNs();
        home.reactor().arm(new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                take(loads(busyNs, nowNs - startNs), max, chosen);
            }
        }, WINDOW_NS);
    }

    private void take(long[] loads, int max, Completion<List<Mthread>> chosen) {
        List<Mthread> taken = new ArrayList<>();
        int index = leastBusy(loads);
        while (taken.isEmpty() || taken.size() < max && loads[index] <= IDLE_PERMILLE) {
            taken.add(candidates.get(index));
            jobs[index]++;
            loads[index] = Long.MAX_VALUE;
            index = leastBusy(loads);
        }
        chosen.ok(taken);
    }

    private long[] busyNs() {
        return candidates.stream().map(mthread -> mthread.reactor().stats()).mapToLong(ReactorStats::busyNs).toArray();
    }

    private long[] loads(long[] beforeNs, long elapsedNs) {
        long[] loads = busyNs();
        for (int i = 0; i < loads.length; i++) {
            loads[i] = (loads[i] - beforeNs[i]) * 1000 / elapsedNs + jobs[i] * JOB_PERMILLE;
        }
        return loads;
    }

    /** Ties go round. */
    private int leastBusy(long[] loads) {
        int best = first % loads.length;
        for (int i = 1; i < loads.length; i++) {
            int index = (first + i) % loads.length;
            best = loads[index] < loads[best] ? index : best;
        }
        first = best + 1;
        return best;
    }

    @Override
    public void release(List<Mthread> workers) {
        for (Mthread worker : workers) {
            int index = candidates.indexOf(worker);
            assert jobs[index] > 0;
            jobs[index]--;
        }
    }
}
