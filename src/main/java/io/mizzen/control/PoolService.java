package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Pools: creation and import put them into the desired state, export and destruction take them out. */
public final class PoolService {
    /** The engine itself does not know whether the disk is one of the pool. */
    private static final String DISK_UNCLEAR = "disk-add-unclear";
    /** The pool is closed, though the engine has a loss to tell. */
    private static final String CLOSED_WITH_LOSS = "pool-writes-lost";

    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;
    private final Restorer restorer;
    private final AbsentNexuses absent;

    PoolService(Engine engine, EngineCalls calls, DesiredState state, Restorer restorer) {
        this.restorer = restorer;
        this.engine = engine;
        this.calls = calls;
        this.state = state;
        this.absent = new AbsentNexuses(engine, calls, state);
    }

    public List<PoolView> list() {
        return calls.await(engine.pools());
    }

    public PoolView get(String id) {
        return calls.await(engine.pool(id));
    }

    /** Creates; the same specification again finds the pool that is there. */
    public Outcome<PoolView> create(PoolSpec spec) {
        boolean isNew = isNew(spec);
        return new Outcome<>(calls.await(creating(spec)), isNew);
    }

    /**
     * As {@link #create}; what takes long goes on after the answer.
     *
     * @return the pool, or the job that makes it
     */
    public Creation begin(PoolSpec spec) {
        boolean isNew = isNew(spec);
        return outcomeOrJob(creating(spec), "pool-create", spec, isNew);
    }

    private boolean isNew(PoolSpec spec) {
        return list().stream().noneMatch(pool -> isSame(spec, pool));
    }

    private CompletableFuture<PoolView> creating(PoolSpec spec) {
        absent.refuseDisks(spec.disks());
        return state.storing(engine.createPool(spec), pool -> store(spec, pool));
    }

    private Creation outcomeOrJob(CompletableFuture<PoolView> answer, String jobKind, PoolSpec spec, boolean isNew) {
        Optional<PoolView> view = calls.awaitShortly(answer);
        Optional<JobView> job = view.isPresent() ? Optional.empty() : running(jobKind, spec);
        if (job.isEmpty()) {
            return new Creation(new Outcome<>(view.isPresent() ? view.get() : calls.await(answer), isNew), null);
        }
        answer.whenComplete((pool, failure) -> tellNotStored(spec, failure));
        return new Creation(null, job.get());
    }

    private Optional<JobView> running(String kind, PoolSpec spec) {
        return calls.await(engine.jobs()).stream().filter(job -> job.kind().equals(kind) && job.object().equals(spec.nameOrUuid())
            && Objects.equals(job.objectUuid(), spec.uuid()) && job.endedAt() == null).reduce((first, second) -> second);
    }

    /** Nobody waits for the answer any more: that the pool is open, but would not be brought back, has to be told. */
    private void tellNotStored(PoolSpec spec, Throwable failure) {
        OperationException known = failure == null ? null : EngineCalls.failureOf(failure);
        if (known != null && known.code().equals("state-not-stored")) {
            engine.report(ObjectKind.POOL, spec.uuid(), spec.nameOrUuid(), "pool-not-stored", "pool " + spec.nameOrUuid()
                + " is open, but a start would not bring it back: " + known.getMessage(), "code", known.code());
        }
    }

    /**
     * How a creation or an import ended, or that it goes on.
     *
     * @param outcome null while it goes on
     * @param job null when it has ended
     */
    public record Creation(Outcome<PoolView> outcome, JobView job) { }

    /**
     * Imports from the given disks; without disks, a pool that was exported here before or could not be restored. What takes
     * long goes on after the answer.
     *
     * @param how a pool imported read-only is so after a start too, until it is exported
     * @return the pool, or the job that opens it
     */
    public Creation importPool(String id, List<String> disks, boolean allowTest, PoolImport how) {
        DesiredState.StoredPool pool = toImport(id, disks, allowTest, how);
        if (pool.uncertainDisk() != null) {
            PoolView view = restorer.importKnown(pool, how.rebuildMasks());
            restorer.onPoolImported(view.uuid());
            return new Creation(new Outcome<>(view, false), null);
        }
        PoolSpec spec = disks.isEmpty() ? pool.toImport(false) : spec(pool);
        CompletableFuture<PoolView> answer = state.storing(engine.importPool(spec, how), imported ->
            state.put(StateKind.POOL, imported.uuid(), new DesiredState.StoredPool(imported.name(), imported.uuid(), pool.disks(),
                pool.allowTest(), false, null, pool.readOnly(), usualOf(pool, imported))));
        Creation creation = outcomeOrJob(answer, "pool-import", spec, false);
        if (creation.job() == null) {
            restorer.onPoolImported(creation.outcome().view().uuid());
        } else {
            answer.thenAccept(late -> restorer.onPoolImportedLater(late.uuid()));
        }
        return creation;
    }

