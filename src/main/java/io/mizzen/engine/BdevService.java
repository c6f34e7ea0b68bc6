package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.concat.ConcatBdev;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.lvs.LvolBdev;
import io.mizzen.uring.UringBdev;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The bdevs that URIs make. A bdev made because a pool or nexus named its URI lives as long as that user; one made by
 * command lives until the command that destroys it. Control reactor only.
 */
final class BdevService {
    private final PlaneContext plane;
    private final BdevSchemes schemes;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private int nextAdmin;

    /** A bdev that a URI made. */
    private static final class Entry {
        final String name;
        final String uri;
        Bdev bdev; // Null while it is being made.
        boolean implicit;
        final List<Completion<Bdev>> waiters = new ArrayList<>();
        final List<Bdev> bases = new ArrayList<>();
        boolean shared; // Somebody besides the request that had it made has found it.
        boolean closing;
        final List<Runnable> afterClose = new ArrayList<>();

        Entry(String name, String uri, boolean implicit) {
            this.name = name;
            this.uri = uri;
            this.implicit = implicit;
        }
    }

    BdevService(PlaneContext plane, NvmeControllers controllers) {
        this.plane = plane;
        this.schemes = new BdevSchemes(plane.registry(), plane.offload(), plane.config().memory().pages(),
                controllers, this::resolveBase);
    }

