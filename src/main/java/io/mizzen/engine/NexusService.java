package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.lvs.Lvol;
import io.mizzen.lvs.LvolBdev;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.nexus.Label;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusEnvironment;
import io.mizzen.nexus.NexusParameters;
import io.mizzen.nvme.pcie.NvmeBdev;
import io.mizzen.rebuild.LeastBusyChooser;
import io.mizzen.rebuild.WorkerChooser;
import io.mizzen.uring.UringBdev;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Nexuses: mirrors over the bdevs that their URIs name. Control reactor only. */
final class NexusService {
    private static final int CHILDREN_MAX = 16;

    private final PlaneContext plane;
    private final BdevService bdevs;
    private final ShareService shares;
    private final Map<UUID, NexusEntry> entries = new LinkedHashMap<>();
    private final WorkerChooser copier;
    private final NexusEvents events;

    NexusService(PlaneContext plane, BdevService bdevs, ShareService shares) {
        this.plane = plane;
        this.bdevs = bdevs;
        this.shares = shares;
        this.copier = new LeastBusyChooser(plane.control(), plane.rebuild());
        this.events = new NexusEvents(plane, this::find);
    }

    /** Tells of children that a nexus has closed. */
    void onChildClosed(BiConsumer<Nexus, String> listener) {
        events.onChildClosed(listener);
    }

    /** Operations on a nexus take turns with those on its children and the pools under them. */
    Set<String> keys(NexusSpec spec, boolean allChildren) {
        check(spec);
        Set<String> keys = new LinkedHashSet<>();
        keys.add("nexus " + Uuids.parse("uuid", spec.uuid()));
        for (String child : spec.children()) {
            try {
                keys.addAll(bdevs.keys(child));
            } catch (OperationException missing) {
                if (allChildren || missing.kind() != ErrorKind.NOT_FOUND) {
                    throw missing;
                }
            }
        }
        return keys;
    }

    Set<String> keys(String id) {
        return Set.of("nexus " + entry(id).nexus.uuid());
    }

    private static void check(NexusSpec spec) {
        Uuids.parse("uuid", spec.uuid());
        if (spec.name() != null) {
            PoolService.checkName(spec.name(), "name");
        }
        if (spec.children() == null || spec.children().isEmpty() || spec.children().size() > CHILDREN_MAX) {
            throw OperationException.invalid("invalid-children", "children must name 1 to " + CHILDREN_MAX + " bdevs");
        }
        if (new HashSet<>(spec.children()).size() != spec.children().size() || spec.children().stream().anyMatch(java.util.Objects::isNull)) {
            throw OperationException.invalid("invalid-children", "children must name each bdev once");
        }
        if (spec.sizeBytes() < 0) {
            throw OperationException.invalid("invalid-size", "sizeBytes is " + spec.sizeBytes() + "; it must not be negative");
        }
        label(spec);
        SignatureCheck.accepted(signatures(spec));
    }

    private static List<String> signatures(NexusSpec spec) {
        return spec.overwrite().stream().filter(word -> !SignatureCheck.NEXUS.equals(word)).toList();
    }

    private static Label label(NexusSpec spec) {
        if (spec.label() == null) {
            return Label.V2;
        }
        return switch (spec.label()) {
            case "v2" -> Label.V2;
            case "v1" -> Label.V1;
            default -> throw OperationException.invalid("invalid-label", "label is '" + spec.label() + "'; it must be v2 or v1");
        };
    }

    private static String name(NexusSpec spec) {
        return spec.name() == null ? "nexus-" + spec.uuid().toLowerCase(Locale.ROOT) : spec.name();
    }

    /** Every child must be there; a nexus that they carry already is assembled. */
    void create(NexusSpec spec, Completion<NexusView> done) {
        open(spec, NexusParameters.Mode.CREATE_OR_ASSEMBLE, false, done);
    }