    /** A pool on other disks may have the same name. */
    private static DesiredState.StoredPool usualOf(DesiredState.StoredPool pool, PoolView imported) {
        return pool.usual() != null && imported.uuid().equals(pool.usual().uuid()) ? pool.usual() : null;
    }

    private DesiredState.StoredPool toImport(String id, List<String> disks, boolean allowTest, PoolImport how) {
        Optional<DesiredState.StoredPool> last = stored(keyOf(id));
        Optional<DesiredState.StoredPool> known = how.readOnly() ? last : last.map(DesiredState.StoredPool::asKnown);
        if (disks.isEmpty() && known.isEmpty()) {
            throw OperationException.invalid("disks-needed", "The pool '" + id + "' is not known here; name the "
                + "disks that it is on.");
        }
        absent.refuseDisks(disks);
        boolean fromKnown = disks.isEmpty();
        boolean byUuid = Ids.isUuid(id);
        return new DesiredState.StoredPool(known.map(DesiredState.StoredPool::name).orElse(byUuid ? null : id),
            known.map(DesiredState.StoredPool::uuid).orElse(byUuid ? id : null), fromKnown ? known.get().disks() : disks,
            allowTest || known.map(DesiredState.StoredPool::allowTest).orElse(false), false,
            fromKnown ? known.get().uncertainDisk() : null, how.readOnly() ? true : null,
            !how.readOnly() ? null : fromKnown ? known.get().usual() : known.map(DesiredState.StoredPool::asKnown).orElse(null));
    }

    /** Limits what its replicas may come to; the pool itself keeps it. */
    public PoolView setCommitLimit(String id, int percent) {
        return calls.await(engine.setCommitLimit(id, percent));
    }

    private static PoolSpec spec(DesiredState.StoredPool pool) {
        return new PoolSpec(pool.name(), pool.uuid(), pool.disks(), 0, List.of(), pool.allowTest());
    }

    /** Adds a disk to a pool, online. Until it is known what came of it, the desired state knows of it as one that may have come. */
    public PoolView addDisk(String id, PoolDiskSpec spec) {
        String key = keyOf(id);
        absent.refuseDisks(List.of(spec.disk()));
        return state.locked(key, () -> {
            DesiredState.StoredPool known = settled(stored(key).orElseThrow(() -> OperationException.notFound("pool-not-found",
                "There is no pool " + id + "; a pool on a disk must be imported first.")), spec.disk());
            DesiredState.StoredPool allowing = spec.allowTest() ? known.allowingTest() : known;
            if (!known.disks().contains(spec.disk())) {
                state.put(StateKind.POOL, key, allowing.withDisks(known.disks(), spec.disk()));
            }
            try {
                return calls.await(state.storing(engine.addPoolDisk(key, spec), view ->
                    state.put(StateKind.POOL, key, allowing.withDisks(view.disks(), null))));
            } catch (OperationException e) {
                if (e.kind() != ErrorKind.TIMEOUT && !DISK_UNCLEAR.equals(e.code())) {
                    List<String> disks = get(key).disks();      // It may be there, and what came next has failed.
                    state.put(StateKind.POOL, key, (disks.contains(spec.disk()) ? allowing : known).withDisks(disks, null));
                }
                throw e;
            }
        });
    }

    /** Without the disk that may have come: it has, or the one that is to come now is that one. */
    private DesiredState.StoredPool settled(DesiredState.StoredPool pool, String disk) {
        if (pool.uncertainDisk() == null || pool.uncertainDisk().equals(disk)) {
            return pool;
        }
        List<String> disks = get(pool.uuid()).disks();
        if (!disks.contains(pool.uncertainDisk())) {
            throw OperationException.precondition("pool-disk-uncertain", "Whether disk " + pool.uncertainDisk() + " was added to pool "
                + pool.name() + " is not known, since that request was not answered; send it again before another disk is added.");
        }
        return pool.withDisks(disks, null);
    }

