package io.mizzen.rebuild;

import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import java.util.List;

/** Where a job's I/O runs. Control reactor. */
public interface WorkerChooser {
    /** Chooses for one job, one mthread to {@code max}; may take a while. Always succeeds. */
    void choose(int max, Completion<List<Mthread>> chosen);

    /** The job that these were chosen for has ended. */
    void release(List<Mthread> workers);

    /** Always the same ones, as many as are asked for. */
    static WorkerChooser fixed(Mthread... workers) {
        List<Mthread> all = List.of(workers);
        return new WorkerChooser() {
            @Override
            public void choose(int max, Completion<List<Mthread>> chosen) {
                chosen.ok(all.subList(0, Math.min(max, all.size())));
            }

            @Override
            public void release(List<Mthread> released) {
                assert all.containsAll(released);
            }
        };
    }
}
