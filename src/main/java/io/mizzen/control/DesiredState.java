package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.control.store.StateStore;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What shall exist: the objects that a start brings back. Every change hangs on the engine's answer and is written by one
 * thread in the order of the answers, also when the request that asked has given up waiting.
 */
final class DesiredState implements AutoCloseable {
    private static final int STRIPES = 64;
    /** Failures of a removal or shutdown after which the object is gone or closed all the same, but something of it is left. */
    private static final Set<String> GONE = Set.of("nexus-closed-unclean", "nexus-not-erased");

    private final StateStore store;
    private final Duration deadline;
    private final Map<String, Object> contents = new LinkedHashMap<>();
    private final List<ReentrantLock> locks = new ArrayList<>();
    private final ExecutorService writer =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().name("state-writer").daemon().factory());

    /**
     * A PCI function that was taken from the kernel.
     *
     * @param accept signatures that may be on it
     * @param serial of the drive; null when it could not be read
     */
    record StoredDevice(String address, String driver, List<String> accept, String serial) {
    }

    /** A bdev that was created by request. */
    record StoredBdev(String uri) {
    }

    /**
     * A pool; exported ones are remembered, so that an import needs no more than the name, but not brought back.
     *
     * @param uncertainDisk a disk that was being added, not among {@code disks}: only the disks know whether that came about;
     *        null: none
     * @param readOnly true: it is imported to be looked at, and a start must not write to it either; null: as usual
     * @param usual how the pool was known before it was imported to be looked at, perhaps from copies of its disks or some of them:
     *        so it is known again when it is closed; null: as this says
     */
    record StoredPool(String name, String uuid, List<String> disks, boolean allowTest, boolean exported, String uncertainDisk,
                      Boolean readOnly, StoredPool usual) {
        StoredPool(String name, String uuid, List<String> disks, boolean allowTest, boolean exported) {
            this(name, uuid, disks, allowTest, exported, null, null, null);
        }

        /** As it is known when it is not open to be looked at. */
        StoredPool asKnown() {
            return usual == null ? this : usual;
        }

        PoolImport how(boolean rebuildMasks) {
            return new PoolImport(rebuildMasks, Boolean.TRUE.equals(readOnly));
        }

        /** As a command to import it. */
        PoolSpec toImport(boolean withUncertainDisk) {
            Stream<String> named = withUncertainDisk ? Stream.concat(disks.stream(), Stream.of(uncertainDisk)) : disks.stream();
            return new PoolSpec(name, uuid, named.map(Restorer::existing).toList(), 0, List.of(), allowTest);
        }

        /** As it is known once it is closed: the next import may be a usual one. */
        StoredPool asExported() {
            StoredPool known = asKnown();
            return new StoredPool(name, uuid, known.disks, known.allowTest, true, known.uncertainDisk, null, null);
        }

        /** With the word that disks for tests only may be among its own. */
        StoredPool allowingTest() {
            return new StoredPool(name, uuid, disks, true, exported, uncertainDisk, readOnly, usual);
        }

        StoredPool withDisks(List<String> value, String uncertain) {
            return new StoredPool(name, uuid, List.copyOf(value), allowTest, exported, uncertain, readOnly, usual);
        }
    }

    /**
     * A nexus, as it was asked for and changed since.
     *
     * @param sizeBytes 0: what its metadata says
     * @param settings null: the defaults
     * @param uncertainChild a child that was being added or removed, not among {@code children}: only the nexus's metadata knows
     *        whether that came about; null: none
     * @param shutDown true: it is closed by request, and not brought back; null: it is not
     * @param sizeWhenShut bytes that it had when it was closed by request; null: it is not closed, or that is not known
     */
    record StoredNexus(String uuid, String name, List<String> children, long sizeBytes, String label, NexusSettings settings,
                       String uncertainChild, Boolean shutDown, Long sizeWhenShut) {
        StoredNexus(String uuid, String name, List<String> children, long sizeBytes, String label) {
            this(uuid, name, children, sizeBytes, label, null, null, null, null);
        }

        StoredNexus withChildren(List<String> value, String uncertain) {
            return new StoredNexus(uuid, name, List.copyOf(value), sizeBytes, label, settings, uncertain, shutDown, sizeWhenShut);
        }

        StoredNexus withSettings(NexusSettings value) {
            return new StoredNexus(uuid, name, children, sizeBytes, label, value, uncertainChild, shutDown, sizeWhenShut);
        }

        /** With the size that its metadata says. */
        StoredNexus withoutSize() {
            return new StoredNexus(uuid, name, children, 0, label, settings, uncertainChild, shutDown, sizeWhenShut);
        }

        StoredNexus asShutDown(long lastSizeBytes) {
            return new StoredNexus(uuid, name, children, sizeBytes, label, settings, uncertainChild, true, lastSizeBytes);
        }

        StoredNexus asOpen() {
            return new StoredNexus(uuid, name, children, sizeBytes, label, settings, uncertainChild, null, null);
        }

        boolean isShutDown() {
            return Boolean.TRUE.equals(shutDown);
        }

        /** Those to assemble from. */
        List<String> allChildren() {
            return uncertainChild == null ? children : Stream.concat(children.stream(), Stream.of(uncertainChild)).toList();
        }
    }

    /**
     * How a nexus or replica is served.
     *
     * @param pool UUID of the replica's pool: another may hold a replica of the same UUID; null for a nexus, and in documents of
     *        older versions
     * @param pausedUntilMs hosts' I/O waits until then (milliseconds since 1970), or for ever (0); null: it does not
     */
    record StoredShare(boolean nexus, String uuid, String pool, List<String> allowedHosts, Long pausedUntilMs) {
        static StoredShare of(ReplicaView replica, ShareSpec spec) {
            return new StoredShare(false, replica.uuid(), replica.poolUuid(), spec.allowedHosts(), null);
        }
    }

    /**
     * The limits of a nexus or replica.
     *
     * @param pool UUID of the replica's pool; null for a nexus
     */
    record StoredLimits(boolean nexus, String uuid, String pool, LimitsSpec limits) {
    }

    DesiredState(StateStore store, Duration deadline) {
        this.store = store;
        this.deadline = deadline;
        for (int i = 0; i < STRIPES; i++) {
            locks.add(new ReentrantLock());
        }
    }

    /** Takes over what was read at start. */
    synchronized void adopt(StateKind kind, String key, Object content) {
        contents.put(nameOf(kind, key), content);
    }

    synchronized <T> Optional<T> find(StateKind kind, String key, Class<T> type) {
        return Optional.ofNullable(type.cast(contents.get(nameOf(kind, key))));
    }

    synchronized <T> List<T> list(Class<T> type) {
        return contents.values().stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** The keys of one kind. */
    synchronized List<String> keys(StateKind kind) {
        String prefix = nameOf(kind, "");
        return contents.keySet().stream().filter(name -> name.startsWith(prefix)).map(name -> name.substring(prefix.length())).toList();
    }

    synchronized boolean contains(StateKind kind, String key) {
        return contents.containsKey(nameOf(kind, key));
    }

    /** Stored, durable, when this returns. */
    void put(StateKind kind, String key, Object content) {
        if (find(kind, key, Object.class).filter(content::equals).isPresent()) {
            return;
        }
        store.put(kind, key, content);
        adopt(kind, key, content);
    }

    void remove(StateKind kind, String key) {
        if (contains(kind, key)) {
            store.remove(kind, key);
            synchronized (this) {
                contents.remove(nameOf(kind, key));
            }
        }
    }

    /** Answers when the engine has, and the change that follows from its answer is durable. */
    <T> CompletableFuture<T> storing(CompletableFuture<T> answer, Consumer<? super T> change) {
        return answer.thenApplyAsync(value -> {
            change.accept(value);
            return value;
        }, writer);
    }

    /** As {@link #storing}; one that is closed, but has left something behind, is closed too, and that is told. */
    <T> CompletableFuture<T> closing(CompletableFuture<T> answer, Runnable change) {
        return answer.handleAsync((value, failure) -> {
            OperationException known = failure == null ? null : EngineCalls.failureOf(failure);
            if (known == null || GONE.contains(known.code())) {
                change.run();
            }
            if (known != null) {
                throw known;
            }
            return value;
        }, writer);
    }

    /**
     * As {@link #storing}; an object that the engine does not have, but this does, is removed here and that is success. One that
     * is gone, but has left something behind, is removed too and that is told.
     */
    CompletableFuture<Void> removing(CompletableFuture<?> answer, StateKind kind, String key) {
        return removing(answer, kind, key, () -> { });
    }

    /** The same; {@code more} removes what belonged to the object, before it. */
    CompletableFuture<Void> removing(CompletableFuture<?> answer, StateKind kind, String key, Runnable more) {
        return answer.handleAsync((value, failure) -> {
            OperationException known = failure == null ? null : EngineCalls.failureOf(failure);
            boolean absent = known != null && known.kind() == ErrorKind.NOT_FOUND && contains(kind, key);
            boolean gone = known == null || absent || GONE.contains(known.code());
            if (gone) {
                more.run();
                remove(kind, key);
            }
            if (known != null && !absent) {
                throw known;
            }
            return null;
        }, writer);
    }

    /** Runs while nothing else that locks the same object does: a restore against a removal. */
    <T> T locked(String key, Supplier<T> action) {
        ReentrantLock lock = locks.get(Math.floorMod(key.hashCode(), STRIPES));
        try {
            if (!lock.tryLock(deadline.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new OperationException(ErrorKind.UNAVAILABLE, "object-busy",
                    "Another operation on this object has not ended; nothing was done. Try again later.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperationException(ErrorKind.UNAVAILABLE, "interrupted", "The engine is stopping.");
        }
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    /** Writes what was answered, then gives the directory back. */
    @Override
    public void close() {
        writer.close();
        store.close();
    }

    private static String nameOf(StateKind kind, String key) {
        return kind + "/" + key;
    }
}
