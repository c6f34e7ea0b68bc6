package io.mizzen.lvs;

import java.util.UUID;

/**
 * What is kept with a snapshot, or with a clone of one, as attributes that Mayastor reads, and two of our own. Whatever is
 * missing is null.
 *
 * @param sourceUuid the volume that it is a snapshot of, or the snapshot that it is a clone of
 * @param entityId whatever the snapshot belongs to
 * @param transactionId what the snapshots of several replicas, taken together, have in common
 * @param createdAt as it stands there, RFC 3339
 * @param discarded it was deleted while it had clones, and goes with the last but one of them
 * @param momentId of the moment that it was to share with snapshots of other volumes; null: it was taken by itself, or by others
 * @param sealed all that were to share the moment have it. Until then a crash, or pools that fail, may leave some of them, of
 *        different moments
 */
public record SnapshotInfo(UUID sourceUuid, String entityId, String transactionId, String createdAt, boolean discarded, UUID momentId,
                           boolean sealed) {
    private static final String ENTITY_ID = "io-engine.entity_id";
    private static final String TRANSACTION_ID = "io-engine.tx_id";
    private static final String PARENT_ID = "io-engine.parent_id";
    private static final String CREATED_AT = "io-engine.snapshot_create_time";
    private static final String DISCARDED = "io-engine.discarded_snapshot";
    private static final String MOMENT_ID = "mizzen.moment-id";
    private static final String MOMENT_SEALED = "mizzen.moment-sealed";
    private static final String CLONE_SOURCE = "io-engine.source_uuid";
    private static final String CLONE_CREATED_AT = "io-engine.clone_create_time";
    /** Of a volume that belongs to somebody. */
    private static final String VOLUME_ENTITY_ID = "entity_id";

    static SnapshotInfo of(BlobMetadata blob) {
        String source = text(blob, PARENT_ID);
        String createdAt = text(blob, CREATED_AT);
        return new SnapshotInfo(uuid(source != null ? source : text(blob, CLONE_SOURCE)), text(blob, ENTITY_ID),
                text(blob, TRANSACTION_ID), createdAt != null ? createdAt : text(blob, CLONE_CREATED_AT),
                Boolean.parseBoolean(text(blob, DISCARDED)), uuid(text(blob, MOMENT_ID)),
                Boolean.parseBoolean(text(blob, MOMENT_SEALED)));
    }

    /** Sets what a new snapshot has. */
    static void set(BlobMetadata snapshot, Lvol source, UUID uuid, SnapshotOptions options, UUID momentId) {
        String owner = text(source.blob(), VOLUME_ENTITY_ID);
        String entityId = options.entityId() != null ? options.entityId() : owner != null ? owner : source.uuid().toString();
        snapshot.xattr(Xattr.ofBareText(ENTITY_ID, entityId));
        snapshot.xattr(Xattr.ofBareText(TRANSACTION_ID, options.transactionId() != null ? options.transactionId() : uuid.toString()));
        snapshot.xattr(Xattr.ofBareText(PARENT_ID, source.uuid().toString()));
        snapshot.xattr(Xattr.ofBareText(CREATED_AT, options.createdAt().toString()));
        snapshot.xattr(Xattr.ofBareText(DISCARDED, "false"));
        if (momentId != null) {
            snapshot.xattr(Xattr.ofBareText(MOMENT_ID, momentId.toString()));
            snapshot.xattr(Xattr.ofBareText(MOMENT_SEALED, "false"));
        }
    }

    static void seal(BlobMetadata snapshot) {
        snapshot.xattr(Xattr.ofBareText(MOMENT_SEALED, "true"));
    }

    /** Sets what a new clone has. */
    static void setClone(BlobMetadata clone, Lvol snapshot, String createdAt) {
        clone.xattr(Xattr.ofBareText(CLONE_SOURCE, snapshot.uuid().toString()));
        clone.xattr(Xattr.ofBareText(CLONE_CREATED_AT, createdAt));
    }

    static void discard(BlobMetadata snapshot) {
        snapshot.xattr(Xattr.ofBareText(DISCARDED, "true"));
    }

    private static String text(BlobMetadata blob, String name) {
        Xattr x = blob.xattr(name);
        return x == null ? null : x.text();
    }

    private static UUID uuid(String text) {
        try {
            return text == null || text.length() != 36 ? null : UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            return null;    // Somebody else's idea of an identity: the relation is known by the blob all the same.
        }
    }
}
