package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Tells the features of each blob, and whether this engine may serve it. */
final class LvolFeatures {
    private static final String PARENT = "SNAP";
    private static final String SNAPSHOT_MAKING = "SNAPTMP";
    private static final String SNAPSHOT_REMOVING = "SNAPRM";
    private static final String EXTERNAL_PARENT = "EXTSNAP";

    private LvolFeatures() {
    }

    /** Ids of the blobs that others name as their parent. */
    static Set<Long> parents(Collection<BlobMetadata> blobs) {
        Set<Long> ids = new HashSet<>();
        for (BlobMetadata blob : blobs) {
            long parent = parentOf(blob);
            if (parent != 0) {
                ids.add(parent);
            }
        }
        return ids;
    }

    /** Blob id of the snapshot that this blob is a clone of, 0 = none. */
    static long parentOf(BlobMetadata blob) {
        Xattr parent = blob.internalXattr(PARENT);
        return parent == null || parent.value().length != 8 ? 0
                : MemorySegment.ofArray(parent.value()).get(LittleEndian.U64, 0);
    }

    static EnumSet<LvolFeature> of(BlobMetadata blob, Set<Long> parents) {
        EnumSet<LvolFeature> found = EnumSet.noneOf(LvolFeature.class);
        if (blob.thin()) {
            found.add(LvolFeature.THIN);
        }
        if (parents.contains(blob.id())) {
            found.add(LvolFeature.SNAPSHOT);
        }
        if (blob.internalXattr(PARENT) != null) {
            found.add(LvolFeature.CLONE);
        }
        if ((blob.invalidFlags & BlobFlags.EXTERNAL_SNAPSHOT) != 0 || blob.internalXattr(EXTERNAL_PARENT) != null) {
            found.add(LvolFeature.EXTERNAL_CLONE);
        }
        if ((blob.dataReadOnlyFlags & BlobFlags.READ_ONLY) != 0) {
            found.add(LvolFeature.READ_ONLY);
        }
        if (blob.internalXattr(SNAPSHOT_MAKING) != null || blob.internalXattr(SNAPSHOT_REMOVING) != null) {
            found.add(LvolFeature.SNAPSHOT_UNDER_WAY);
        }
        if ((blob.invalidFlags & ~BlobFlags.INVALID_KNOWN) != 0
                || (blob.dataReadOnlyFlags & ~BlobFlags.DATA_READ_ONLY_KNOWN) != 0
                || (blob.metadataReadOnlyFlags & ~BlobFlags.METADATA_READ_ONLY_KNOWN) != 0
                || blob.unknownDescriptor || unknownInternalXattr(blob)) {
            found.add(LvolFeature.UNKNOWN);
        }
        return found;
    }

    private static boolean unknownInternalXattr(BlobMetadata blob) {
        for (Xattr x : blob.internalXattrs) {
            switch (x.name()) {
                case PARENT, SNAPSHOT_MAKING, SNAPSHOT_REMOVING, EXTERNAL_PARENT -> { }
                default -> {
                    return true;
                }
            }
        }
        return false;
    }

    /** Why a volume with these features is not served; null if it is. */
    static String unusableReason(EnumSet<LvolFeature> features) {
        List<String> reasons = new ArrayList<>();
        for (LvolFeature feature : features) {
            switch (feature) {
                case THIN -> { }
                case SNAPSHOT -> reasons.add("it is a snapshot with clones");
                case CLONE -> reasons.add("it is a clone of a snapshot");
                case EXTERNAL_CLONE -> reasons.add("it is a clone of a device outside the pool");
                case READ_ONLY -> reasons.add("it is marked read-only");
                case SNAPSHOT_UNDER_WAY -> reasons.add("a snapshot of it is half made or half removed");
                case UNKNOWN -> reasons.add("it has flags or metadata of a newer version");
            }
        }
        return reasons.isEmpty() ? null : String.join("; ", reasons);
    }
}