    void create(BdevSpec spec, Completion<BdevView> done) {
        BdevUri uri = BdevUri.parse(spec.uri());
        if (schemes.alias(uri) != null) {
            throw OperationException.invalid("alias-uri", "'" + spec.uri() + "' names a bdev that exists, and makes none; use it as a pool's disk"
                    + " or a nexus's child, or name another scheme");
        }
        make(uri, false, (bdev, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                done.ok(view(bdev));
            }
        });
    }

    /** As {@link #resolve}, and what is not there is not created even if the URI asks for it. */
    void resolveExisting(String uriOrName, Completion<Bdev> done) {
        resolve(uriOrName, false, done);
    }

    /** Finds the bdev of a name, or finds or makes the one of a URI. {@link #release} it when its user is done. */
    void resolve(String uriOrName, Completion<Bdev> done) {
        resolve(uriOrName, true, done);
    }

    private void resolve(String uriOrName, boolean mayCreate, Completion<Bdev> done) {
        if (!BdevUri.isUri(uriOrName)) {
            done.ok(found(plane.registry().get(uriOrName)));
            return;
        }
        BdevUri uri = BdevUri.parse(uriOrName);
        Bdev alias = schemes.alias(uri);
        Entry gone = alias != null && alias.isRemoved() ? entries.get(alias.name()) : null;
        if (gone != null) {
            make(BdevSchemes.withoutCreation(BdevUri.parse(gone.uri)), gone.implicit, done);
        } else if (alias != null) {
            done.ok(found(alias));
        } else {
            make(mayCreate ? uri : BdevSchemes.withoutCreation(uri), true, done);
        }
    }

    private Bdev found(Bdev bdev) {
        Entry entry = entries.get(bdev.name());
        if (entry != null) {
            entry.shared = true;
        }
        return bdev;
    }

    private void resolveBase(String uriOrName, String forWhom, Completion<Bdev> done) {
        resolve(uriOrName, (bdev, failure) -> {
            Entry user = entries.get(forWhom);
            if (bdev != null && user != null) {
                user.bases.add(bdev);
            }
            done.complete(bdev, failure);
        });
    }

    private void make(BdevUri uri, boolean implicit, Completion<Bdev> done) {
        BdevSchemes.Scheme scheme = schemes.of(uri);
        String name = scheme.name(uri);
        Entry existing = entries.get(name);
        if (existing != null && existing.closing) {
            existing.afterClose.add(() -> makeAgain(uri, implicit, done));
            return;
        }
        if (existing != null && existing.bdev != null && existing.bdev.isRemoved() && !existing.bdev.isOpen()) {
            requireSame(existing, uri);
            boolean stays = !existing.implicit;         // The device may be back: another bdev, for as long as this one was to live.
            BdevUri again = stays && implicit ? BdevSchemes.withoutCreation(BdevUri.parse(existing.uri)) : uri;
            existing.afterClose.add(() -> makeAgain(again, implicit && !stays, done));
            remove(existing, (nothing, failure) -> { });
            return;
        }
        if (existing != null) {
            join(existing, uri, implicit, done);
            return;
        }
        if (plane.registry().find(name) != null) {
            throw exists(name, "a bdev of a pool or nexus");
        }
        int limit = plane.config().limits().bdevs();
        if (plane.registry().all().size() >= limit) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "too-many-bdevs", "the limit of " + limit + " bdevs is reached; destroy bdevs and replicas that"
                    + " nobody needs");
        }
        Entry entry = new Entry(name, uri.text(), implicit);
        entries.put(name, entry);
        entry.waiters.add(done);
        try {
            scheme.open(name, uri, (bdev, failure) -> onOpened(entry, bdev, failure));
        } catch (OperationException failure) {
            onOpened(entry, null, failure);
        }
    }

    /** The bdev of that name has closed meanwhile. */
    private void makeAgain(BdevUri uri, boolean implicit, Completion<Bdev> done) {
        try {
            make(uri, implicit, done);
        } catch (OperationException refused) {
            done.fail(refused);
        }
    }

    private static void requireSame(Entry existing, BdevUri uri) {
        if (!BdevUri.identity(existing.uri).equals(BdevUri.identity(uri.text()))) {
            throw exists(existing.name, "'" + existing.uri + "'");
        }
    }

    private static void join(Entry existing, BdevUri uri, boolean implicit, Completion<Bdev> done) {
        requireSame(existing, uri);
        existing.implicit &= implicit;
        existing.shared = true;
        if (existing.bdev == null) {
            existing.waiters.add(done);
        } else if (existing.bdev.isRemoved()) {
            throw OperationException.precondition("bdev-removed", "bdev " + existing.name + " is gone, and "
                    + String.join(", ", existing.bdev.openedBy()) + " has not closed it yet; try again");
        } else {
            done.ok(existing.bdev);
        }
    }

    private static OperationException exists(String name, String what) {
        return new OperationException(ErrorKind.ALREADY_EXISTS, "bdev-exists", "bdev " + name + " exists already as " + what
                + "; give another name, or destroy that one first");
    }

    private void onOpened(Entry entry, Bdev bdev, OperationException openFailure) {
        OperationException failure = openFailure;
        if (failure == null) {
            try {
                plane.registry().register(bdev);
                entry.bdev = bdev;
                if (bdev instanceof UringBdev uring) {
                    uring.watch(plane.control(), plane.admin().get(nextAdmin++ % plane.admin().size()));
                }
                plane.event(ObjectKind.BDEV, bdev.uuid(), entry.name, "bdev-created", "bdev " + entry.name + " was made from "
                        + entry.uri, "uri", entry.uri, "product", bdev.product(), "sizeBytes", bdev.sizeBytes());
            } catch (OperationException taken) {
                // A name or UUID that another has: the bdev was never known, so nobody can have it open.
                failure = taken;
                discardFile(bdev);
                plane.registry().discard(bdev, (nothing, discardFailure) -> schemes.onDestroyed(bdev, (gone, closeFailure) -> { }));
            }
        }
        if (failure != null) {
            entries.remove(entry.name);
            releaseBases(entry);
        }
        for (Completion<Bdev> waiter : List.copyOf(entry.waiters)) {
            waiter.complete(failure == null ? bdev : null, failure);
        }
        entry.waiters.clear();
    }

    /** A user of {@link #resolve} has closed the bdev: what was made for users only goes with the last one. */
    void release(Bdev bdev) {
        Entry entry = entries.get(bdev.name());
        if (entry != null && entry.bdev == bdev && entry.implicit && !entry.closing && !bdev.isOpen()) {
            remove(entry, (nothing, failure) -> {
                if (failure != null) {
                    plane.event(ObjectKind.BDEV, bdev.uuid(), entry.name, "bdev-close-failed", failure.getMessage(), "code", failure.code());
                }
            });
        }
    }

    /**
     * As {@link #release}, for a request that was refused: a file that {@code create=true} made for it goes too, if it was not
     * there before and nobody else has found the bdev since.
     */
    void releaseRefused(Bdev bdev) {
        Entry entry = entries.get(bdev.name());
        if (entry != null && entry.bdev == bdev && entry.implicit && !entry.shared && !entry.closing && !bdev.isOpen()) {
            discardFile(bdev);
        }
        release(bdev);
    }

    private static void discardFile(Bdev bdev) {
        if (bdev instanceof UringBdev uring) {
            uring.file().discard();
        }
    }

    private void releaseBases(Entry entry) {
        entry.bases.forEach(this::release);
        entry.bases.clear();
    }

    void destroy(String key, Completion<Void> done) {
        Bdev bdev = plane.registry().get(key);
        Entry entry = entries.get(bdev.name());
        if (entry == null || entry.bdev != bdev) {
            throw OperationException.precondition("bdev-has-owner", "bdev " + bdev.name() + " belongs to a "
                    + (bdev.product().equals(PlaneNames.PRODUCT_LVOL) ? "pool; destroy the replica"
                    : bdev.product().equals(ConcatBdev.PRODUCT) ? "pool; export or destroy the pool" : "nexus; destroy the nexus"));
        }
        if (bdev.isOpen()) {
            throw InUse.by(bdev.openedBy(), "bdev-in-use", "bdev " + bdev.name());
        }
        remove(entry, done);
    }

    private void remove(Entry entry, Completion<Void> done) {
        entry.closing = true;
        plane.registry().unregister(entry.bdev, (nothing, failure) -> schemes.onDestroyed(entry.bdev, (gone, closeFailure) -> {
            entries.remove(entry.name);
            releaseBases(entry);
            plane.event(ObjectKind.BDEV, entry.bdev.uuid(), entry.name, "bdev-destroyed", "bdev " + entry.name + " is closed", "uri",
                    entry.uri);
            done.complete(null, failure != null ? failure : closeFailure);
            entry.afterClose.forEach(Runnable::run);
        }));
    }

    /** Closes what nobody has open, the newest first: fault bdevs go before what they wrap. For the ordered stop. */
    void closeUnused(Completion<Void> done) {
        for (Entry entry : new ArrayList<>(entries.values()).reversed()) {
            if (entry.closing) {
                entry.afterClose.add(() -> closeUnused(done));
                return;
            }
            if (entry.bdev != null && !entry.bdev.isOpen()) {
                remove(entry, (nothing, failure) -> {
                    if (failure != null) {
                        done.fail(failure);
                    } else {
                        closeUnused(done);
                    }
                });
                return;
            }
        }
        done.ok(null);
    }

    /** Closes what is left. For the ordered stop. */
    void closeAll(Completion<Void> done) {
        closeUnused((nothing, failure) -> {
            List<String> left = new ArrayList<>(entries.keySet()).reversed();
            done.complete(null, failure != null || left.isEmpty() ? failure
                    : OperationException.precondition("bdev-in-use", "still in use: " + String.join(", ", left)));
        });
    }

    List<BdevView> list() {
        return plane.registry().all().stream().map(this::view).toList();
    }

    BdevView get(String key) {
        return view(plane.registry().get(key));
    }

    /** Looks at the size again where the device can change it. */
    void rescan(String key, Completion<BdevView> done) {
        Bdev bdev = plane.registry().get(key);
        if (bdev instanceof UringBdev uring && uring.rescan()) {
            if (!uring.isRemoved()) {       // The watch tells of one that is gone.
                plane.event(ObjectKind.BDEV, bdev.uuid(), bdev.name(), "bdev-resized", "bdev " + bdev.name() + " has "
                        + bdev.sizeBytes() + " bytes now", "sizeBytes", bdev.sizeBytes());
            }
        }
        done.ok(view(bdev));
    }

    List<BdevView.ChannelView> channels(String key) {
        return plane.registry().get(key).channels().stream().map(BdevViews::channel).toList();
    }

    /** The bdevs that one was made on. */
    List<Bdev> basesOf(Bdev bdev) {
        Entry entry = entries.get(bdev.name());
        return entry == null ? List.of() : List.copyOf(entry.bases);
    }

    /** The URI that made a bdev, or null. */
    String uriOf(Bdev bdev) {
        Entry entry = entries.get(bdev.name());
        return entry == null ? null : entry.uri;
    }

    private BdevView view(Bdev bdev) {
        return BdevViews.bdev(bdev, uriOf(bdev));
    }

    /** The keys under which operations on the bdev of a URI or name take turns. */
    Set<String> keys(String uriOrName) {
        if (!BdevUri.isUri(uriOrName)) {
            return keys(plane.registry().get(uriOrName));
        }
        BdevUri uri = BdevUri.parse(uriOrName);
        Bdev alias = schemes.alias(uri);
        return alias != null ? keys(alias) : Set.of("bdev " + schemes.of(uri).name(uri));
    }

    private static Set<String> keys(Bdev bdev) {
        String key = "bdev " + bdev.name();
        return bdev instanceof LvolBdev lvol ? Set.of(key, "pool " + lvol.lvol().store().name()) : Set.of(key);
    }
}