    /** Errors and stalls of its disks so far count no more. */
    public PoolView clearHealth(String id) {
        return calls.await(engine.clearPoolHealth(id));
    }

    /** Takes in what its disk, or the last of several, has gained. */
    public PoolView grow(String id) {
        return calls.await(engine.growPool(id));
    }

    /** Closes the pool clean; it stays on its disks and is not brought back by a start, nor looked for any more. Idempotent. */
    public void export(String id) {
        String key = keyOf(id);
        state.locked(key, () -> {
            Optional<DesiredState.StoredPool> known = stored(key);
            if (known.isPresent() && known.get().exported() && !isOpen(key)) {
                return null;
            }
            try {
                return calls.await(state.storing(engine.exportPool(key), done -> stored(key).ifPresent(pool ->
                    state.put(StateKind.POOL, key, pool.asExported()))));
            } catch (OperationException e) {
                boolean gone = e.kind() == ErrorKind.NOT_FOUND;
                if (known.isPresent() && (gone || e.code().equals(CLOSED_WITH_LOSS))) {
                    state.put(StateKind.POOL, key, known.get().asExported());
                }
                if (!gone || known.isEmpty()) {
                    throw e;
                }
                return null;
            }
        });
    }

    /** @param withReplicas its replicas may go; of one that is not open, and is only forgotten, nothing does */
    public void destroy(String id, boolean withReplicas) {
        String key = keyOf(id);
        absent.refusePool(key);
        state.locked(key, () -> calls.await(state.removing(engine.destroyPool(key, withReplicas), StateKind.POOL, key, () -> {
            state.list(DesiredState.StoredLimits.class).stream().filter(limits -> key.equals(limits.pool()))
                .forEach(limits -> state.remove(StateKind.LIMITS, limits.uuid()));
            state.list(DesiredState.StoredShare.class).stream().filter(share -> key.equals(share.pool()))
                .forEach(share -> state.remove(StateKind.SHARE, share.uuid()));
        })));
    }

    /** As it is open, which it may have been before, in another way than is asked for now. */
    private void store(PoolSpec spec, PoolView pool) {
        String uncertainDisk = state.find(StateKind.POOL, pool.uuid(), DesiredState.StoredPool.class)
            .filter(known -> known.disks().equals(pool.disks())).map(DesiredState.StoredPool::uncertainDisk).orElse(null);
        state.put(StateKind.POOL, pool.uuid(), new DesiredState.StoredPool(pool.name(), pool.uuid(), pool.disks(),
            spec.allowTest() || pool.test(), false, uncertainDisk, pool.readOnly() ? true : null,
            pool.readOnly() ? stored(pool.uuid()).map(DesiredState.StoredPool::usual).orElse(null) : null));
    }

    private boolean isOpen(String uuid) {
        return list().stream().anyMatch(pool -> uuid.equals(pool.uuid()));
    }

    private Optional<DesiredState.StoredPool> stored(String key) {
        return state.find(StateKind.POOL, key, DesiredState.StoredPool.class);
    }

    /** The UUID of a pool: a name is that of the open pool, else of the only one that is known by it. */
    private String keyOf(String id) {
        if (stored(id).isPresent()) {
            return id;
        }
        Optional<PoolView> open = list().stream().filter(pool -> id.equals(pool.name())).findFirst();
        List<String> known = open.isPresent() ? List.of(open.get().uuid()) : state.list(DesiredState.StoredPool.class).stream()
            .filter(pool -> id.equals(pool.name())).map(DesiredState.StoredPool::uuid).toList();
        if (known.size() > 1) {
            throw OperationException.invalid("pool-name-ambiguous", "Several pools that are not open are known as '" + id + "': "
                + String.join(", ", known) + "; name the one that is meant by its UUID.");
        }
        return known.isEmpty() ? id : known.getFirst();
    }

    private static boolean isSame(PoolSpec spec, PoolView pool) {
        return spec.uuid() == null ? spec.name().equals(pool.name()) : spec.uuid().equals(pool.uuid());
    }
}
