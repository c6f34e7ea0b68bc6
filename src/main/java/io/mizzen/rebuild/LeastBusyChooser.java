package io.mizzen.rebuild;

import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.ReactorStats;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import java.util.List;

/**
 * Chooses the mthread whose reactor was least busy over the next 20 ms; a job that runs on it already counts as a tenth
 * of the reactor. Control reactor.
 */
public final class LeastBusyChooser implements WorkerChooser {
    static final long WINDOW_NS = 20_000_000;
    private static final long JOB_PERMILLE = 100;

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
    public void choose(Completion<Mthread> chosen) {
        if (candidates.size() == 1) {
            take(0, chosen);
            return;
        }
        long[] busyNs = busyNs();
        long startNs = home.reactor().nowNs();
        home.reactor().arm(new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                take(leastBusy(busyNs, nowNs - startNs), chosen);
            }
        }, WINDOW_NS);
    }

    private void take(int index, Completion<Mthread> chosen) {
        jobs[index]++;
        chosen.ok(candidates.get(index));
    }

    private long[] busyNs() {
        return candidates.stream().map(mthread -> mthread.reactor().stats()).mapToLong(ReactorStats::busyNs).toArray();
    }

    /** Ties go round. */
    private int leastBusy(long[] beforeNs, long elapsedNs) {
        long[] nowNs = busyNs();
        int best = -1;
        long bestPermille = 0;
        for (int i = 0; i < nowNs.length; i++) {
            int index = (first + i) % nowNs.length;
            long permille = (nowNs[index] - beforeNs[index]) * 1000 / elapsedNs + jobs[index] * JOB_PERMILLE;
            if (best < 0 || permille < bestPermille) {
                best = index;
                bestPermille = permille;
            }
        }
        first = best + 1;
        return best;
    }

    @Override
    public void release(Mthread worker) {
        int index = candidates.indexOf(worker);
        assert jobs[index] > 0;
        jobs[index]--;
    }
}
