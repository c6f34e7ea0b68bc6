package io.mizzen.lvs;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.UUID;

/**
 * Makes a pool: metadata region unmapped, if the device guarantees zeroes then, else zeroed, flushed → super blob and masks
 * written → super block written, last. A crash before the end leaves a device without a signature.
 */
final class StoreCreation {
    private static final int SUPER_BLOB_PAGE = 0;
    private static final long ZERO_STEP_BYTES = 64L << 20;
    private static final long UNMAP_STEP_BYTES = 1L << 30;

    private final BdevRegistry registry;
    private final BaseDevice device;
    private final LvStores.Options options;
    private final UUID uuid;
    private final LvStores.Progress progress;
    private final Completion<LvStore> done;
    private boolean isBlank;
    private long flushFailures;
    private boolean unmaps;

    StoreCreation(BdevRegistry registry, BaseDevice device, LvStores.Options options, UUID uuid,
            LvStores.Progress progress, Completion<LvStore> done) {
        this.progress = progress;
        this.registry = registry;
        this.device = device;
        this.options = options;
        this.uuid = uuid;
        this.done = done;
    }

    void start() {
        Geometry g;
        try {
            if (options.metadataPagesPerHundredClusters() < 1) {
                throw OperationException.invalid("pool-metadata-ratio-invalid", "there is at least one metadata page for each"
                        + " hundred clusters");
            }
            g = Geometry.forNewStore(device.sizeBytes(), device.blockBytes(), options.clusterSizeBytes(),
                    options.metadataPagesPerHundredClusters(), options.growableToBytes());
        } catch (FormatException e) {
            fail(e.toOperation());
            return;
        } catch (OperationException e) {
            fail(e);
            return;
        }
        isBlank = device.isBlank();
        flushFailures = device.flushFailures();
        unmaps = device.unmapZeroes();
        long regionPages = g.metadataStart() + g.metadataPages() + (g.redoPage() >= 0 ? 1 : 0);
        zero(g, 0, regionPages * MetadataPage.SIZE_BYTES);
    }

    private void zero(Geometry g, long fromBytes, long endBytes) {
        progress.at(fromBytes, endBytes);
        if (fromBytes == endBytes) {
            device.flush(flushFailures, flushStatus -> zeroed(g, flushStatus));
            return;
        }
        long bytes = Math.min(unmaps ? UNMAP_STEP_BYTES : ZERO_STEP_BYTES, endBytes - fromBytes);
        StorePort.Done next = status -> {
            if (status == 0) {
                zero(g, fromBytes + bytes, endBytes);
            } else if (unmaps) {
                unmaps = false;         // The device promised more than it does.
                zero(g, fromBytes, endBytes);
            } else {
                fail(BlobCommit.failed("zeroing the metadata region", status));
            }
        };
        if (unmaps) {
            device.unmap(fromBytes, bytes, next);
        } else {
            device.zero(fromBytes, bytes, next);
        }
    }

    private void zeroed(Geometry g, int status) {
        if (status != 0) {
            fail(BlobCommit.failed("flushing the metadata region", status));
            return;
        }
        BlobMetadata superBlob = new BlobMetadata(SUPER_BLOB_PAGE);
        superBlob.extentTable = true;
        superBlob.invalidFlags = BlobFlags.EXTENT_TABLE;
        superBlob.xattrs.add(Xattr.ofText("uuid", uuid.toString(), 37));
        int nameBytes = options.name().getBytes(StandardCharsets.UTF_8).length;
        superBlob.xattrs.add(Xattr.ofText("name", options.name(), nameBytes + 1));
        PoolSpace space = emptySpace(g);
        if (isBlank) {
            space.onAllZero();
        }
        List<StorePort.PageWrite> writes = new ArrayList<>(StoreClose.masks(g, space));
        writes.set(0, MetadataWriter.openMark(g));      // The redo page reads as zeroes.
        try {
            List<MemorySegment> chain = BlobEncoder.encode(superBlob);
            assert chain.size() == 1;
            BlobEncoder.link(chain, superBlob.chainPages);
            writes.add(new StorePort.PageWrite(g.metadataPageAtBytes(SUPER_BLOB_PAGE), chain.getFirst()));
        } catch (FormatException e) {
            fail(e.toOperation());
            return;
        }
        MemorySegment superBlock = MemorySegment.ofArray(new byte[SuperBlock.SIZE_BYTES]);
        SuperBlock.write(superBlock, 0, g, superBlob.id(), false);
        device.writeDurably(writes, writeStatus -> {
            if (writeStatus != 0) {
                fail(BlobCommit.failed("writing the metadata", writeStatus));
                return;
            }
            device.writeDurably(List.of(new StorePort.PageWrite(0, superBlock)), superStatus -> {
                if (superStatus != 0) {
                    fail(BlobCommit.failed("writing the super block", superStatus));
                    return;
                }
                done.ok(new LvStore(options.name(), uuid, g, space, device, registry, superBlock, superBlob,
                        false));
            });
        });
    }

    private static PoolSpace emptySpace(Geometry g) {
        BitSet pages = new BitSet();
        pages.set(SUPER_BLOB_PAGE);
        BitSet blobIds = new BitSet();
        blobIds.set(SUPER_BLOB_PAGE);
        BitSet clusters = new BitSet();
        clusters.set(0, g.metadataClusterCount());
        return new PoolSpace(g, pages, clusters, blobIds);
    }

    private void fail(OperationException failure) {
        device.close();
        done.fail(failure);
    }
}
