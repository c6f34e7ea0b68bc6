package io.mizzen.rebuild;

import io.mizzen.reactor.Mthread;
import java.util.ArrayList;
import java.util.List;

/**
 * A job's workers, as the control reactor sees them: chosen once, supplied with buffers while the job runs, given windows
 * in turn, flushed and closed at the end. Home mthread.
 */
final class RebuildCrew {
    private final RebuildJob job;
    private final RebuildSpec spec;
    private final Mthread home;
    private final WorkerChooser chooser;
    private List<Mthread> mthreads = List.of();
    private List<RebuildWorker> workers = List.of();
    private int epoch;
    private int awaited;

    RebuildCrew(RebuildJob job, RebuildSpec spec, Mthread home, WorkerChooser chooser) {
        this.job = job;
        this.spec = spec;
        this.home = home;
        this.chooser = chooser;
    }

    /** Chooses; {@code chosen} runs when that is done. */
    void choose(Runnable chosen) {
        chooser.choose(spec.settings().workers(), (taken, failure) -> {
            mthreads = List.copyOf(taken);
            chosen.run();
        });
    }

    /** Opens the channels, on each worker. */
    void open() {
        workers = new ArrayList<>();
        int pieces = Math.ceilDiv(spec.settings().segments(), mthreads.size());
        for (Mthread mthread : mthreads) {
            RebuildWorker worker = new RebuildWorker(job, spec, mthread, pieces);
            workers.add(worker);
            mthread.send(worker::open);
        }
    }

    /** Has every worker take buffers; the job hears of each that has some. */
    void supply() {
        int now = ++epoch;
        for (RebuildWorker worker : workers) {
            worker.mthread().send(() -> worker.startSupply(() -> home.send(() -> onSupplied(worker, now))));
        }
    }

    private void onSupplied(RebuildWorker worker, int of) {
        if (of == epoch) {
            worker.supplied = true;
            job.advance();
        }
    }

    int size() {
        return mthreads.size();
    }

    boolean isSupplied() {
        return next() != null;
    }

    /** The supplied worker with the fewest windows, or null. */
    RebuildWorker next() {
        RebuildWorker best = null;
        for (RebuildWorker worker : workers) {
            if (worker.supplied && (best == null || worker.windowsOut < best.windowsOut)) {
                best = worker;
            }
        }
        return best;
    }

    /** Gives all buffers back; no window is out. */
    void release(Runnable released) {
        epoch++;
        onEach(RebuildWorker::stopSupply, released);
    }

    /** Makes what was written durable. A flush holds for the whole device, so one worker's is enough. */
    void flush() {
        RebuildWorker first = workers.getFirst();
        first.mthread().send(first::flush);
    }

    /** Has every worker stop writing; {@code then} runs when no write is in flight. */
    void cut(Runnable then) {
        int[] left = {workers.size()};
        if (left[0] == 0) {
            then.run();
        }
        for (RebuildWorker worker : workers) {
            worker.mthread().send(() -> worker.cut(() -> home.send(() -> {
                if (--left[0] == 0) {
                    then.run();
                }
            })));
        }
    }

    /** Closes everything; there is no job afterwards. */
    void close(Runnable closed) {
        epoch++;
        onEach(RebuildWorker::close, () -> {
            chooser.release(mthreads);
            closed.run();
        });
    }

    private interface Order {
        void give(RebuildWorker worker);
    }

    private void onEach(Order order, Runnable then) {
        awaited = workers.size();
        if (awaited == 0) {
            then.run();
            return;
        }
        for (RebuildWorker worker : workers) {
            assert worker.windowsOut == 0;
            worker.supplied = false;
            worker.mthread().send(() -> {
                order.give(worker);
                home.send(() -> {
                    if (--awaited == 0) {
                        then.run();
                    }
                });
            });
        }
    }
}
