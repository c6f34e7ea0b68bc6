package io.mizzen.bdev;

import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * The bdevs of the engine by name, alias and UUID. Written on the control reactor only; {@link #all()} may be read by
 * any thread.
 */
public final class BdevRegistry {
    private final Map<String, Bdev> names = new LinkedHashMap<>();
    private final Map<String, Bdev> view = new ConcurrentHashMap<>();

    /**
     * Makes a bdev known.
     *
     * @throws OperationException ALREADY_EXISTS when a name, alias or UUID is taken
     */
    public void register(Bdev bdev) {
        List<String> keys = keys(bdev);
        for (String key : keys) {
            Bdev other = names.get(key);
            if (other != null) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "bdev-exists",
                        "bdev " + other.name() + " (" + other.uuid() + ") already has the name " + key);
            }
        }
        keys.forEach(key -> names.put(key, bdev));
        view.put(bdev.name(), bdev);
    }

    private static List<String> keys(Bdev bdev) {
        List<String> keys = new ArrayList<>();
        keys.add(bdev.name());
        for (String alias : bdev.aliases()) {
            if (!keys.contains(alias)) {
                keys.add(alias);
            }
        }
        String uuid = bdev.uuid().toString();
        if (!keys.contains(uuid)) {
            keys.add(uuid);
        }
        return keys;
    }

    /** By name, alias or UUID; null when there is none. */
    public Bdev find(String key) {
        return names.get(key);
    }

    public Bdev find(UUID uuid) {
        return names.get(uuid.toString());
    }

    /** By name, alias or UUID. */
    public Bdev get(String key) {
        Bdev bdev = names.get(key);
        if (bdev == null) {
            throw OperationException.notFound("bdev-not-found", "there is no bdev " + key
                    + (key.startsWith("/") ? "; a disk or file is named by a URI: uring://" + key : ""));
        }
        return bdev;
    }

    /** Visits every registered bdev, in no order. Any thread. */
    public void forEach(Consumer<Bdev> each) {
        for (Bdev bdev : view.values()) {
            each.accept(bdev);
        }
    }

    /** All bdevs. Any thread. */
    public List<Bdev> all() {
        List<Bdev> all = new ArrayList<>(view.values());
        all.sort(java.util.Comparator.comparing(Bdev::name));
        return all;
    }

    /**
     * Opens a bdev.
     *
     * @param owner who, in words; shown to whoever is refused
     * @param writable whether to take the write claim, which one descriptor may hold
     * @throws OperationException when the claim is taken, the device is gone, or it is to be written and read-only
     */
    public Descriptor open(Bdev bdev, String owner, boolean writable, Descriptor.Listener listener) {
        if (names.get(bdev.name()) != bdev || bdev.isRemoved()) {
            throw OperationException.notFound("bdev-not-found", "bdev " + bdev.name() + " is gone");
        }
        if (writable && bdev.isReadOnly()) {
            throw OperationException.precondition("bdev-read-only",
                    "bdev " + bdev.name() + " can only be read; of a snapshot, make a clone; a pool that was imported with \"readOnly\": true "
                    + "has to be exported and imported without it first");
        }
        String holder = bdev.claimedBy();
        if (writable && holder != null) {
            throw OperationException.precondition("bdev-claimed",
                    "bdev " + bdev.name() + " is in use by " + holder);
        }
        Descriptor descriptor = new Descriptor(bdev, owner, writable, listener);
        bdev.descriptors.add(descriptor);
        return descriptor;
    }

    /**
     * Removes a bdev: its users are told, and once they have closed it the driver frees it.
     *
     * @param done when everything is freed
     */
    public void unregister(Bdev bdev, Completion<Void> done) {
        if (names.get(bdev.name()) != bdev) {
            done.fail(OperationException.notFound("bdev-not-found", "bdev " + bdev.name() + " is gone"));
            return;
        }
        names.values().removeIf(other -> other == bdev);
        view.remove(bdev.name());
        bdev.notifyRemoved();
        bdev.destroyWhenClosed(done);
    }

    /** Frees a bdev that was made and never registered. */
    public void discard(Bdev bdev, Completion<Void> done) {
        assert names.get(bdev.name()) != bdev;
        bdev.destroyWhenClosed(done);
    }
}
