package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.RebuildOrder;
import io.mizzen.engine.model.RebuildsView;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.nexus.FaultReason;
import io.mizzen.nexus.MemberState;
import io.mizzen.nexus.Nexus;
import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Children of nexuses: they come, go, are rebuilt and compared. Control reactor only. */
final class NexusChildService {
    private static final long FREEZE_MIN_MS = 1;
    private static final long FREEZE_MAX_MS = 3_600_000;
    private static final double LATENCY_FACTOR_MAX = 1000;

    private final PlaneContext plane;
    private final BdevService bdevs;
    private final PoolService pools;
    private final NexusService nexuses;

    NexusChildService(PlaneContext plane, BdevService bdevs, PoolService pools, NexusService nexuses) {
        this.plane = plane;
        this.bdevs = bdevs;
        this.pools = pools;
        this.nexuses = nexuses;
    }

    /** Operations on a child take turns with those on its nexus, its bdev and the pool under it. */
    Set<String> keys(String id, String child) {
        NexusEntry entry = nexuses.entry(id);
        Set<String> keys = new LinkedHashSet<>(nexuses.keys(id));
        NexusEntry.Leg leg = entry.find(child);
        keys.addAll(keysOf(leg == null ? child : leg.uri));
        return keys;
    }

    private Set<String> keysOf(String uri) {
        try {
            return bdevs.keys(uri);
        } catch (OperationException nowhere) {
            return Set.of();        // The operation itself says so, or does not need it.
        }
    }

    // --- add and remove ---------------------------------------------------------------------------------

