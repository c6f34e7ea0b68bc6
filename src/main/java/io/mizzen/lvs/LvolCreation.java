package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.BitSet;
import java.util.UUID;

/**
 * Creates one volume: root page and clusters taken → head of a thick volume zeroed, flushed → metadata committed → bdev
 * made known. A failure gives everything back; one that tears the commit faults the pool.
 */
final class LvolCreation {
    private final LvStore store;
    private final String name;
    private final UUID uuid;
    private final long sizeBytes;
    private final boolean thin;
    private final Lvol parent;
    private final Instant createdAt;
    private final Completion<Lvol> done;
    private BlobMetadata blob;
    private boolean unmapAll;
    private long flushFailures;

    LvolCreation(LvStore store, String name, UUID uuid, long sizeBytes, boolean thin, Completion<Lvol> done) {
        this(store, name, uuid, sizeBytes, thin, null, null, done);
    }

    /** Of a clone of this snapshot. */
    LvolCreation(LvStore store, String name, UUID uuid, Lvol parent, Instant createdAt, Completion<Lvol> done) {
        this(store, name, uuid, parent.sizeBytes(), true, parent, createdAt, done);
    }

    private LvolCreation(LvStore store, String name, UUID uuid, long sizeBytes, boolean thin, Lvol parent, Instant createdAt,
            Completion<Lvol> done) {
        this.store = store;
        this.name = name;
        this.uuid = uuid;
        this.sizeBytes = sizeBytes;
        this.thin = thin;
        this.parent = parent;
        this.createdAt = createdAt;
        this.done = done;
    }

    void start() {
        checkName(name, "a volume");
        checkFree(store, name, uuid);
        if (parent != null) {
            checkParent();
        }
        int clusters = clusterCount(store, sizeBytes);
        if (!thin && clusters > store.space().freeClusterCount()) {
            throw noSpace(store, clusters);
        }
        store.commitLimit().check(clusters * store.clusterSizeBytes());
        store.heap().check(store, clusters, clusters, thin ? 1 : 1 + BlobMetadata.extentPageCount(clusters));
        fill(takeRoot(store), clusters);
        // The name is taken from here on, so that a second creation of it is refused.
        Lvol lvol = new Lvol(store, blob, name, uuid, "it is being created");
        lvol.busy("it is being created");
        store.add(lvol);
        lvol.parent(parent);
        unmapAll = store.port().unmapZeroes();
        flushFailures = store.port().flushFailures();
        zeroHead(lvol, 0);
    }

    private void checkParent() {
        LvolResize.checkUsable(store, parent);
        if (!parent.snapshot()) {
            throw OperationException.precondition("snapshot-required", "volume " + parent
                    + " is no snapshot: take one of it, and make a clone of that");
        }
        if (parent.snapshotInfo().discarded()) {
            throw OperationException.precondition("snapshot-discarded", "snapshot " + parent
                    + " is deleted, and stays only for the clones that it has; take another one");
        }
    }

