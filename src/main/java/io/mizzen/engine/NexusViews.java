package io.mizzen.engine;

import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.RebuildView;
import io.mizzen.engine.model.RebuildsView;
import io.mizzen.engine.model.ShareView;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.nexus.FaultReason;
import io.mizzen.nexus.MemberState;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.RebuildStatus;
import io.mizzen.rebuild.RebuildProgress;
import io.mizzen.rebuild.RebuildRecord;
import io.mizzen.rebuild.RebuildSettings;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/** Views of nexuses, their children and rebuilds. Control reactor only. */
final class NexusViews {
    private static final long MS = 1_000_000;

    private NexusViews() { }

    static NexusView nexus(NexusEntry entry, ShareView share) {
        Nexus nexus = entry.nexus;
        entry.identify();       // A child may have become a member in the middle of its operation.
        List<RebuildView> rebuilds = running(entry);
        List<NexusView.ChildView> children = nexus.childStatuses().stream().map(status -> child(entry, status, rebuilds)).toList();
        LimitsSpec limits = VolumeLimits.spec(nexus);
        boolean resyncing = nexus.suspectRegions() > 0;
        return new NexusView(nexus.uuid().toString(), entry.name, nexus.name(), nexus.sizeBytes(), nexus.blockSizeBytes(),
                nexus.state().name(), nexus.label().name().toLowerCase(Locale.ROOT), nexus.generation(), resyncing,
                nexus.dirtyRegions(), nexus.isMetadataBlocked(),
                nexus.frozenIos(), nexus.repairedBlocks(), nexus.repairFailures(),
                resyncing ? resync(nexus) : null, children, settings(entry), limits.equals(LimitsSpec.NONE) ? null : limits, share);
    }

    private static NexusView.ResyncView resync(Nexus nexus) {
        long total = nexus.resyncTotalBlocks();
        long copied = Math.min(total, nexus.resyncCopiedBlocks());
        return new NexusView.ResyncView(total * nexus.blockSizeBytes(), copied * nexus.blockSizeBytes(),
                total == 0 ? 0 : (int) (copied * 100.0 / total));
    }

    static NexusSettings settings(NexusEntry entry) {
        RebuildSettings rebuild = entry.nexus.rebuildSettings();
        return new NexusSettings(entry.freezeTimeoutMs, rebuild.rate(), rebuild.floor(), rebuild.backOff(), rebuild.latencyFactor());
    }

    private static NexusView.ChildView child(NexusEntry entry, ChildStatus status, List<RebuildView> rebuilds) {
        NexusEntry.Leg leg = entry.legOf(status.memberUuid());
        boolean there = leg != null && leg.bdev != null;
        String uri = leg == null ? null : leg.uri;
        boolean healthy = status.health() == MemberState.HEALTHY;
        boolean replica = there && PlaneNames.PRODUCT_LVOL.equals(leg.bdev.product());
        return new NexusView.ChildView(uri, there ? leg.bdev.name() : null, status.memberUuid().toString(),
                replica ? leg.bdev.uuid().toString() : null, state(status, entry.shut), healthy && status.present(), status.local(),
                reason(status), Instant.ofEpochMilli(status.changedAtMs()), status.reads(), status.writes(),
                status.readErrors(), status.writeErrors(), status.readRetries(), uri == null ? null
                : rebuilds.stream().filter(rebuild -> uri.equals(rebuild.child())).findFirst().orElse(null));
    }

    /** Why it is out; null when it is not: one that gets all writes while it is copied has left that behind. */
    private static String reason(ChildStatus status) {
        return status.health() == MemberState.FAULTED && status.reason() != FaultReason.NONE ? status.reason().word() : null;
    }

    private static String state(ChildStatus status, boolean shut) {
        return switch (status.health()) {
            case HEALTHY -> shut ? "CLOSED" : !status.present() ? "MISSING" : status.resyncing() ? "RESYNC" : "OPEN";
            case SYNCING -> shut ? "CLOSED" : "REBUILDING";
            default -> status.reason() == FaultReason.OFFLINE ? "OFFLINE" : "FAULTED";
        };
    }

    // --- rebuilds -------------------------------------------------------------------------------------

    static RebuildsView rebuilds(NexusEntry entry) {
        return new RebuildsView(running(entry), entry.nexus.rebuildHistory().stream().map(record -> record(entry, record)).toList());
    }

    static List<RebuildView> running(NexusEntry entry) {
        return entry.nexus.rebuildStatuses().stream().map(status -> running(entry, status)).toList();
    }

    private static RebuildView running(NexusEntry entry, RebuildStatus status) {
        long block = entry.nexus.blockSizeBytes();
        RebuildProgress progress = status.progress();
        boolean known = progress != null;
        return new RebuildView(uri(entry, status.bdev()), uri(entry, status.source()), status.kind().name(), status.phase().name(),
                status.totalBytes(), status.remainingBytes(), status.percent(), known ? progress.copiedBlocks() * block : 0,
                known ? progress.skippedBlocks() * block : 0, known ? progress.writtenBlocks() * block : 0,
                known ? progress.differentBlocks() * block : 0, known ? progress.bytesPerSecond() : 0,
                known ? progress.limitBytesPerSecond() : 0, known ? progress.elapsedNs() / MS : 0,
                known && progress.remainingNs() >= 0 ? Long.valueOf(progress.remainingNs() / MS) : null);
    }

    private static RebuildsView.RecordView record(NexusEntry entry, RebuildRecord record) {
        long block = record.blockSizeBytes();
        RebuildProgress progress = record.progress();
        List<String> children = record.destinations().stream().map(name -> uri(entry, name)).toList();
        return new RebuildsView.RecordView(record.kind().name(), progress.state().name(), uri(entry, record.source()), children,
                Instant.ofEpochMilli(record.startedAtMs()), Instant.ofEpochMilli(record.endedAtMs()), progress.totalBlocks() * block,
                progress.copiedBlocks() * block, progress.skippedBlocks() * block, progress.writtenBlocks() * block,
                progress.differentBlocks() * block, record.failure(), record.differences().stream().map(difference ->
                new RebuildsView.DifferenceView(children.get(difference.destination()), difference.offsetBlocks() * block,
                        difference.blockCount() * block)).toList());
    }

    /** The URI of the child with that bdev; its name where there is no such child any more. */
    private static String uri(NexusEntry entry, String bdevName) {
        String uri = entry.uriOf(bdevName);
        return uri == null ? bdevName : uri;
    }
}
