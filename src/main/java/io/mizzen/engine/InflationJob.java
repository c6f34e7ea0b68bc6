package io.mizzen.engine;

import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.lvs.WorkWatch;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.Locale;

/**
 * The job of a replica that is made independent of snapshots: there is one as soon as the pool has taken the work on. Cancelled, the
 * replica keeps what was allocated and is the clone that it was. Control reactor only.
 */
final class InflationJob implements WorkWatch {
    private final PlaneContext plane;
    private final Jobs jobs;
    private final Lvol lvol;
    private final String verb;
    private final Completion<JobView> begun;
    private Jobs.Job job;

    /**
     * @param verb inflate or decouple
     * @param begun learns of the job when the pool has taken the work on, which may have to wait for a deletion
     */
    InflationJob(PlaneContext plane, Jobs jobs, Lvol lvol, String verb, Completion<JobView> begun) {
        this.begun = begun;
        this.plane = plane;
        this.jobs = jobs;
        this.lvol = lvol;
        this.verb = verb;
    }

    @Override
    public boolean at(long doneBytes, long totalBytes) {
        if (job == null) {
            job = jobs.start(kind(verb), lvol.toString(), lvol.uuid().toString(), true);
            plane.control().send(() -> begun.ok(job.view()));       // In a later turn, when the replica is known to be busy.
        }
        job.progress(doneBytes, totalBytes);
        return !job.isCancelled();
    }

    private static String kind(String verb) {
        return "replica-" + verb;
    }

    boolean hasBegun() {
        return job != null;
    }

    /** @param failure null: it needs no snapshot, or another one */
    void end(OperationException failure) {
        boolean cancelled = failure != null && failure.code().equals(LvStore.INFLATION_ENDED);
        job.end(cancelled ? null : "", cancelled ? null : failure);
        JobView ended = job.view();
        String event = ended.kind() + (failure == null ? "d" : "-" + ended.state().toLowerCase(Locale.ROOT));
        String kept = lvol.parent() == null ? " is still thin: " : " still needs snapshot " + lvol.parentName() + ": ";
        String message = failure != null ? kept + failure.getMessage()
                : lvol.parent() == null ? " needs no snapshot any more" : " is a clone of " + lvol.parentName() + " now";
        plane.event(ObjectKind.REPLICA, lvol.uuid(), lvol.toString(), event, "replica " + lvol + message, "job", ended.id(),
                "allocatedBytes", lvol.allocatedBytes(), "code", failure == null ? null : failure.code());
    }

    /** Refuses while such a job works on the replica, and tells which: the pool knows that there is work, but of no job. */
    static void refuse(Jobs jobs, Lvol lvol) {
        if (lvol.work() == null) {
            return;
        }
        jobs.list().stream().filter(job -> job.endedAt() == null && job.kind().equals(kind(lvol.work().what()))
                && job.object().equals(lvol.toString())).findFirst().ifPresent(job -> {
            throw OperationException.precondition("replica-busy", "replica " + lvol + " is being changed by job " + job.id() + " ("
                    + job.kind() + ", " + job.percent() + " %); wait until that has ended (GET /v1/jobs/" + job.id()
                    + "), or cancel it (DELETE)");
        });
    }
}
