package io.mizzen.control;

import io.mizzen.engine.Engine;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.WipeMethod;
import java.util.List;

/** Work that goes on after its request was answered. It lives in the engine: a stop ends it, and a start does not bring it back. */
public final class JobService {
    private final Engine engine;
    private final EngineCalls calls;
    private final AbsentNexuses absent;

    JobService(Engine engine, EngineCalls calls, DesiredState state) {
        this.absent = new AbsentNexuses(engine, calls, state);
        this.engine = engine;
        this.calls = calls;
    }

    public List<JobView> list() {
        return calls.await(engine.jobs());
    }

    public JobView get(String id) {
        return calls.await(engine.job(id));
    }

    public JobView cancel(String id) {
        return calls.await(engine.cancelJob(id));
    }

    public JobView wipe(String replica, WipeMethod method) {
        if (method != WipeMethod.CHECKSUM) {
            absent.refuseReplica(replica);
        }
        return calls.await(engine.wipeReplica(replica, method));
    }
}
