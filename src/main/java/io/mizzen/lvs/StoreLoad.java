package io.mizzen.lvs;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Opens a pool: {@link StoreReader} reads and judges → identity compared → device flushed → marked unclean → what a crash
 * left half done is completed → volumes made known. Until the mark nothing has been written.
 */
final class StoreLoad {
    /** What a read-only look cannot get past either. */
    private static final Set<String> UNREADABLE = Set.of("pool-signature-missing", "pool-format-unsupported", "pool-type-foreign",
            "pool-block-size-unsupported", "pool-memory-insufficient", LvStores.READING_ENDED);

    private final LvStores stores;
    private final BdevRegistry registry;
    private final BaseDevice device;
    private final LvStores.Expected expected;
    private final WorkWatch reading;
    private final Completion<LvStore> done;
    private StoreReader.Found found;
    private LvStore store;
    private UUID reserved;
    private long startNs;
    private final Deque<BlobMetadata> halfGone = new ArrayDeque<>();

    StoreLoad(LvStores stores, BdevRegistry registry, BaseDevice device, LvStores.Expected expected, WorkWatch reading,
            Completion<LvStore> done) {
        this.reading = reading;
        this.stores = stores;
        this.registry = registry;
        this.device = device;
        this.expected = expected;
        this.done = done;
    }

    void start() {
        startNs = Reactor.current().nowNs();
        read(false);
    }

    private void read(boolean salvage) {
        new StoreReader(device, expected.rebuildMasks(), salvage, reading, stores.heap().bytesMax(), (result, refused, ioStatus) -> {
            if (refused != null && expected.readOnly() && !salvage && !UNREADABLE.contains(refused.code())) {
                read(true);
                return;
            }
            try {
                if (ioStatus != 0) {
                    throw BlobCommit.failed("reading the pool", ioStatus);
                }
                if (refused != null) {
                    throw readable(refused.toOperation());
                }
                found = result;
                identify();
                if (expected.readOnly()) {
                    store.readOnly(found.problems());
                    device.mthread().send(this::publish);       // In a later turn, so that its clock tells how long that took.
                } else {
                    settle();
                }
            } catch (OperationException e) {
                fail(e);
            }
        }).start();
    }

    /** What was read may be in the device's cache only: left by a write that failed, or by an engine that was killed. */
    private void settle() {
        device.flush(device.flushFailures(), status -> {
            if (status != 0) {
                fail(BlobCommit.failed("flushing the device of the pool", status));
            } else {
                markUnclean();
            }
        });
    }

    private void identify() {
        long superBlobId = SuperBlock.superBlobId(found.superBlock(), 0);
        BlobMetadata superBlob = null;
        for (BlobMetadata blob : found.replay().blobs()) {
            if (blob.id() == superBlobId) {
                superBlob = blob;
            }
        }
        if (superBlob == null && !expected.readOnly()) {
            throw readable(corrupt("the super blob 0x" + Long.toHexString(superBlobId) + " is missing"));
        }
        String name = superBlob == null ? null : text(superBlob, "name");
        UUID uuid = superBlob == null ? null : uuid(superBlob);
        if ((name == null || uuid == null) && expected.readOnly()) {
            found.problems().add("the super blob, which holds the pool's name and UUID, is damaged");
            name = name == null ? expected.name() == null ? "unnamed" : expected.name() : name;
            uuid = uuid != null ? uuid : expected.uuid() != null ? expected.uuid() : UUID.randomUUID();
        } else if (name == null || uuid == null) {
            throw readable(corrupt("the super blob has no valid " + (name == null ? "name" : "uuid")));
        }
        if (expected.name() != null && !expected.name().equals(name)) {
            throw OperationException.invalid("pool-name-mismatch", "the pool on the device is named " + name + ", not "
                    + expected.name() + "; import it under its name, or name the disk that is meant");
        }
        if (expected.uuid() != null && !expected.uuid().equals(uuid)) {
            throw OperationException.invalid("pool-uuid-mismatch", "the pool on the device has uuid " + uuid + ", not "
                    + expected.uuid() + "; import it under its UUID, or name the disk that is meant");
        }
        stores.reserve(name, uuid);
        reserved = uuid;
        MetadataReplay.Result replay = found.replay();
        PoolSpace space = new PoolSpace(found.geometry(), replay.usedPages(), replay.usedClusters(), replay.usedBlobIds());
        store = new LvStore(name, uuid, found.geometry(), space, device, registry, found.superBlock(), superBlob,
                !found.clean());
        addLvols(replay.blobs(), superBlob);
    }

    private void addLvols(List<BlobMetadata> blobs, BlobMetadata superBlob) {
        Map<Long, Lvol> byBlob = new HashMap<>();
        Set<UUID> uuids = new HashSet<>();
        for (BlobMetadata blob : blobs) {
            if (blob == superBlob) {
                continue;
            }
            if (blob.halfGone) {
                halfGone.add(blob);
                continue;
            }
            String reason = LvolFeatures.unusableReason(LvolFeatures.of(blob, false));
            String name = text(blob, "name");
            if (name == null || store.findLvol(name) != null) {
                reason = name == null ? "it has no valid name" : "another volume is named " + name;
                name = (name == null ? "" : name + "@") + "blob-" + Integer.toUnsignedString(blob.rootPage);
                while (store.findLvol(name) != null) {
                    name += "@";        // Somebody has named a volume so.
                }
            }
            UUID uuid = uuid(blob);
            if (uuid == null) {
                String seed = store.uuid() + "_" + blob.id();
                uuid = UUID.nameUUIDFromBytes(seed.getBytes(StandardCharsets.US_ASCII));   // Old volumes have none.
            }
            if (!uuids.add(uuid)) {
                reason = "another volume has its uuid " + uuid;
            }
            if (blob.clusters.length == 0 && reason == null) {
                reason = "it has no size";
            }
            String damage = found.replay().damaged().get(blob.rootPage);
            if (damage != null) {
                found.problems().add("volume " + name + ": " + damage);
                reason = damage;
            }
            Lvol lvol = new Lvol(store, blob, name, uuid, reason);
            store.add(lvol);
            byBlob.put(blob.id(), lvol);
        }
        new CloneLinks(store.lvols(), byBlob, found.replay().damaged()).join(circle -> {
            if (!expected.readOnly()) {
                throw corrupt(circle);
            }
            found.problems().add(circle);
        });
    }

