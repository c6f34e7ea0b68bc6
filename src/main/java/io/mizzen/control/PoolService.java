package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.Optional;

/** Pools: creation and import put them into the desired state, export and destruction take them out. */
public final class PoolService {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;
    private final Restorer restorer;

    PoolService(Engine engine, EngineCalls calls, DesiredState state, Restorer restorer) {
        this.restorer = restorer;
        this.engine = engine;
        this.calls = calls;
        this.state = state;
    }

    public List<PoolView> list() {
        return calls.await(engine.pools());
    }

    public PoolView get(String id) {
        return calls.await(engine.pool(id));
    }

    /** Creates; the same specification again finds the pool that is there. */
    public Outcome<PoolView> create(PoolSpec spec) {
        boolean existed = list().stream().anyMatch(pool -> isSame(spec, pool));
        PoolView view = calls.await(state.storing(engine.createPool(spec), pool -> store(spec, pool, false)));
        return new Outcome<>(view, !existed);
    }

    /**
     * Imports from the given disks; without disks, a pool that was exported here before or could not be restored.
     *
     * @param rebuildMasks for a pool whose masks disagree with its metadata
     */
    public PoolView importPool(String id, List<String> disks, boolean allowTest, boolean rebuildMasks) {
        Optional<DesiredState.StoredPool> known = stored(id);
        if (disks.isEmpty() && known.isEmpty()) {
            throw OperationException.invalid("disks-needed", "The pool '" + id + "' is not known here; name the "
                + "disks that it is on.");
        }
        boolean byUuid = Ids.isUuid(id);
        PoolSpec spec = new PoolSpec(known.map(DesiredState.StoredPool::name).orElse(byUuid ? null : id),
            known.map(DesiredState.StoredPool::uuid).orElse(byUuid ? id : null),
            disks.isEmpty() ? known.get().disks().stream().map(Restorer::existing).toList() : disks, 0, List.of(),
            allowTest || known.map(DesiredState.StoredPool::allowTest).orElse(false));
        PoolView view = calls.await(state.storing(engine.importPool(spec, rebuildMasks), pool -> store(spec, pool, false)));
        restorer.onPoolImported(view.uuid());
        return view;
    }

    /** Limits what its replicas may come to; the pool itself keeps it. */
    public PoolView setCommitLimit(String id, int percent) {
        return calls.await(engine.setCommitLimit(id, percent));
    }

    /** Closes the pool clean; it stays on its disks and is not brought back by a start. Idempotent. */
    public void export(String id) {
        String key = keyOf(id);
        Optional<DesiredState.StoredPool> known = stored(id);
        state.locked(key, () -> {
            if (known.isPresent() && known.get().exported() && !isOpen(id)) {
                return null;
            }
            return calls.await(state.storing(engine.exportPool(id), done -> known.ifPresent(pool ->
                state.put(StateKind.POOL, pool.uuid(), new DesiredState.StoredPool(pool.name(), pool.uuid(),
                    pool.disks(), pool.allowTest(), true)))));
        });
    }

    public void destroy(String id) {
        String key = keyOf(id);
        state.locked(key, () -> calls.await(state.removing(engine.destroyPool(id), StateKind.POOL, key, () ->
            state.list(DesiredState.StoredLimits.class).stream().filter(limits -> key.equals(limits.pool()))
                .forEach(limits -> state.remove(StateKind.LIMITS, limits.uuid())))));
    }

    private void store(PoolSpec spec, PoolView pool, boolean exported) {
        state.put(StateKind.POOL, pool.uuid(), new DesiredState.StoredPool(pool.name(), pool.uuid(), spec.disks(),
            spec.allowTest(), exported));
    }

    private boolean isOpen(String id) {
        return list().stream().anyMatch(pool -> id.equals(pool.name()) || id.equals(pool.uuid()));
    }

    private Optional<DesiredState.StoredPool> stored(String id) {
        return state.list(DesiredState.StoredPool.class).stream()
            .filter(pool -> id.equals(pool.uuid()) || id.equals(pool.name())).findFirst();
    }

    private String keyOf(String id) {
        return stored(id).map(DesiredState.StoredPool::uuid).orElse(id);
    }

    private static boolean isSame(PoolSpec spec, PoolView pool) {
        return spec.uuid() == null ? spec.name().equals(pool.name()) : spec.uuid().equals(pool.uuid());
    }
}