    /** Children that are not there are left out; nothing is created. */
    void assemble(NexusSpec spec, boolean allowMissing, Completion<NexusView> done) {
        open(spec, NexusParameters.Mode.ASSEMBLE, allowMissing, done);
    }

    private void open(NexusSpec spec, NexusParameters.Mode mode, boolean allowMissing, Completion<NexusView> done) {
        check(spec);
        UUID uuid = Uuids.parse("uuid", spec.uuid());
        NexusEntry existing = entries.get(uuid);
        boolean again = existing != null && existing.shut && mode == NexusParameters.Mode.ASSEMBLE;
        if (existing != null && !again) {
            checkSame(existing, spec);
            done.ok(view(existing));
            return;
        }
        NexusParameters parameters = NexusParameters.of(uuid, name(spec)).withMode(mode).withLabel(label(spec))
                .withSizeBytes(spec.sizeBytes()).withAllowMissing(allowMissing)
                .withRebuild(plane.config().rebuild().settings())
                .withReplacesOthers(spec.overwrite().contains(SignatureCheck.NEXUS));
        boolean mayMiss = mode == NexusParameters.Mode.ASSEMBLE;
        resolveNext(spec.children(), mayMiss, new ArrayList<>(), (children, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                List<Bdev> there = children.stream().map(child -> child.bdev).filter(Objects::nonNull).toList();
                openOver(parameters.withCreationCheck(end -> {
                    if (parameters.replacesOthers()) {
                        refuseKnown(children);
                    }
                    checkUnsigned(there, signatures(spec), end);
                }), children, done);
            }
        });
    }

    /** Refuses children of other nexuses of this engine: one that is shut, or has them out, comes back to them. */
    private void refuseKnown(List<NexusEntry.Leg> children) {
        for (NexusEntry.Leg child : children) {
            for (NexusEntry other : entries.values()) {
                if (other.find(child.uri) != null || other.find(child.bdev.name()) != null
                        || child.bdev instanceof LvolBdev replica && other.holds(replica.lvol())) {
                    throw OperationException.precondition("child-of-other-nexus", "child " + child.uri + " belongs to nexus " + other.name
                            + " (" + other.nexus.uuid() + "); remove it there, or delete that nexus, first");
                }
            }
        }
    }

    /** Refuses disks that somebody else seems to use. In a replica nobody but its nexus writes: what it holds is the volume's own. */
    void checkUnsigned(List<Bdev> children, List<String> overwrite, Completion<Void> done) {
        SignatureCheck.runAll(plane, children.stream().filter(this::isOnDisk).toList(), overwrite, done);
    }

    private boolean isOnDisk(Bdev bdev) {
        return bdev instanceof UringBdev || bdev instanceof NvmeBdev || bdevs.basesOf(bdev).stream().anyMatch(this::isOnDisk);
    }

    private void resolveNext(List<String> uris, boolean mayMiss, List<NexusEntry.Leg> resolved, Completion<List<NexusEntry.Leg>> done) {
        if (resolved.size() == uris.size()) {
            done.ok(resolved);
            return;
        }
        String uri = uris.get(resolved.size());
        Completion<Bdev> next = (bdev, failure) -> {
            if (failure != null && !mayMiss) {
                releaseRefused(resolved);
                done.fail(failure);
                return;
            }
            resolved.add(new NexusEntry.Leg(uri, bdev, failure));
            resolveNext(uris, mayMiss, resolved, done);
        };
        try {
            bdevs.resolve(uri, next);
        } catch (OperationException failure) {
            next.fail(failure);
        }
    }

    private void release(List<NexusEntry.Leg> children) {
        for (NexusEntry.Leg child : children) {
            if (child.bdev != null) {
                bdevs.release(child.bdev);
            }
        }
    }

    private void releaseRefused(List<NexusEntry.Leg> children) {
        children.stream().map(child -> child.bdev).filter(Objects::nonNull).forEach(bdevs::releaseRefused);
    }

    /** Lets go of the bdevs that can be opened again. */
    private void putAway(List<NexusEntry.Leg> children) {
        for (NexusEntry.Leg child : children) {
            if (child.outlivesClosing()) {
                bdevs.release(child.bdev);
                child.bdev = null;
            }
        }
    }

    private void openOver(NexusParameters parameters, List<NexusEntry.Leg> children, Completion<NexusView> done) {
        List<Bdev> present = children.stream().map(child -> child.bdev).filter(bdev -> bdev != null).toList();
        Completion<Nexus> end = (nexus, failure) -> {
            if (failure != null) {
                OperationException told = NexusChildService.named(children, failure);
                if (entries.containsKey(parameters.uuid())) {
                    putAway(children);          // It stays shut down.
                } else {
                    releaseRefused(children);
                }
                done.fail(told);
                return;
            }
            NexusEntry entry = new NexusEntry(nexus, parameters.name(), children, parameters.freezeTimeoutNs() / 1_000_000);
            entries.put(nexus.uuid(), entry);
            reportOpened(entry, present.size());
            shares.attach(nexus.uuid(), nexus, (nothing, unattached) -> finish(entry, unattached, done));
        };
        if (present.isEmpty()) {
            end.fail(OperationException.precondition("nexus-without-children", "none of the children of nexus " + parameters.name()
                    + " is there: " + String.join("; ", children.stream().map(child -> child.uri + " (" + child.missing.getMessage() + ")")
                    .toList()) + ". Bring back what is missing (import a pool, give a drive back), then try again; if they are elsewhere"
                    + " now, assemble it with \"children\" that names where"));
            return;
        }
        try {
            Nexus.open(environment(), parameters.withInitialCopy(initialCopy(present)), present, end);
        } catch (OperationException failure) {
            end.fail(failure);
        }
    }

    private void reportOpened(NexusEntry entry, int present) {
        Nexus nexus = entry.nexus;
        for (NexusEntry.Leg child : entry.legs) {
            if (child.bdev == null) {
                List<Object> details = entry.details(child);
                details.addAll(List.of("code", child.missing.code()));
                plane.event(ObjectKind.CHILD, null, child.uri, "child-missing", child.missing.getMessage(), details.toArray());
            }
        }
        plane.event(ObjectKind.NEXUS, nexus.uuid(), entry.name, "nexus-opened", "nexus " + nexus.name() + " is "
                + nexus.state() + " over " + present + " of " + nexus.childStatuses().size() + " children", "state",
                nexus.state(), "generation", nexus.generation(), "sizeBytes", nexus.sizeBytes());
    }

    /** What nobody has written must read the same from every child: all are blank, or all get the first one's data. */
    private static NexusParameters.InitialCopy initialCopy(List<Bdev> children) {
        return children.size() == 1 || children.stream().allMatch(Bdev::isBlank)
                ? NexusParameters.InitialCopy.ASSUME_EQUAL : NexusParameters.InitialCopy.FROM_FIRST;
    }

    private NexusEnvironment environment() {
        return new NexusEnvironment(plane.registry(), plane.control(), copier, System::currentTimeMillis, UUID::randomUUID, events::onEvent);
    }

    private static void checkSame(NexusEntry existing, NexusSpec spec) {
        Nexus nexus = existing.nexus;
        Set<String> children = new HashSet<>();
        existing.legs.forEach(child -> children.add(BdevUri.identity(child.uri)));
        Set<String> wanted = new HashSet<>();
        spec.children().forEach(child -> wanted.add(BdevUri.identity(child)));
        String differs = !existing.name.equals(name(spec)) ? "name (" + existing.name + ")"
                : !children.equals(wanted) ? "children (" + existing.legs.stream().map(leg -> leg.uri).toList() + ")"
                : spec.sizeBytes() != 0 && spec.sizeBytes() != nexus.sizeBytes() ? "sizeBytes (" + nexus.sizeBytes() + ")"
                : label(spec) != nexus.label() ? "label (" + nexus.label() + ")" : null;
        if (differs != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "nexus-exists",
                    "nexus " + nexus.uuid() + " exists already with other " + differs
                    + "; give another UUID for another nexus");
        }
    }

    void destroy(String id, Completion<Void> done) {
        NexusEntry entry = entry(id);
        Nexus nexus = entry.nexus;
        if (shares.find(nexus.uuid()) != null) {
            throw OperationException.precondition("nexus-published", "nexus " + nexus.name() + " is published; unpublish it first");
        }
        if (entry.shut) {       // Somebody else may have it now: its children are not touched.
            entries.remove(nexus.uuid());
            release(entry.legs);
            plane.event(ObjectKind.NEXUS, nexus.uuid(), entry.name, "nexus-forgotten", "nexus " + entry.name
                    + ", which was shut down, is forgotten here; its children keep its metadata");
            done.ok(null);
            return;
        }
        refuseInUse(nexus);
        // With no child there, nothing could have been left better than it is: that is in the event, and no failure.
        boolean deserted = nexus.childStatuses().stream().noneMatch(ChildStatus::present);
        nexus.destroy((nothing, failure) -> onClosed(entry, "nexus-destroyed", failure,
                (none, same) -> done.complete(null, deserted ? null : same)));
    }

    private static void refuseInUse(Nexus nexus) {
        if (nexus.isOpen()) {
            throw OperationException.precondition("nexus-in-use", "nexus " + nexus.name() + " is in use by "
                    + String.join(", ", nexus.openedBy()));
        }
    }

    /** Lets hosts wait, closes the nexus clean and lets go of its children. It stays listed and can be assembled again. */
    void shutdown(String id, Completion<NexusView> done) {
        NexusEntry entry = entry(id);
        if (entry.shut) {
            done.ok(view(entry));
            return;
        }
        Nexus nexus = entry.nexus;
        shares.detach(nexus.uuid(), (nothing, undetached) -> {
            if (undetached != null) {
                done.fail(undetached);
                return;
            }
            if (nexus.isOpen()) {
                shares.attachUnclosed(nexus.uuid(), nexus, (none, ignored) -> done.fail(OperationException.precondition("nexus-in-use",
                        "nexus " + nexus.name() + " is in use by " + String.join(", ", nexus.openedBy())
                    + "; end that first")));
                return;
            }
            close(entry, (none, failure) -> {
                plane.event(ObjectKind.NEXUS, nexus.uuid(), entry.name, "nexus-shut-down", "nexus " + entry.name
                        + " is shut down; its hosts wait" + (failure == null ? "" : ": " + failure.getMessage()), "clean", failure == null);
                finish(entry, failure, done);
            });
        });
    }

    /** Closes a nexus clean, and lets go of its children. It stays listed, as shut down, whatever comes of it. */
    void close(NexusEntry entry, Completion<Void> done) {
        entry.closing = true;
        entry.nexus.close((nothing, failure) -> {
            entry.shut = true;
            putAway(entry.legs);
            done.complete(null, failure);
        });
    }

    /** Opens one that was just closed, as it was: over the children that it had, with its settings and limits. */
    void reopen(NexusEntry entry, boolean allowMissing, Completion<NexusView> done) {
        UUID uuid = entry.nexus.uuid();
        List<String> children = entry.legs.stream().map(leg -> leg.uri).toList();
        NexusSpec spec = new NexusSpec(uuid.toString(), entry.name, children, 0, entry.nexus.label().name().toLowerCase(Locale.ROOT));
        open(spec, NexusParameters.Mode.ASSEMBLE, allowMissing, (view, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            NexusEntry again = entries.get(uuid);
            NexusChildService.apply(again, NexusViews.settings(entry));
            VolumeLimits.set(plane, ObjectKind.NEXUS, again.nexus, again.name, VolumeLimits.spec(entry.nexus),
                    (limits, unlimited) -> finish(again, unlimited, done));
        });
    }

    /** Refuses what needs the nexus for itself. */
    void refuseUsed(NexusEntry entry) {
        if (shares.find(entry.nexus.uuid()) != null) {
            throw OperationException.precondition("nexus-published", "nexus " + entry.name + " is published: whoever is connected would go on"
                    + " with what it has read before; unpublish it first (DELETE /v1/nexuses/" + entry.nexus.uuid() + "/publication)");
        }
        refuseInUse(entry.nexus);
    }

    /** Makes a nexus larger; its children must be large enough. */
    void resize(String id, long sizeBytes, Completion<NexusView> done) {
        NexusEntry entry = running(id);
        entry.nexus.resize(sizeBytes, (nothing, failure) -> finish(entry, failure, done));
    }

    private void onClosed(NexusEntry entry, String event, OperationException failure, Completion<Void> done) {
        entries.remove(entry.nexus.uuid());
        release(entry.legs);
        plane.event(ObjectKind.NEXUS, entry.nexus.uuid(), entry.name, event, "nexus " + entry.name
                + (failure == null ? " is closed" : " is closed: " + failure.getMessage()), "clean", failure == null);
        done.complete(null, failure);
    }

    /** Closes every nexus clean; each is tried, the first failure is reported. For the ordered stop. */
    void closeAll(Completion<Void> done) {
        closeNext(new ArrayList<>(entries.values()), null, done);
    }

    /** As {@link #closeAll}, those that nobody has open. */
    void closeUnused(Completion<Void> done) {
        closeNext(new ArrayList<>(entries.values().stream().filter(entry -> entry.shut || !entry.nexus.isOpen()).toList()), null, done);
    }

    private void closeNext(List<NexusEntry> left, OperationException first, Completion<Void> done) {
        if (left.isEmpty()) {
            done.complete(null, first);
            return;
        }
        NexusEntry entry = left.removeFirst();
        if (entry.shut) {
            entries.remove(entry.nexus.uuid());
            closeNext(left, first, done);
            return;
        }
        entry.nexus.close((nothing, failure) -> onClosed(entry, "nexus-closed", failure,
                (none, same) -> closeNext(left, first != null ? first : failure, done)));
    }

    void publish(String id, ShareSpec spec, Completion<NexusView> done) {
        NexusEntry entry = running(id);
        shares.share(ObjectKind.NEXUS, entry.nexus, spec, (share, failure) -> finish(entry, failure, done));
    }

    /** As {@link #publish}, paused from the first moment for at most so long; 0: until it is resumed. */
    void publishPaused(String id, ShareSpec spec, long forMs, Completion<NexusView> done) {
        NexusEntry entry = running(id);
        shares.share(ObjectKind.NEXUS, entry.nexus, spec, forMs, (share, failure) -> finish(entry, failure, done));
    }

    void pause(String id, long forMs, Completion<NexusView> done) {
        NexusEntry entry = entry(id);
        shares.pause(entry.nexus.uuid(), forMs, (nothing, failure) -> finish(entry, failure, done));
    }

    void resume(String id, Completion<NexusView> done) {
        NexusEntry entry = entry(id);
        shares.resume(entry.nexus.uuid(), (nothing, failure) -> finish(entry, failure, done));
    }

    LimitsView limits(String id) {
        return VolumeLimits.view(entry(id).nexus);
    }

    void setLimits(String id, LimitsSpec spec, Completion<LimitsView> done) {
        NexusEntry entry = running(id);
        VolumeLimits.set(plane, ObjectKind.NEXUS, entry.nexus, entry.name, spec, done);
    }

    void unpublish(String id, Completion<NexusView> done) {
        NexusEntry entry = entry(id);
        shares.unshare(entry.nexus.uuid(), (nothing, failure) -> finish(entry, failure, done));
    }

    private void finish(NexusEntry entry, OperationException failure, Completion<NexusView> done) {
        if (failure != null) {
            done.fail(failure);
        } else {
            done.ok(view(entry));
        }
    }

    /** Visits the nexuses that are open, without garbage. */
    void forEachOpen(Consumer<Nexus> each) {
        for (NexusEntry entry : entries.values()) {
            each.accept(entry.nexus);
        }
    }

    /** The nexuses that are open. */
    List<Nexus> open() {
        return entries.values().stream().map(entry -> entry.nexus).toList();
    }

    List<NexusView> list() {
        return entries.values().stream().map(this::view).toList();
    }

    NexusView get(String id) {
        return view(entry(id));
    }

    /** The nexus of which the replica is a child, also one that is out, and also of one that is shut down; or null. */
    NexusEntry userOf(Lvol lvol) {
        return entries.values().stream().filter(entry -> entry.holds(lvol)).findFirst().orElse(null);
    }

    /** The nexus that is shut down, or about to be, of which the replica is a child; or null. */
    NexusEntry waitingFor(Lvol lvol) {
        return entries.values().stream().filter(entry -> (entry.shut || entry.closing) && entry.holds(lvol)).findFirst().orElse(null);
    }

    /** Refuses what would take from a nexus that is shut down what it is assembled from: nobody has that open now. */
    void refuseWaiting(Lvol lvol) {
        NexusEntry waiting = waitingFor(lvol);
        if (waiting != null) {
            throw OperationException.precondition("replica-in-use", "replica " + lvol + " is a child of " + waitingName(waiting));
        }
    }

    /** The same for a disk of its own, by the URI or name that somebody gives it. */
    void refuseWaiting(String uriOrName, Bdev disk) {
        for (NexusEntry entry : entries.values()) {
            boolean isOne = entry.find(disk.name()) != null
                    || entry.legs.stream().anyMatch(leg -> ChildNames.meet(leg.uri, uriOrName));
            if (isOne && (entry.shut || entry.closing)) {
                throw OperationException.precondition("bdev-in-use", "bdev " + disk.name() + " is a child of " + waitingName(entry));
            }
        }
    }

    /** Names it, and the ways out. */
    static String waitingName(NexusEntry waiting) {
        String path = " /v1/nexuses/" + waiting.nexus.uuid();
        return "nexus " + waiting.name + ", which is shut down and is assembled from it; assemble the nexus (POST" + path
                + "/assembly) or delete it (DELETE" + path + ") first";
    }

    /** The bdevs that a nexus rests on. */
    List<Bdev> legBdevs(Nexus nexus) {
        NexusEntry entry = find(nexus);
        return entry == null ? List.of() : entry.legs.stream().map(leg -> leg.bdev).filter(Objects::nonNull).toList();
    }

    /** Null while it is being opened. */
    NexusEntry find(Nexus nexus) {
        return entries.get(nexus.uuid());
    }

    /** By uuid or name, and not shut down. */
    NexusEntry running(String id) {
        NexusEntry entry = entry(id);
        if (entry.shut) {
            throw OperationException.precondition("nexus-shut-down", "nexus " + entry.name + " is shut down; assemble it first");
        }
        return entry;
    }

    /** By uuid or name. */
    NexusEntry entry(String id) {
        NexusEntry entry = Uuids.isUuid(id) ? entries.get(UUID.fromString(id)) : null;
        if (entry == null) {
            entry = entries.values().stream().filter(e -> e.name.equals(id)).findFirst().orElse(null);
        }
        if (entry == null) {
            throw OperationException.notFound("nexus-not-found", "there is no nexus " + id + "; GET /v1/nexuses lists them");
        }
        return entry;
    }

    NexusView view(NexusEntry entry) {
        return NexusViews.nexus(entry, shares.find(entry.nexus.uuid()));
    }
}
