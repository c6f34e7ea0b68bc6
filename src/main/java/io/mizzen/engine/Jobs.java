package io.mizzen.engine;

import io.mizzen.engine.model.JobView;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Work that goes on after its request was answered, and the newest of what has ended. Control reactor only. */
final class Jobs {
    private static final int RUNNING_MAX = 32;
    private static final int KEPT_MAX = 128;

    private final Map<String, Job> jobs = new LinkedHashMap<>();
    private final List<Completion<Void>> stopping = new ArrayList<>();
    private boolean isStopping;
    private int started;

    /** One piece of work. */
    static final class Job {
        private final Jobs owner;
        private final String id;
        private final String kind;
        private final String object;
        private final String objectUuid;
        private final boolean cancellable;
        private final Instant startedAt = Instant.now();
        private String state = "RUNNING";
        private long doneBytes;
        private long totalBytes;
        private Instant endedAt;
        private String result;
        private String error;
        private boolean cancelled;

        private Job(Jobs owner, String id, String kind, String object, String objectUuid, boolean cancellable) {
            this.owner = owner;
            this.id = id;
            this.kind = kind;
            this.object = object;
            this.objectUuid = objectUuid;
            this.cancellable = cancellable;
        }

        void progress(long done, long total) {
            doneBytes = done;
            totalBytes = total;
        }

        /** Whether it is to end soon. */
        boolean isCancelled() {
            return cancelled;
        }

        /** @param failure null: it is done, or was cancelled */
        void end(String outcome, OperationException failure) {
            assert endedAt == null;
            endedAt = Instant.now();
            state = failure != null ? "FAILED" : cancelled && outcome == null ? "CANCELLED" : "DONE";
            result = outcome == null || outcome.isEmpty() ? null : outcome;
            error = failure == null ? null : failure.getMessage();
            owner.ended();
        }

        JobView view() {
            return new JobView(id, kind, object, objectUuid, state, doneBytes, totalBytes,
                    totalBytes == 0 ? state.equals("DONE") ? 100 : 0 : (int) (doneBytes * 100.0 / totalBytes), startedAt, endedAt, result,
                    error);
        }
    }

    /** Whether one more may be started. */
    boolean hasRoom() {
        return jobs.values().stream().filter(job -> job.endedAt == null).count() < RUNNING_MAX;
    }

    /** @param cancellable whether it looks at {@link Job#isCancelled} */
    Job start(String kind, String object, String objectUuid, boolean cancellable) {
        if (!hasRoom()) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "too-many-jobs", RUNNING_MAX + " jobs are running; wait for one to end");
        }
        Job job = new Job(this, Integer.toString(++started), kind, object, objectUuid, cancellable);
        job.cancelled = cancellable && isStopping;
        jobs.put(job.id, job);
        Iterator<Job> oldest = jobs.values().iterator();
        while (jobs.size() > KEPT_MAX) {
            if (oldest.next().endedAt != null) {
                oldest.remove();
            }
        }
        return job;
    }

    List<JobView> list() {
        return jobs.values().stream().map(Job::view).toList();
    }

    JobView get(String id) {
        return job(id).view();
    }

    private Job job(String id) {
        Job job = jobs.get(id);
        if (job == null) {
            throw OperationException.notFound("job-not-found", "there is no job " + id + "; of those that have ended the newest are kept");
        }
        return job;
    }

    /** Ends one soon; one that has ended stays as it is. */
    JobView cancel(String id) {
        Job job = job(id);
        if (job.endedAt == null && !job.cancellable) {
            throw OperationException.precondition("job-not-cancellable", "job " + id + " (" + job.kind + " " + job.object
                    + ") cannot be interrupted");
        }
        job.cancelled |= job.endedAt == null;
        return job.view();
    }

    /** For the ordered stop: cancels what can be, also what begins later. */
    void cancelAll() {
        isStopping = true;
        jobs.values().forEach(job -> job.cancelled |= job.endedAt == null && job.cancellable);
    }

    /** As above, and waits until those have ended. */
    void stop(Completion<Void> done) {
        cancelAll();
        stopping.add(done);
        ended();
    }

    private void ended() {
        if (!stopping.isEmpty() && jobs.values().stream().noneMatch(job -> job.endedAt == null && job.cancellable)) {
            List<Completion<Void>> waiters = List.copyOf(stopping);
            stopping.clear();
            waiters.forEach(waiter -> waiter.ok(null));
        }
    }
}