    /** Takes the root page of a new blob. */
    static int takeRoot(LvStore store) {
        int root = store.space().takeRootPage();
        if (root < 0) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, LvStore.CODE_METADATA_FULL,
                    "no metadata page of pool " + store.name() + " is free; delete volumes");
        }
        store.space().claimBlobId(root);
        return root;
    }

    private void fill(int root, int clusters) {
        blob = new BlobMetadata(root);
        blob.extentTable = true;
        blob.invalidFlags = BlobFlags.EXTENT_TABLE | (thin ? BlobFlags.THIN_PROVISIONED : 0);
        blob.xattrs.add(Xattr.ofText("name", name, LvStore.NAME_BYTES_MAX + 1));
        blob.xattrs.add(Xattr.ofText("uuid", uuid.toString(), 37));
        if (parent != null) {
            blob.internalXattr(LvolFeatures.PARENT, parent.blob().id());
            SnapshotInfo.setClone(blob, parent, createdAt.toString());
        }
        blob.resizeArrays(clusters);
        for (int i = 0; i < clusters && !thin; i++) {
            blob.clusters[i] = store.space().takeCluster();
        }
    }

    /** Makes the head of a thick volume read as zeroes, run by run of neighbouring clusters. */
    private void zeroHead(Lvol lvol, int index) {
        long clusterBytes = store.geometry().clusterSizeBytes();
        long headBytes = unmapAll ? Long.MAX_VALUE : LvStore.ZEROED_HEAD_BYTES;
        if (thin || index == blob.clusters.length || index * clusterBytes >= headBytes) {
            store.port().flush(flushFailures, status -> flushed(lvol, status));
            return;
        }
        int run = ClusterRelease.runLength(blob.clusters, index);
        long at = blob.clusters[index] * clusterBytes;
        StorePort.Done next = status -> {
            if (status == 0) {
                zeroHead(lvol, index + run);
            } else if (unmapAll) {
                unmapAll = false;   // The device promised more than it does: the head is zeroed instead.
                zeroHead(lvol, 0);
            } else {
                undo(lvol, BlobCommit.failed("zeroing a new volume", status));
            }
        };
        if (unmapAll) {
            store.port().unmap(at, run * clusterBytes, next);
        } else {
            store.port().zero(at, Math.min(run * clusterBytes, headBytes - index * clusterBytes), next);
        }
    }

    private void flushed(Lvol lvol, int status) {
        if (status != 0) {
            undo(lvol, BlobCommit.failed("flushing a new volume", status));
            return;
        }
        lvol.zeroed(!thin && (unmapAll || lvol.sizeBytes() <= LvStore.ZEROED_HEAD_BYTES));
        store.queue().add(() -> {
            if (!store.writable()) {
                store.queue().done();
                undo(lvol, LvStore.faulted());
                return;
            }
            BitSet extents = new BitSet();
            if (!thin) {
                extents.set(0, blob.extentPages.length);
            }
            new BlobCommit(store.space(), store.writer()).commit(null, blob, extents, (failure, torn) -> {
                if (torn) {
                    store.fault(failure);
                }
                store.queue().done();
                committed(lvol, failure, torn);
            });
        }, thrown -> committed(lvol, thrown, true));
    }

    private void committed(Lvol lvol, OperationException failure, boolean torn) {
        if (torn) {
            lvol.parent(null);
            store.remove(lvol);   // Page and clusters stay taken: the disk may name them.
            done.fail(failure);
        } else if (failure != null) {
            undo(lvol, failure);
        } else {
            lvol.unusable(null);
            lvol.idle();
            store.publish(lvol);
            done.ok(lvol);
        }
    }

    private void undo(Lvol lvol, OperationException failure) {
        for (int cluster : blob.clusters) {
            if (cluster != BlobMetadata.UNALLOCATED) {
                store.space().releaseCluster(cluster);
            }
        }
        store.space().releaseBlobId(blob.rootPage);
        store.space().releasePage(blob.rootPage);
        lvol.parent(null);
        store.remove(lvol);
        done.fail(failure);
    }

    static void checkFree(LvStore store, String name, UUID uuid) {
        checkUuid(uuid);
        Lvol named = store.findLvol(name);
        if (named != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "replica-exists", "pool " + store.name() + " already has a "
                    + kind(named) + " named " + name + " (" + named.uuid() + "); give another name, or delete that one first");
        }
        Lvol same = store.findLvol(uuid);
        if (same != null || store.registry().find(uuid) != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "replica-exists", "the uuid " + uuid + " is in use"
                    + (same == null ? "" : ": " + kind(same) + " " + same + " has it") + "; give another one, or none to have one chosen");
        }
    }

    private static String kind(Lvol lvol) {
        return lvol.snapshot() ? "snapshot" : "replica";
    }

    static int clusterCount(LvStore store, long sizeBytes) {
        if (sizeBytes <= 0) {
            throw OperationException.invalid("replica-size-invalid", "a volume has at least one byte, not " + sizeBytes);
        }
        if (sizeBytes > store.capacityBytes()) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, LvStore.CODE_NO_SPACE, "a volume of " + sizeBytes
                    + " bytes is larger than pool " + store.name() + "; also a thin one has at most its capacity, " + store.capacityBytes() + " bytes");
        }
        return (int) Geometry.divideUp(sizeBytes, store.clusterSizeBytes());
    }

    static OperationException noSpace(LvStore store, int clusters) {
        return new OperationException(ErrorKind.RESOURCE_EXHAUSTED, LvStore.CODE_NO_SPACE, clusters * store.clusterSizeBytes()
                + " bytes are needed and pool " + store.name() + " has " + store.freeBytes()
                + " free; delete volumes or make a thin one");
    }

    /** The nil UUID means that there is none: what has it would be known by another one after the next import. */
    static void checkUuid(UUID uuid) {
        if (uuid.getMostSignificantBits() == 0 && uuid.getLeastSignificantBits() == 0) {
            throw OperationException.invalid("uuid-invalid", "the nil UUID identifies nothing; choose another one");
        }
    }

    static void checkName(String name, String what) {
        if (name == null || name.isEmpty() || name.indexOf('\0') >= 0 || name.indexOf('/') >= 0
                || name.getBytes(StandardCharsets.UTF_8).length > LvStore.NAME_BYTES_MAX) {
            throw OperationException.invalid("name-invalid", "the name of " + what + " has 1 to " + LvStore.NAME_BYTES_MAX
                    + " bytes and no '/'");
        }
    }
}
