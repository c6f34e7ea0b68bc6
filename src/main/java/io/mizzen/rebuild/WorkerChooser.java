package io.mizzen.rebuild;

import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;

/** Where a job's I/O runs. Control reactor. */
public interface WorkerChooser {
    /** Chooses for one job; may take a while. Always succeeds. */
    void choose(Completion<Mthread> chosen);

    /** The job that an mthread was chosen for has ended. */
    void release(Mthread worker);

    /** Always the same one. */
    static WorkerChooser fixed(Mthread worker) {
        return new WorkerChooser() {
            @Override
            public void choose(Completion<Mthread> chosen) {
                chosen.ok(worker);
            }

            @Override
            public void release(Mthread released) {
                assert released == worker;
            }
        };
    }
}
