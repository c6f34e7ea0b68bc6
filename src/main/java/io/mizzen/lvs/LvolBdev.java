package io.mizzen.lvs;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.FlushLedger;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.HotPath;
import java.util.List;

/**
 * A logical volume as a bdev. Its name is the volume's UUID, its alias {@code pool/volume}. Reads of clusters that neither
 * a thin volume nor a snapshot above it holds are zeroes. An unmap, as zeroes that may, frees the whole clusters that it
 * covers of a thin volume, and leaves zeroes; of a thick one it reaches the device under the pool and keeps the clusters. What an unmap
 * would let show through from a snapshot is hidden behind zeroes of its own. A snapshot is read-only.
 */
public final class LvolBdev extends Bdev {
    private final Lvol lvol;
    private final Descriptor base;
    private final String alias;
    private final boolean readOnly;
    /** From when on the volume is thin, for as long as it is served: the promise is not taken back. */
    private volatile boolean unmapsToZeroes;
    /** Unmaps are to free clusters: the volume is thin now. */
    private volatile boolean frees;
    private final FlushLedger flushes;
    /** Failures of flushes that the volume's users have been told of. */
    private volatile long flushFailuresTold;

    LvolBdev(Lvol lvol, Descriptor base) {
        super(lvol.uuid().toString(), lvol.uuid(), "lvol", lvol.store().geometry().ioUnitBytes(), blocks(lvol));
        this.lvol = lvol;
        this.base = base;
        this.readOnly = lvol.snapshot() || lvol.store().readOnly();
        this.unmapsToZeroes = lvol.thin() || base.bdev().unmapReadsZeroes();
        this.frees = lvol.thin();
        this.flushes = lvol.store().flushes();
        this.flushFailuresTold = flushes.failures();
        this.alias = lvol.store().name() + "/" + lvol.name();
    }

    private static long blocks(Lvol lvol) {
        return lvol.sizeBytes() / lvol.store().geometry().ioUnitBytes();
    }

    public Lvol lvol() {
        return lvol;
    }

    /** The volume is thin from now on, or not: a snapshot makes it so while it is open. Control reactor. */
    void thin(boolean isThin) {
        unmapsToZeroes |= isThin;
        frees = isThin;
    }

    @HotPath
    boolean frees() {
        return frees;
    }

    @Override
    public List<String> aliases() {
        return List.of(alias);
    }

    @Override
    public boolean supports(int ioType) {
        return switch (ioType) {
            case IoType.READ, IoType.WRITE, IoType.FLUSH, IoType.WRITE_ZEROES -> true;
            case IoType.VERIFY -> base.bdev().supports(IoType.VERIFY);
            case IoType.UNMAP -> unmapsToZeroes || base.bdev().supports(IoType.UNMAP);
            default -> false;   // The bdev layer makes compare from reads.
        };
    }

    @Override
    public int depth() {
        return base.bdev().depth() + 1;
    }

    @Override
    public boolean hasVolatileCache() {
        return base.bdev().hasVolatileCache();
    }

    /**
     * What a flush of the volume came to, or a write that ends with one: it fails if the device has failed any flush since it
     * began ({@code driverInt}), which may have been told of its loss; a flush also, once, if one has failed before, of another
     * volume, which may have cost what was acknowledged here.
     */
    @HotPath
    int flushOutcome(BdevIo io) {
        long failures = flushes.failures();
        boolean isTold = io.type != IoType.FLUSH || failures == flushFailuresTold;
        if (!isTold) {
            flushFailuresTold = failures;
        }
        return io.childStatus != Status.SUCCESS || isTold && (int) failures == io.driverInt ? io.childStatus : Status.WRITE_FAULT;
    }

    /** Whether what was written here may have been lost with the flush of another, and no flush from here has told it. Control reactor. */
    boolean hasUntoldLoss() {
        return flushes.failures() != flushFailuresTold && !isUnwritten();
    }

    @Override
    public boolean fuaFlushes() {
        return base.bdev().fuaFlushes();
    }

    @Override
    public boolean isTestOnly() {
        return base.bdev().isTestOnly();
    }

    @Override
    public boolean isLocal() {
        return base.bdev().isLocal();
    }

    @Override
    @HotPath
    public boolean unmapReadsZeroes() {
        return unmapsToZeroes;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public boolean isBlank() {
        return lvol.thin() ? lvol.parent() == null && lvol.allocatedClusterCount() == 0
                : lvol.zeroed() && isUnwritten();
    }

    @Override
    public long nextAllocated(long fromBlock, long endBlock) {
        return nextCluster(fromBlock, endBlock, true);
    }

    @Override
    public long nextUnallocated(long fromBlock, long endBlock) {
        return nextCluster(fromBlock, endBlock, false);
    }

    /** The first block from there on in a cluster that somebody up the chain holds, or nobody, as asked. */
    private long nextCluster(long fromBlock, long endBlock, boolean allocated) {
        if (!lvol.thin()) {
            return allocated ? fromBlock : endBlock;
        }
        long clusterBlocks = lvol.store().geometry().clusterSizeBytes() >>> blockShift();
        long block = fromBlock;
        while (block < endBlock) {
            int index = (int) (block / clusterBlocks);
            if (lvol.map().resolved(index) != BlobMetadata.UNALLOCATED == allocated) {
                return block;
            }
            block = (index + 1) * clusterBlocks;
        }
        return endBlock;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new LvolChannel(this, mthread, base.openChannel(mthread));
    }

    /** The size that I/O may use: raised after the map has grown, lowered before it shrinks. */
    void limitToClusters(int clusterCount) {
        setBlockCount(clusterCount * lvol.store().geometry().clusterSizeBytes() / blockSizeBytes());
    }
}
