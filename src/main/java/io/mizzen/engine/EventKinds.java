package io.mizzen.engine;

import io.mizzen.engine.model.EventSeverity;
import java.util.Set;

/** Which kinds of events ask for attention; all others are for information. Any thread. */
final class EventKinds {
    private static final Set<String> ERRORS = Set.of("nexus-faulted", "pool-faulted", "pool-full", "metadata-not-stored", "pool-not-stored",
            "child-lost", "cache-lost", "io-fails", "repair-impossible", "state-document-corrupt", "namespace-lost", "repair-failed", "verify-mismatch",
            "nvme-dead", "nvme-memory-kept");
    private static final Set<String> WARNINGS = Set.of("child-faulted", "child-removed", "child-missing", "child-not-erased",
            "nexus-degraded", "io-waits", "resync-failed", "rebuild-failed", "rebuild-source-failed", "bdev-lost",
            "bdev-close-failed", "keep-alive-timeout", "child-not-rebuilt", "verify-failed", "reactor-stalled", "restore-failed", "fault-set",
            "stop-unclean", "repaired", "pause-expired", "auto-online-failed", "auto-online-suspended", "share-not-served",
            "pool-nearly-full", "pool-degraded", "pool-suspected", "pool-disk-shrunk", "pool-disk-unusable-space", "replica-inflate-failed", "replica-decouple-failed",
            "replica-wipe-failed", "nexus-snapshot-failed", "pool-create-failed", "pool-import-failed",
            "nvme-reset", "nvme-timeout", "nvme-error", "nvme-health", "nvme-shutdown-late", "nvme-slow-start", "nvme-not-abandoned");

    private EventKinds() { }

    static EventSeverity severity(String kind) {
        return ERRORS.contains(kind) ? EventSeverity.ERROR
                : WARNINGS.contains(kind) ? EventSeverity.WARNING : EventSeverity.INFO;
    }
}
