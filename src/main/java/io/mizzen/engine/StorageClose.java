package io.mizzen.engine;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.lvs.LvStore;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.HashSet;
import java.util.Set;

/**
 * Closes all that lies over disks, from the top: what nobody has open goes, which leaves what it lay on to nobody, and so on
 * down. Pools, bdevs and nexuses may lie on each other in any order. Each is tried, the first failure is reported. For the
 * ordered stop; control reactor only.
 */
final class StorageClose {
    private final BdevRegistry registry;
    private final BdevService bdevs;
    private final NexusService nexuses;
    private final PoolService pools;
    private final boolean inUseToo;
    private final Completion<Void> done;
    private final Set<LvStore> tried = new HashSet<>();
    private OperationException first;

    /** @param inUseToo pools are closed, the newest first, although somebody has a replica open */
    StorageClose(Services services, boolean inUseToo, Completion<Void> done) {
        this.inUseToo = inUseToo;
        this.registry = services.plane.registry();
        this.bdevs = services.bdevs;
        this.nexuses = services.nexuses;
        this.pools = services.pools;
        this.done = done;
    }

    /** Closes what is on top now. */
    void run() {
        int before = registry.all().size();
        bdevs.closeUnused((nothing, failure) -> {
            note(failure);
            nexuses.closeUnused((none, unclean) -> {
                note(unclean);
                closePool(registry.all().size() != before);
            });
        });
    }

    private void note(OperationException failure) {
        first = first != null ? first : failure;
    }

    private void closePool(boolean isMoreFree) {
        LvStore store = pools.newest(tried, inUseToo);
        if (store != null) {
            tried.add(store);
            pools.close(store, (nothing, failure) -> {
                note(failure);
                run();
            });
        } else if (isMoreFree) {
            run();
        } else {
            done.complete(null, first);
        }
    }
}