    private void markUnclean() {
        SuperBlock.clean(found.superBlock(), 0, false);
        SuperBlock.updateCrc(found.superBlock(), 0);
        device.writeDurably(List.of(new StorePort.PageWrite(0, found.superBlock())), status -> {
            if (status != 0) {
                fail(BlobCommit.failed("marking the pool unclean", status));
            } else if (found.restored() != null) {
                StorePort.PageWrite write = new StorePort.PageWrite(
                        found.geometry().metadataPageAtBytes(found.restored().index()), found.restored().data());
                device.writeDurably(List.of(write), restoreStatus -> restored(restoreStatus));
            } else {
                restored(0);
            }
        });
    }

    private void restored(int status) {
        if (status != 0) {
            fail(BlobCommit.failed("completing a torn metadata page", status));
            return;
        }
        // Its page may be free now: torn when it is used anew, it must not be finished with what was to be there before.
        store.writer().begin(redoStatus -> {
            if (redoStatus != 0) {
                fail(BlobCommit.failed("clearing the redo page", redoStatus));
            } else {
                trim();
            }
        });
    }

    private void trim() {
        Deque<Lvol> overhanging = new ArrayDeque<>();
        for (Lvol lvol : store.lvols()) {
            if (toTrim(lvol.blob()).nextSetBit(0) >= 0 && LvolFeatures.understood(lvol.blob())) {
                overhanging.add(lvol);
            }
        }
        trim(overhanging);
    }

    /**
     * The extent pages that end elsewhere than the volume: the last, if a resize was cut short between it and the root, and
     * those that SPDK left short.
     */
    private static BitSet toTrim(BlobMetadata blob) {
        BitSet pages = blob.shortExtentPages == null ? new BitSet() : (BitSet) blob.shortExtentPages.clone();
        if (blob.overhanging != null) {
            pages.set(blob.extentPages.length - 1);
        }
        return pages;
    }

    private void trim(Deque<Lvol> overhanging) {
        Lvol lvol = overhanging.peek();
        if (lvol == null) {
            new SnapshotRecovery(store, halfGone, (nothing, failure) -> {
                if (failure != null) {
                    fail(failure);
                } else {
                    publish();
                }
            }).start();
            return;
        }
        BlobMetadata blob = lvol.blob();
        int index = toTrim(blob).nextSetBit(0);
        if (index < 0) {
            overhanging.remove();
            trim(overhanging);
            return;
        }
        MetadataWriter.Page page = new MetadataWriter.Page(blob.extentPages[index], BlobEncoder.extentPage(blob, index));
        store.writer().commit(page, status -> {
            if (status != 0) {
                fail(BlobCommit.failed("trimming an extent page", status));
                return;
            }
            blob.overhanging = index == blob.extentPages.length - 1 ? null : blob.overhanging;
            if (blob.shortExtentPages != null) {
                blob.shortExtentPages.clear(index);
            }
            trim(overhanging);
        });
    }

    private void publish() {
        for (Lvol lvol : store.lvols()) {
            if (lvol.usable()) {
                store.publish(lvol);
            }
        }
        store.replay(new LvStore.Replay(Reactor.current().nowNs() - startNs, found.pagesRead(), found.memoryBytes()));
        done.ok(store);
        store.deletions().removeDiscarded();
    }

    private void fail(OperationException failure) {
        if (reserved != null) {
            stores.release(reserved);
        }
        device.close();
        done.fail(failure);
    }

    private static String text(BlobMetadata blob, String xattr) {
        Xattr x = blob.xattr(xattr);
        if (x == null || x.value().length > LvStore.NAME_BYTES_MAX + 1 || x.text().isEmpty()) {
            return null;
        }
        return x.text();
    }

    private static UUID uuid(BlobMetadata blob) {
        Xattr x = blob.xattr("uuid");
        if (x == null || x.text().length() != 36) {
            return null;
        }
        try {
            UUID uuid = UUID.fromString(x.text());
            return uuid.getMostSignificantBits() == 0 && uuid.getLeastSignificantBits() == 0 ? null : uuid;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** A damaged pool's refusal, and how to see what is left of it. */
    private OperationException readable(OperationException refused) {
        return expected.readOnly() || refused.kind() != ErrorKind.DATA_LOSS || refused.code().equals("pool-mask-mismatch") ? refused
                : new OperationException(refused.kind(), refused.code(), refused.getMessage() + "; an import with \"readOnly\": true shows "
                + "what can still be read, and writes nothing", refused);
    }

    private static OperationException corrupt(String what) {
        return new OperationException(ErrorKind.DATA_LOSS, "pool-metadata-corrupt", what);
    }
}
