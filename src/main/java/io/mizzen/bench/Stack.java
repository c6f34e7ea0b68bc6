package io.mizzen.bench;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.Descriptor;
import io.mizzen.engine.Engine;
import io.mizzen.engine.Workbench;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/** What is driven: the bdevs of the options, and the pools, replicas and nexus made on them. Main thread. */
final class Stack {
    private static final long COMMAND_TIMEOUT_SECONDS = 600;
    private static final long EQUAL_POLL_NS = 20_000_000L;

    private final Workbench bench;
    private final Engine engine;
    private final BenchOptions options;
    private final List<PoolSpec> specs = new ArrayList<>();
    private final List<String> replicas = new ArrayList<>();
    /** Oldest first; of each round one for each replica. */
    private final Deque<String> snapshots = new ArrayDeque<>();
    private long clusterBytes;
    private String nexus;
    private final List<String> names = new ArrayList<>();
    private final List<Descriptor> targets = new ArrayList<>();

    Stack(Workbench bench, BenchOptions options) {
        this.bench = bench;
        this.engine = bench.engine();
        this.options = options;
    }

    /** Makes it all and opens what is driven. */
    void build() {
        for (String uri : options.bdevs) {
            names.add(await(engine.createBdev(new BdevSpec(uri))).name());
        }
        if ((options.writes() || options.nexus) && !options.overwrite && options.replica == null) {
            names.forEach(this::checkUnsigned);
        }
        if (options.replica != null) {
            names.forEach(this::pool);
        }
        raise();
    }

    /** Makes new replicas, and a new nexus, in place of those that are there, and opens them. */
    void renew() {
        lower();
        raise();
    }

    private void raise() {
        if (options.imported) {
            specs.forEach(this::importAgain);
        }
        List<String> driven = options.replica == null ? List.copyOf(names) : specs.stream().map(this::replica).toList();
        if (options.nexus) {
            driven = List.of(nexus(driven));
        }
        for (String name : driven) {
            targets.add(open(name));
        }
    }

    private void lower() {
        for (Descriptor target : targets) {
            bench.<Void>onControl("close", COMMAND_TIMEOUT_SECONDS, done -> {
                target.close();
                done.ok(null);
            });
        }
        targets.clear();
        if (nexus != null) {
            await(engine.destroyNexus(nexus));
        }
        nexus = null;
        replicas.forEach(replica -> await(engine.destroyReplica(replica)));
        replicas.clear();
    }

    private void checkUnsigned(String name) {
        try {
            bench.<Void>onControl("signature check", COMMAND_TIMEOUT_SECONDS, done -> {
                Descriptor look = bench.open(name, "bench", false, IGNORE);
                Bdev bdev = look.bdev();
                look.close();
                bench.checkUnsigned(bdev, done);
            });
        } catch (OperationException refused) {
            if (refused.code().equals("disk-not-empty")) {
                throw OperationException.precondition("disk-not-empty", refused.getMessage().replaceFirst("; to destroy.*", "")
                        + "; --overwrite destroys it");
            }
            throw refused;
        }
    }

    private void pool(String bdev) {
        List<String> overwrite = options.overwrite ? List.of("any") : List.of();
        PoolSpec spec = new PoolSpec("bench-" + specs.size(), null, List.of(bdev), options.clusterBytes, overwrite, true);
        await(engine.createPool(spec));
        specs.add(spec);
    }

    private void importAgain(PoolSpec spec) {
        await(engine.exportPool(spec.name()));
        await(engine.importPool(spec));
    }

    /** A replica that fills the pool, or as much of it as leaves room for its snapshots. */
    private String replica(PoolSpec spec) {
        PoolView pool = await(engine.pool(spec.name()));
        clusterBytes = pool.clusterSizeBytes();
        long sizeBytes = options.snapshots == 0 ? pool.freeBytes()
                : pool.freeBytes() / (options.chain + 2) / clusterBytes * clusterBytes;
        ReplicaView replica = await(engine.createReplica(new ReplicaSpec(UUID.randomUUID().toString(), "r", pool.name(),
                sizeBytes, options.replica.equals("thin"))));
        replicas.add(replica.uuid());
        return replica.bdev();
    }

    /** A nexus over them, its children made equal. */
    private String nexus(List<String> children) {
        NexusView view = await(engine.createNexus(new NexusSpec(UUID.randomUUID().toString(), "bench", children, 0, null,
                options.overwrite ? List.of("any") : List.of())));
        nexus = view.uuid();
        while (!view.state().equals("ONLINE")) {
            LockSupport.parkNanos(EQUAL_POLL_NS);
            view = await(engine.nexus(nexus));
            if (view.state().equals("FAULTED")) {
                throw OperationException.precondition("nexus-faulted", "the nexus has no healthy child");
            }
        }
        return view.bdev();
    }

    private Descriptor open(String name) {
        Descriptor descriptor = bench.onControl("open", COMMAND_TIMEOUT_SECONDS,
                done -> done.ok(bench.open(name, "bench", options.writes(), IGNORE)));
        Bdev bdev = descriptor.bdev();
        if (options.blockBytes % bdev.blockSizeBytes() != 0) {
            throw OperationException.invalid("invalid-option", "--block-size " + options.blockBytes + " is no multiple of the "
                    + bdev.blockSizeBytes() + " bytes of a block of " + name);
        }
        return descriptor;
    }

    /** What is driven. */
    List<Descriptor> targets() {
        return targets;
    }

    /** Of the pools, where there are any. */
    long clusterBytes() {
        return clusterBytes;
    }

    /** Takes a snapshot of each replica; the longest time that one's writes were held back, nanoseconds. */
    long takeSnapshots() {
        long longestNs = 0;
        for (String replica : replicas) {
            SnapshotView taken = await(engine.createSnapshot(new SnapshotSpec(UUID.randomUUID().toString(), null, replica, null,
                    null))).view();
            snapshots.add(taken.uuid());
            longestNs = Math.max(longestNs, taken.pauseNs());
        }
        return longestNs;
    }

    /** Deletes the oldest until each replica has so many; false: none were too many. */
    boolean deleteSnapshots(int keep) {
        boolean deletes = snapshots.size() > keep * replicas.size();
        while (snapshots.size() > keep * replicas.size()) {
            await(engine.destroyReplica(snapshots.remove()));
        }
        return deletes;
    }

    /** Takes apart what was made, the topmost first. The channels are closed. */
    void close() {
        lower();
        specs.forEach(pool -> await(engine.destroyPool(pool.name(), true)));
        names.forEach(name -> await(engine.destroyBdev(name)));
    }

    private static <T> T await(CompletableFuture<T> outcome) {
        try {
            return outcome.get(COMMAND_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof OperationException operation) {
                throw operation;
            }
            throw new OperationException(ErrorKind.INTERNAL, "internal-error", "failed: " + failure.getCause(), failure.getCause());
        } catch (TimeoutException late) {
            throw new OperationException(ErrorKind.TIMEOUT, "operation-timeout", "no answer within " + COMMAND_TIMEOUT_SECONDS + " s");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new OperationException(ErrorKind.UNAVAILABLE, "interrupted", "interrupted");
        }
    }

    private static final Descriptor.Listener IGNORE = new Descriptor.Listener() {
        @Override
        public void onRemoved(Bdev bdev) {
            // Its I/O fails, and the measurement with it.
        }

        @Override
        public void onResized(Bdev bdev) {
            // The addresses stay as they are; those beyond the end fail.
        }
    };
}
