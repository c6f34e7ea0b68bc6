package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/** Tells the features of each blob, and whether this engine may serve it. */
final class LvolFeatures {
    /** Internal attribute of a clone: blob id of its parent. */
    static final String PARENT = "SNAP";
    /** Internal attribute of a snapshot that is being made: blob id of the volume that it is made of. */
    static final String SNAPSHOT_MAKING = "SNAPTMP";
    /** Internal attribute of a snapshot that is being removed: blob id of the clone that gets what it holds. */
    static final String SNAPSHOT_REMOVING = "SNAPRM";
    private static final String EXTERNAL_PARENT = "EXTSNAP";

    private LvolFeatures() {
    }

    /** Blob id of the snapshot that this blob is a clone of, 0 = none. */
    static long parentOf(BlobMetadata blob) {
        return blobId(blob, PARENT);
    }

    /** The blob id in an internal attribute, 0 = none. */
    static long blobId(BlobMetadata blob, String attribute) {
        Xattr x = blob.internalXattr(attribute);
        return x == null || x.value().length != 8 ? 0 : MemorySegment.ofArray(x.value()).get(LittleEndian.U64, 0);
    }

    static EnumSet<LvolFeature> of(BlobMetadata blob, boolean hasClones) {
        EnumSet<LvolFeature> found = EnumSet.noneOf(LvolFeature.class);
        if (blob.thin()) {
            found.add(LvolFeature.THIN);
        }
        if (hasClones || (blob.dataReadOnlyFlags & BlobFlags.READ_ONLY) != 0) {
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

    /** Whether all of the blob's metadata is known: what is not is left on the disk as it is. */
    static boolean understood(BlobMetadata blob) {
        return unusableReason(of(blob, false)) == null;
    }

    /** Why a volume with these features is not served; null if it is. */
    static String unusableReason(EnumSet<LvolFeature> features) {
        List<String> reasons = new ArrayList<>();
        for (LvolFeature feature : features) {
            switch (feature) {
                case THIN, SNAPSHOT, CLONE, READ_ONLY, SNAPSHOT_UNDER_WAY -> { }
                case EXTERNAL_CLONE -> reasons.add("it is a clone of a device outside the pool");
                case UNKNOWN -> reasons.add("it has flags or metadata of a newer version");
            }
        }
        return reasons.isEmpty() ? null : String.join("; ", reasons);
    }
}
