package io.mizzen.lvs;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * The pools that are open, and how they come to be: made on a bdev or loaded from one. Control reactor only.
 */
public final class LvStores {
    /** Bytes of a cluster unless told otherwise. */
    public static final long CLUSTER_BYTES_DEFAULT = 4L << 20;
    /** Metadata pages for each hundred clusters unless told otherwise. */
    public static final int METADATA_PAGES_PER_HUNDRED_CLUSTERS_DEFAULT = 100;
    /** Code of the refusal of a pool whose reading was ended. */
    public static final String READING_ENDED = "pool-import-cancelled";

    private final BdevRegistry registry;
    private final Mthread control;
    private final StoreHeap heap;
    private final Map<UUID, LvStore> open = new LinkedHashMap<>();
    /** Names of the pools that are being opened, by UUID. */
    private final Map<UUID, String> opening = new HashMap<>();
    private Consumer<Lvol> onGone = lvol -> { };

    /** @param control the mthread of the control reactor that owns all metadata */
    public LvStores(BdevRegistry registry, Mthread control) {
        this(registry, control, StoreHeap.bytesMaxOfProcess());
    }

    /** @param heapBytesMax what the metadata of all pools may take of the heap */
    LvStores(BdevRegistry registry, Mthread control, long heapBytesMax) {
        this.heap = new StoreHeap(heapBytesMax, this::all);
        this.registry = registry;
        this.control = control;
    }

    /**
     * What a new pool is to be.
     *
     * @param uuid null: a random one
     * @param clusterSizeBytes multiple of 1 MiB up to 1 GiB
     * @param metadataPagesPerHundredClusters at least 1; more volumes and larger thin ones need more
     * @param growableToBytes so large the pool can become; 0: what the metadata pages come to
     */
    public record Options(String name, UUID uuid, long clusterSizeBytes, int metadataPagesPerHundredClusters, long growableToBytes) {
        public Options(String name, UUID uuid, long clusterSizeBytes, int metadataPagesPerHundredClusters) {
            this(name, uuid, clusterSizeBytes, metadataPagesPerHundredClusters, 0);
        }

        /** Defaults but for the name. */
        public static Options named(String name) {
            return new Options(name, null, CLUSTER_BYTES_DEFAULT, METADATA_PAGES_PER_HUNDRED_CLUSTERS_DEFAULT);
        }
    }

    /**
     * What a pool to load must be.
     *
     * @param name null: whatever is there
     * @param uuid null: whatever is there
     * @param rebuildMasks take the pool as unclean even if it is marked clean: the way out when its masks are damaged
     * @param readOnly write nothing, now or later, and show what can be read of a pool that is damaged
     */
    public record Expected(String name, UUID uuid, boolean rebuildMasks, boolean readOnly) {
        public Expected(String name, UUID uuid, boolean rebuildMasks) {
            this(name, uuid, rebuildMasks, false);
        }

        /** Anything. */
        public static Expected any() {
            return new Expected(null, null, false);
        }
    }

    /**
     * Makes a pool on a bdev, whatever is on it: who calls has asked for that. The metadata region reads as zeroes before
     * anything is written, and the super block is written last.
     */
    public void create(Bdev base, Options options, Completion<LvStore> done) {
        create(base, options, (doneBytes, totalBytes) -> { }, done);
    }

    /** How far the metadata region of a new pool reads as zeroes: that is what takes long on a large one. */
    public interface Progress {
        void at(long doneBytes, long totalBytes);
    }

    /** As above, telling how far it is. */
    public void create(Bdev base, Options options, Progress progress, Completion<LvStore> done) {
        LvStore.assertControl();
        try {
            LvolCreation.checkName(options.name(), "a pool");
            UUID uuid = options.uuid() == null ? UUID.randomUUID() : options.uuid();
            LvolCreation.checkUuid(uuid);
            BaseDevice device = openBase(base, options.name(), true);
            try {
                reserve(options.name(), uuid);
            } catch (OperationException e) {
                device.close();
                throw e;
            }
            new StoreCreation(registry, device, options, uuid, progress, (store, failure) -> {
                if (failure != null) {
                    release(uuid);
                }
                registering(done).complete(store, failure);
            }).start();
        } catch (OperationException e) {
            done.fail(e);
        }
    }

    /**
     * Opens the pool on a bdev: read, checked, marked unclean, its volumes made known. Nothing is written if it is refused. Read
     * only, nothing is written at all, and of a damaged pool what checks is made known, with what is wrong with the rest.
     */
    public void load(Bdev base, Expected expected, Completion<LvStore> done) {
        load(base, expected, WorkWatch.NONE, done);
    }

    /** As above, telling how far the reading is: that of a large pool that was not closed clean takes long. */
    public void load(Bdev base, Expected expected, WorkWatch reading, Completion<LvStore> done) {
        LvStore.assertControl();
        try {
            new StoreLoad(this, registry, openBase(base, expected.name() == null ? base.name() : expected.name(),
                    !expected.readOnly()), expected, reading,
                    registering(done)).start();
        } catch (OperationException e) {
            done.fail(e);
        }
    }

    StoreHeap heap() {
        return heap;
    }

    /** The open pools, oldest first. */
    public List<LvStore> all() {
        open.values().removeIf(store -> store.state() == LvStore.State.CLOSED);
        return List.copyOf(open.values());
    }

    /** By name; null when there is none. */
    public LvStore find(String name) {
        for (LvStore store : all()) {
            if (store.name().equals(name)) {
                return store;
            }
        }
        return null;
    }

    /** By UUID; null when there is none. */
    public LvStore find(UUID uuid) {
        for (LvStore store : all()) {
            if (store.uuid().equals(uuid)) {
                return store;
            }
        }
        return null;
    }

    /** Takes the identity of a pool that is being opened: given up by {@link #release}, or when the pool is open. */
    void reserve(String name, UUID uuid) {
        if (find(name) != null || opening.containsValue(name)) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "pool-exists", "a pool named " + name + " is open already; export that one first");
        }
        if (find(uuid) != null || opening.containsKey(uuid)) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "pool-exists", "a pool with uuid " + uuid + " is open already; export that one first: is this a copy of its disk?");
        }
        opening.put(uuid, name);
    }

    void release(UUID uuid) {
        opening.remove(uuid);
    }

    private BaseDevice openBase(Bdev base, String name, boolean writable) {
        StoreListener listener = new StoreListener();
        Descriptor descriptor = registry.open(base, "pool " + name, writable, listener);
        return new BaseDevice(descriptor, control, listener);
    }

    /** Who is told of volumes that were deleted, when they are gone: of a snapshot that several read from, that is later. */
    public void onGone(Consumer<Lvol> listener) {
        onGone = listener;
    }

    private Completion<LvStore> registering(Completion<LvStore> done) {
        return (store, failure) -> {
            if (failure == null) {
                store.deletions().onGone(lvol -> onGone.accept(lvol));
                release(store.uuid());
                store.heap(heap);
                open.put(store.uuid(), store);
                store.device().listener().attach(store);
            }
            done.complete(store, failure);
        };
    }
}
