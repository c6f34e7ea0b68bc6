package io.mizzen.lvs;

import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;

/**
 * One logical volume of a pool. Control reactor only. A volume with features that are not served has no bdev and is left
 * as it is on the disk; its clusters count as used.
 */
public final class Lvol {
    private final LvStore store;
    private final String name;
    private final UUID uuid;
    private final EnumSet<LvolFeature> features;
    private final String parentName;
    private final ClusterMap map;
    private String unusableReason;
    private BlobMetadata blob;
    private LvolBdev bdev;
    private boolean zeroed;
    private boolean busy;

    Lvol(LvStore store, BlobMetadata blob, String name, UUID uuid, EnumSet<LvolFeature> features, String unusableReason,
            String parentName) {
        this.store = store;
        this.blob = blob;
        this.name = name;
        this.uuid = uuid;
        this.features = features;
        this.unusableReason = unusableReason;
        this.parentName = parentName;
        this.map = new ClusterMap(blob.clusters);
    }

    public LvStore store() {
        return store;
    }

    /** Unique in its pool, up to 63 bytes. */
    public String name() {
        return name;
    }

    public UUID uuid() {
        return uuid;
    }

    public Set<LvolFeature> features() {
        return EnumSet.copyOf(features);
    }

    public boolean thin() {
        return features.contains(LvolFeature.THIN);
    }

    /** Name of the snapshot it is a clone of, or null. */
    public String parentName() {
        return parentName;
    }

    /** Null if the volume is served; else why not. */
    public String unusableReason() {
        return unusableReason;
    }

    public boolean usable() {
        return unusableReason == null;
    }

    public long sizeBytes() {
        return blob.clusters.length * store.geometry().clusterSizeBytes();
    }

    public int clusterCount() {
        return blob.clusters.length;
    }

    /** Clusters that the volume itself holds. */
    public int allocatedClusterCount() {
        return blob.allocatedClusterCount();
    }

    public long allocatedBytes() {
        return allocatedClusterCount() * store.geometry().clusterSizeBytes();
    }

    /** The device that serves it; null if it is not usable. */
    public LvolBdev bdev() {
        return bdev;
    }

    void bdev(LvolBdev newBdev) {
        bdev = newBdev;
    }

    BlobMetadata blob() {
        return blob;
    }

    void blob(BlobMetadata newBlob) {
        blob = newBlob;
    }

    ClusterMap map() {
        return map;
    }

    void unusable(String reason) {
        unusableReason = reason;
    }

    /** Whether every cluster that it has was made to read as zeroes when it was created, in this run. */
    boolean zeroed() {
        return zeroed;
    }

    void zeroed(boolean isZeroed) {
        zeroed = isZeroed;
    }

    /** A resize or destroy is under way. */
    boolean busy() {
        return busy;
    }

    void busy(boolean isBusy) {
        busy = isBusy;
    }

    @Override
    public String toString() {
        return store.name() + "/" + name;
    }
}
