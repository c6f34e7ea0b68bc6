package io.mizzen.engine;

import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.lvs.LvStores;
import io.mizzen.lvs.WorkWatch;
import io.mizzen.util.OperationException;

/**
 * The job of a pool that is being opened: there is one as soon as it is clear that there is much to read. Cancelled, it ends before
 * anything is written. Control reactor only.
 */
final class ImportJob implements WorkWatch {
    /** Less is read in an instant. */
    static final long LARGE_BYTES = 16L << 20;

    private final PlaneContext plane;
    private final Jobs jobs;
    private final PoolSpec spec;
    private Jobs.Job job;

    ImportJob(PlaneContext plane, Jobs jobs, PoolSpec spec) {
        this.plane = plane;
        this.jobs = jobs;
        this.spec = spec;
    }

    @Override
    public boolean at(long doneBytes, long totalBytes) {
        if (job == null && totalBytes >= LARGE_BYTES && jobs.hasRoom()) {
            job = jobs.start("pool-import", spec.nameOrUuid(), spec.uuid(), true);
        }
        if (job == null) {
            return true;
        }
        job.progress(doneBytes, totalBytes);
        return !job.isCancelled();
    }

    /** @param failure null: the pool is open */
    void end(OperationException failure) {
        if (job != null) {
            boolean cancelled = failure != null && failure.code().equals(LvStores.READING_ENDED);
            job.end(cancelled ? null : "", cancelled ? null : failure);
            tell(plane, job);
        }
    }

    /** Of a job of a pool that has failed: whoever asked for it may have been answered long ago. */
    static void tell(PlaneContext plane, Jobs.Job job) {
        JobView ended = job.view();
        if (ended.error() != null) {
            plane.event(ObjectKind.POOL, null, ended.object(), ended.kind() + "-failed", "job " + ended.id() + " (" + ended.kind()
                    + " " + ended.object() + ") has failed: " + ended.error(), "job", ended.id());
        }
    }
}