    void add(String id, String uri, List<String> overwrite, Completion<NexusView> done) {
        SignatureCheck.accepted(overwrite);
        NexusEntry entry = nexuses.running(id);
        if (entry.find(uri) != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "child-exists", "nexus " + entry.name + " has child " + uri
                    + " already; if it is out and its disk is well, " + way("POST", entry, entry.find(uri)) + "/online brings it back; if "
                    + "there is another disk in its place, " + way("DELETE", entry, entry.find(uri)) + " first, then add it again");
        }
        bdevs.resolve(uri, (bdev, missing) -> {
            if (missing != null) {
                done.fail(missing);
                return;
            }
            NexusEntry.Leg leg = new NexusEntry.Leg(uri, bdev, null);
            leg.joining = true;
            Completion<Void> end = (nothing, failure) -> {
                leg.joining = false;
                OperationException told = failure == null ? null : named(entry, failure);
                if (failure != null) {
                    entry.legs.remove(leg);
                    bdevs.releaseRefused(bdev);
                } else {
                    entry.identify();
                }
                finish(entry, told, done);
            };
            if (entry.legOf(bdev) != null || restsOn(bdev, entry.nexus)) {
                bdevs.release(bdev);
                done.fail(new OperationException(ErrorKind.FAILED_PRECONDITION, "child-in-use", "child " + uri
                        + " is one of nexus " + entry.name + " already, or rests on it"));
                return;
            }
            nexuses.checkUnsigned(List.of(bdev), overwrite, (nothing, refused) -> {
                if (refused != null) {
                    bdevs.release(bdev);
                    done.fail(refused);
                    return;
                }
                entry.legs.add(leg);
                entry.nexus.addChild(bdev, end);
            });
        });
    }

    /** Whether one bdev's data lies on another: a mirror must not contain itself. */
    private boolean restsOn(Bdev upper, Bdev lower) {
        if (upper == lower) {
            return true;
        }
        if (upper instanceof Nexus nexus) {
            return nexuses.legBdevs(nexus).stream().anyMatch(leg -> restsOn(leg, lower));
        }
        return pools.disksOf(upper).stream().anyMatch(disk -> restsOn(disk, lower)) || bdevs.basesOf(upper).stream().anyMatch(base -> restsOn(base, lower));
    }

    void remove(String id, String child, Completion<NexusView> done) {
        NexusEntry entry = nexuses.running(id);
        NexusEntry.Leg leg = leg(entry, child);
        if (leg.member == null) {       // Named when the nexus was assembled, and never a member of it.
            entry.legs.remove(leg);
            done.ok(nexuses.view(entry));
            return;
        }
        entry.nexus.removeChild(nameOf(entry, leg), (nothing, failure) -> {
            if (failure == null) {
                entry.legs.remove(leg);
                letGo(leg);
            }
            finish(entry, failure, done);
        });
    }

    // --- out and back -----------------------------------------------------------------------------------

    void offline(String id, String child, Completion<NexusView> done) {
        NexusEntry entry = nexuses.running(id);
        NexusEntry.Leg leg = leg(entry, child);
        entry.nexus.offlineChild(nameOf(entry, leg), (nothing, failure) -> {
            if (failure == null) {
                putAway(leg);
            }
            finish(entry, failure, done);
        });
    }

    void fault(String id, String child, Completion<NexusView> done) {
        NexusEntry entry = nexuses.running(id);
        NexusEntry.Leg leg = leg(entry, child);
        entry.nexus.faultChild(nameOf(entry, leg), (nothing, failure) -> finish(entry, failure, done));
    }

    /** As {@link #online}, unless somebody has asked for the child to be out. */
    void comeBack(String id, String child, Completion<NexusView> done) {
        NexusEntry entry = nexuses.running(id);
        NexusEntry.Leg leg = leg(entry, child);
        ChildStatus status = leg.member == null ? null : entry.status(leg.member);
        if (status != null && status.health() == MemberState.FAULTED
                && (status.reason() == FaultReason.OFFLINE || status.reason() == FaultReason.ADMINISTRATIVE)) {
            throw OperationException.precondition("child-out-by-request", "child " + leg.uri + " of nexus " + entry.name
                    + " was taken out by request; bring it online by request");
        }
        online(id, child, done);
    }

    /** Looks for the child where its URI says, and brings it back. */
    void online(String id, String child, Completion<NexusView> done) {
        NexusEntry entry = nexuses.running(id);
        NexusEntry.Leg leg = leg(entry, child);
        leg.joining = true;
        Completion<Bdev> found = (bdev, missing) -> {
            if (missing != null) {
                leg.joining = false;
                done.fail(withWayOut(entry, leg, missing));
                return;
            }
            Bdev before = leg.bdev;
            leg.bdev = bdev;
            entry.nexus.onlineChild(bdev, (nothing, failure) -> {
                leg.joining = false;
                OperationException told = failure == null ? null : withWayOut(entry, leg, named(entry, failure));
                if (failure != null) {
                    leg.bdev = before != null && before != bdev ? before : bdev.isOpen() ? bdev : null;
                    bdevs.release(bdev);
                } else {
                    if (before != null && before != bdev) {
                        bdevs.release(before);
                    }
                    entry.identify();
                }
                finish(entry, told, done);
            });
        };
        try {
            bdevs.resolveExisting(leg.uri, found);
        } catch (OperationException missing) {
            found.fail(missing);
        }
    }

    private static String way(String method, NexusEntry entry, NexusEntry.Leg leg) {
        return method + " /v1/nexuses/" + entry.nexus.uuid() + "/children/" + (leg.member == null ? leg.uri : leg.member);
    }

    /** A child that cannot come back because its disk or its metadata is not there has to be replaced: says how. */
    private static OperationException withWayOut(NexusEntry entry, NexusEntry.Leg leg, OperationException failure) {
        boolean gone = failure.kind() == ErrorKind.NOT_FOUND || failure.code().equals("child-not-member");
        return !gone ? failure : new OperationException(failure.kind(), failure.code(), failure.getMessage()
                + "; if what it held is lost: " + way("DELETE", entry, leg) + ", make a new replica if it was one, and POST its URI to "
                + "/v1/nexuses/" + entry.nexus.uuid() + "/children");
    }

    /** A child that is out has been closed by its nexus: what was opened for it only is closed too. */
    void onClosed(Nexus nexus, String bdevName) {
        NexusEntry entry = nexuses.find(nexus);
        NexusEntry.Leg leg = entry == null ? null : entry.legs.stream()
                .filter(some -> some.bdev != null && some.bdev.name().equals(bdevName)).findFirst().orElse(null);
        if (leg != null && !leg.joining) {
            Bdev bdev = leg.bdev;
            plane.control().post(() -> {        // The nexus still closes it in this turn.
                if (!leg.joining && leg.bdev == bdev && !bdev.isOpen()) {
                    putAway(leg);
                }
            });
        }
    }

    private void putAway(NexusEntry.Leg leg) {
        if (leg.outlivesClosing()) {
            letGo(leg);
        }
    }

    private void letGo(NexusEntry.Leg leg) {
        Bdev bdev = leg.bdev;
        leg.bdev = null;
        if (bdev != null) {
            leg.closed = bdev;
            bdevs.release(bdev);
        }
    }

    // --- rebuilds ---------------------------------------------------------------------------------------

    void order(String id, String child, RebuildOrder order, Completion<NexusView> done) {
        NexusEntry entry = nexuses.running(id);
        NexusEntry.Leg leg = leg(entry, child);
        ChildStatus status = leg.member == null ? null : entry.status(leg.member);
        if (order == RebuildOrder.START && status != null && status.health() == MemberState.FAULTED) {
            online(id, child, done);
            return;
        }
        String name = nameOf(entry, leg);
        Completion<Void> end = (nothing, failure) -> {
            if (failure == null) {
                String kind = "rebuild-" + switch (order) {
                    case START -> "restarted";
                    case PAUSE -> "paused";
                    case RESUME -> "resumed";
                    case STOP -> "stopped";
                };
                plane.event(ObjectKind.CHILD, null, leg.uri, kind, "the rebuild or comparison of child " + leg.uri + " of nexus "
                        + entry.name + " is " + kind.substring(kind.indexOf('-') + 1), entry.details(leg).toArray());
            }
            finish(entry, failure, done);
        };
        switch (order) {
            case START -> entry.nexus.startRebuild(name, end);
            case PAUSE -> entry.nexus.pauseRebuild(name, end);
            case RESUME -> entry.nexus.resumeRebuild(name, end);
            case STOP -> entry.nexus.stopRebuild(name, end);
        }
    }

    /**
     * Compares children with another one.
     *
     * @param child null: all healthy ones but the first, one after the other being begun
     */
    void verify(String id, String child, Completion<RebuildsView> done) {
        NexusEntry entry = nexuses.running(id);
        List<String> names = child != null ? List.of(nameOf(entry, leg(entry, child))) : entry.nexus.childStatuses().stream()
                .filter(status -> status.present() && status.health() == MemberState.HEALTHY).map(ChildStatus::bdev).skip(1).toList();
        if (names.isEmpty()) {
            throw OperationException.precondition("no-healthy-source", "nexus " + entry.name
                    + " has no second healthy child to compare with");
        }
        verifyNext(entry, names, 0, done);
    }

    private void verifyNext(NexusEntry entry, List<String> names, int index, Completion<RebuildsView> done) {
        if (index == names.size()) {
            done.ok(NexusViews.rebuilds(entry));
            return;
        }
        entry.nexus.verifyChild(names.get(index), (nothing, failure) -> {
            if (failure != null) {
                done.fail(named(entry, failure));
            } else {
                verifyNext(entry, names, index + 1, done);
            }
        });
    }

    RebuildsView rebuilds(String id) {
        return NexusViews.rebuilds(nexuses.entry(id));
    }

    // --- settings ---------------------------------------------------------------------------------------

    NexusView set(String id, NexusSettings wanted) {
        NexusEntry entry = nexuses.running(id);
        NexusSettings before = NexusViews.settings(entry);
        apply(entry, wanted);
        NexusSettings after = NexusViews.settings(entry);
        if (!before.equals(after)) {
            Map<String, String> changed = changes(before, after);
            List<Object> details = new ArrayList<>();
            changed.forEach((name, values) -> details.addAll(List.of(name, values)));
            plane.event(ObjectKind.NEXUS, entry.nexus.uuid(), entry.name, "nexus-settings-changed", "settings of nexus " + entry.name
                    + " have changed: " + changed.entrySet().stream().map(change -> change.getKey() + ' ' + change.getValue())
                    .collect(Collectors.joining(", ")), details.toArray());
        }
        return nexuses.view(entry);
    }

    /** Settings that differ: old and new value, by name. */
    private static Map<String, String> changes(NexusSettings before, NexusSettings after) {
        Map<String, String> changes = new LinkedHashMap<>();
        put(changes, "freezeTimeoutMs", before.freezeTimeoutMs(), after.freezeTimeoutMs());
        put(changes, "rebuildBytesPerSecond", before.rebuildBytesPerSecond(), after.rebuildBytesPerSecond());
        put(changes, "rebuildFloorBytesPerSecond", before.rebuildFloorBytesPerSecond(), after.rebuildFloorBytesPerSecond());
        put(changes, "rebuildBackOff", before.rebuildBackOff(), after.rebuildBackOff());
        put(changes, "rebuildLatencyFactor", before.rebuildLatencyFactor(), after.rebuildLatencyFactor());
        return changes;
    }

    private static void put(Map<String, String> changes, String name, Object before, Object after) {
        if (!before.equals(after)) {
            changes.put(name, before + " -> " + after);
        }
    }

    static void apply(NexusEntry entry, NexusSettings wanted) {
        if (wanted.freezeTimeoutMs() < FREEZE_MIN_MS || wanted.freezeTimeoutMs() > FREEZE_MAX_MS) {
            throw OperationException.invalid("invalid-freeze-timeout", "freezeTimeoutMs is " + wanted.freezeTimeoutMs()
                    + "; it must be " + FREEZE_MIN_MS + " to " + FREEZE_MAX_MS);
        }
        if (!(wanted.rebuildLatencyFactor() <= LATENCY_FACTOR_MAX)) {
            throw OperationException.invalid("invalid-rebuild-latency-factor", "rebuildLatencyFactor is "
                    + wanted.rebuildLatencyFactor() + "; it must be 1 to " + LATENCY_FACTOR_MAX);
        }
        RebuildSettings now = entry.nexus.rebuildSettings();
        entry.nexus.setRebuildSettings(new RebuildSettings(wanted.rebuildBytesPerSecond(), wanted.rebuildFloorBytesPerSecond(),
                wanted.rebuildBackOff(), wanted.rebuildLatencyFactor(), now.segments(), now.windowBytes(), now.workers()));
        entry.freezeTimeoutMs = wanted.freezeTimeoutMs();
        entry.nexus.setFreezeTimeoutNs(wanted.freezeTimeoutMs() * 1_000_000);
    }

    // --- finding ----------------------------------------------------------------------------------------

    private static NexusEntry.Leg leg(NexusEntry entry, String child) {
        NexusEntry.Leg leg = entry.find(child);
        if (leg == null) {
            for (ChildStatus status : entry.nexus.childStatuses()) {
                if (status.memberUuid().toString().equals(child)) {
                    NexusEntry.Leg unknown = new NexusEntry.Leg(child, null, null);     // A member without a URI.
                    unknown.member = status.memberUuid();
                    return unknown;
                }
            }
            throw OperationException.notFound("child-not-found", "nexus " + entry.name + " has no child " + child);
        }
        return leg;
    }

    /** What the nexus calls it: its bdev, or the member's UUID where it has none. */
    private static String nameOf(NexusEntry entry, NexusEntry.Leg leg) {
        if (leg.member == null) {
            throw OperationException.precondition("child-not-member", "child " + leg.uri + " was named when nexus " + entry.name
                    + " was assembled, and holds no member of it; " + way("DELETE", entry, leg) + ", then add it as a new one");
        }
        ChildStatus status = entry.status(leg.member);
        return status == null || status.bdev() == null ? leg.member.toString() : status.bdev();
    }

    /** The nexus calls its children by their bdevs, whose names may be UUIDs that nobody gave them: says their URIs instead. */
    private static OperationException named(NexusEntry entry, OperationException failure) {
        return named(entry.legs, failure);
    }

    static OperationException named(List<NexusEntry.Leg> legs, OperationException failure) {
        String message = failure.getMessage();
        List<NexusEntry.Leg> longestFirst = legs.stream().filter(leg -> leg.bdev != null && leg.uri != null)
                .sorted(Comparator.comparingInt((NexusEntry.Leg leg) -> leg.bdev.name().length()).reversed()).toList();
        for (NexusEntry.Leg leg : longestFirst) {
            message = message.replaceAll("\\bchild " + Pattern.quote(leg.bdev.name()) + "(?![\\w-])",
                    Matcher.quoteReplacement("child " + leg.uri));
        }
        return message.equals(failure.getMessage()) ? failure
                : new OperationException(failure.kind(), failure.code(), message, failure.getCause());
    }

    private void finish(NexusEntry entry, OperationException failure, Completion<NexusView> done) {
        if (failure != null) {
            done.fail(named(entry, failure));
        } else {
            done.ok(nexuses.view(entry));
        }
    }
}
