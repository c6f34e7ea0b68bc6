package io.mizzen.control.metrics;

import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.RebuildView;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** Nexuses, their children, what is copied to them. A child is named by its URI, or by its member's UUID where it has none. */
final class NexusFamilies {
    private static final List<String> CHILD_STATES = List.of("open", "resync", "rebuilding", "offline", "faulted", "missing",
        "closed");
    private static final String OPERATION = "operation";

    private NexusFamilies() {
    }

    static void add(Families families, NexusView nexus) {
        Labels labels = Labels.of("name", nexus.name(), "uuid", nexus.uuid());
        families.gauge("mizzen_nexus_children", "Children of the nexus", nexus.children().size(), labels);
        if (!"SHUTDOWN".equals(nexus.state())) {        // Nothing is wrong with one that was shut down by request.
            families.gauge("mizzen_nexus_healthy_children", "Healthy children of the nexus; none while it is shut down",
                nexus.children().stream().filter(NexusView.ChildView::healthy).count(), labels);
        }
        families.gauge("mizzen_nexus_dirty_regions", "Regions marked dirty", nexus.dirtyRegions(), labels);
        families.gauge("mizzen_nexus_size_bytes", "What hosts see", nexus.sizeBytes(), labels);
        families.gauge("mizzen_nexus_metadata_blocked", "1 while no healthy child takes the metadata of the nexus",
            nexus.metadataBlocked() ? 1 : 0, labels);
        families.gauge("mizzen_nexus_frozen_operations", "I/O of hosts that waits for a healthy child", nexus.frozenIos(), labels);
        families.counter("mizzen_nexus_repaired_bytes", "Bytes rewritten because a child could not read them",
            nexus.repairedBlocks() * nexus.blockSizeBytes(), labels);
        families.counter("mizzen_nexus_repair_failures", "Blocks that could not be repaired", nexus.repairFailures(), labels);
        families.gauge("mizzen_nexus_resync_remaining_bytes", "What is still to be made equal after an unclean stop",
            nexus.resync() == null ? 0 : nexus.resync().totalBytes() - nexus.resync().doneBytes(), labels);
        nexus.children().forEach(child -> child(families, labels, child));
    }

    private static void child(Families families, Labels nexus, NexusView.ChildView child) {
        Labels labels = nexus.add("child", Objects.requireNonNullElse(child.uri(), child.memberUuid()));
        for (String state : CHILD_STATES) {
            families.gauge("mizzen_child_state", "1 for the state that the child is in",
                state.equals(child.state().toLowerCase(Locale.ROOT)) ? 1 : 0, labels.add("state", state));
        }
        operations(families, labels, "read", child.reads(), child.readErrors());
        operations(families, labels, "write", child.writes(), child.writeErrors());
        families.counter("mizzen_child_repaired_reads", "Reads of the child that another one answered instead",
            child.repairedReads(), labels);
        if (child.rebuild() != null) {
            rebuild(families, labels, child.rebuild());
        }
    }

    private static void operations(Families families, Labels child, String operation, long count, long errors) {
        Labels labels = child.add(OPERATION, operation);
        families.counter("mizzen_child_operations", "I/O operations that the nexus sent to the child", count, labels);
        families.counter("mizzen_child_errors", "I/O operations that failed on the child", errors, labels);
    }

    /** While it is under way, paused and stopped ones too. */
    private static void rebuild(Families families, Labels child, RebuildView rebuild) {
        Labels labels = child.add("kind", rebuild.kind().toLowerCase(Locale.ROOT));
        families.gauge("mizzen_rebuild_size_bytes", "What the child lacked at first, or what is compared",
            rebuild.totalBytes(), labels);
        families.gauge("mizzen_rebuild_remaining_bytes", "What is left of that", rebuild.remainingBytes(), labels);
        families.gauge("mizzen_rebuild_copied_bytes", "Read from the source by the job under way", rebuild.copiedBytes(), labels);
        families.gauge("mizzen_rebuild_skipped_bytes", "Dealt with without reading: the source holds nothing there",
            rebuild.skippedBytes(), labels);
        families.gauge("mizzen_rebuild_speed_bytes", "Copied in a second, of late", rebuild.bytesPerSecond(), labels);
        families.gauge("mizzen_rebuild_limit_bytes", "What may be copied in a second, after back-off; 0: no limit",
            rebuild.limitBytesPerSecond(), labels);
        families.gauge("mizzen_rebuild_held", "1 while the job is paused or stopped by request",
            "PAUSED".equals(rebuild.state()) || "STOPPED".equals(rebuild.state()) ? 1 : 0, labels);
    }
}
