package io.mizzen.lvs;

import io.mizzen.util.OperationException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * One logical volume of a pool, or a snapshot of one. Control reactor only. A volume with features that are not served has
 * no bdev and is left as it is on the disk; its clusters count as used.
 *
 * <p>A clone reads what it does not hold from its parent, a snapshot. A volume of which a snapshot is taken becomes a clone
 * of that: the snapshot gets all its clusters, and its former parent.
 */
public final class Lvol {
    /** Code of the refusal of a change while another is under way. */
    static final String CODE_BUSY = "replica-busy";

    private final LvStore store;
    private final String name;
    private final UUID uuid;
    private final List<Lvol> clones = new ArrayList<>();
    private ClusterMap map;
    private Lvol parent;
    private int parentChanges;
    private String unusableReason;
    private BlobMetadata blob;
    private LvolBdev bdev;
    private boolean zeroed;
    private String busyWith;
    private Long pauseNs;
    private Work work;

    Lvol(LvStore store, BlobMetadata blob, String name, UUID uuid, String unusableReason) {
        this.store = store;
        this.blob = blob;
        this.name = name;
        this.uuid = uuid;
        this.unusableReason = unusableReason;
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
        return LvolFeatures.of(blob, !clones.isEmpty());
    }

    public boolean thin() {
        return blob.thin();
    }

    /** Whether it never changes: it was made as a snapshot, is marked read-only, or has clones. */
    public boolean snapshot() {
        return !clones.isEmpty() || (blob.dataReadOnlyFlags & BlobFlags.READ_ONLY) != 0;
    }

    /** The snapshot that it is a clone of, or null. */
    public Lvol parent() {
        return parent;
    }

    /** Name of the snapshot that it is a clone of, or null. */
    public String parentName() {
        return parent == null ? null : parent.name();
    }

    /** What reads from it: clones, later snapshots, and the volume that it is a snapshot of. */
    public List<Lvol> clones() {
        return List.copyOf(clones);
    }

    /** What is kept with a snapshot or a clone. */
    public SnapshotInfo snapshotInfo() {
        return SnapshotInfo.of(blob);
    }

    /** How long writes were held back for this snapshot, or for all that were taken with it; null if it was not taken since its pool was opened. */
    public Long pauseNs() {
        return pauseNs;
    }

    /** It was taken with others, for which writes were held back so long. Control reactor. */
    public void pauseNs(long newPauseNs) {
        pauseNs = newPauseNs;
    }

    /** Makes it a clone of another snapshot, or of none, for views and readers; the disk says so already. */
    void parent(Lvol newParent) {
        if (parent != null) {
            parent.clones.remove(this);
        }
        parent = newParent;
        parentChanges++;
        if (newParent != null) {
            newParent.clones.add(this);
        }
        map.parent(newParent == null ? null : newParent.map);
    }

    /** A removed snapshot's: it counts as no clone any more. Who still looks through its map finds the way up from there. */
    void leaveParent() {
        if (parent != null) {
            parent.clones.remove(this);
        }
        parent = null;
    }

    /**
     * Work that goes on for long.
     *
     * @param what inflate or decouple
     */
    public record Work(String what, int percent) {
    }

    /** What goes on for long with it, or null. */
    public Work work() {
        return work;
    }

    void work(Work newWork) {
        work = newWork;
    }

    /** Bytes that the snapshots above it hold, each for itself. */
    public long snapshotBytes() {
        long sum = 0;
        for (Lvol above = parent; above != null; above = above.parent) {
            sum += above.allocatedBytes();
        }
        return sum;
    }

    /**
     * The same for many: a long chain is gone through once, not once for each of its volumes.
     *
     * @param known what was found so far, for one store and one look
     */
    public long snapshotBytes(Map<Lvol, Long> known) {
        ArrayDeque<Lvol> below = new ArrayDeque<>();
        Lvol above = this;
        for (; above != null && !known.containsKey(above); above = above.parent) {
            below.push(above);
        }
        long sum = above == null ? 0 : known.get(above) + above.allocatedBytes();
        for (Lvol each : below) {
            known.put(each, sum);
            sum += each.allocatedBytes();
        }
        return known.get(this);
    }

    /** How often its parent has changed: what was copied from there before may not be what it reads now. */
    int parentChanges() {
        return parentChanges;
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
        return map.held();
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
        if (bdev != null) {
            bdev.thin(newBlob.thin());
        }
    }

    ClusterMap map() {
        return map;
    }

    /** A new snapshot's, before anybody reads it. */
    void map(ClusterMap newMap) {
        map = newMap;
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

    /** A change of it is under way: creation, resize, destruction, a snapshot, a clone's. */
    boolean busy() {
        return busyWith != null;
    }

    /** @param with what it is, said of "it" */
    void busy(String with) {
        busyWith = with;
    }

    void idle() {
        busyWith = null;
        store.deletions().ended(this);
    }

    /** The refusal of another change while it is {@link #busy}. */
    OperationException busyRefusal(String name) {
        return OperationException.precondition(CODE_BUSY, name + " is being changed (" + busyWith
                + "); try again when that has ended");
    }

    /** Refuses what {@link LvStore#rollbackLvol} would, but that somebody has it open. Control reactor. */
    public void checkRollback(Lvol snapshot) {
        new LvolRollback(store, this, snapshot, (same, never) -> { }).check();
    }

    @Override
    public String toString() {
        return store.name() + "/" + name;
    }
}
