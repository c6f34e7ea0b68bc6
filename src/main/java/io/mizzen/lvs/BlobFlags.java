package io.mizzen.lvs;

/** Bits of the three flag words of a blob, and which of them this engine knows. */
final class BlobFlags {
    /** Of {@code invalidFlags}: an unknown bit forbids opening the blob. */
    static final long THIN_PROVISIONED = 1;
    static final long INTERNAL_XATTR = 1 << 1;
    static final long EXTENT_TABLE = 1 << 2;
    static final long EXTERNAL_SNAPSHOT = 1 << 3;
    static final long INVALID_KNOWN = THIN_PROVISIONED | INTERNAL_XATTR | EXTENT_TABLE | EXTERNAL_SNAPSHOT;

    /** Of {@code dataReadOnlyFlags}: an unknown bit makes data and metadata read-only. */
    static final long READ_ONLY = 1;
    static final long DATA_READ_ONLY_KNOWN = READ_ONLY;

    /** Of {@code metadataReadOnlyFlags}: an unknown bit makes the metadata read-only. The two low bits: clear method. */
    static final long METADATA_READ_ONLY_KNOWN = 3;

    private BlobFlags() {
    }
}
