package io.mizzen.nvme.pcie;

import io.mizzen.reactor.Mthread;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** The namespaces of a controller and the bdevs made of them. Admin reactor, unless a method says otherwise. */
final class NamespaceTable {
    private final NvmeController controller;
    private final NvmeListener listener;
    private final Mthread control;
    private final Map<Integer, NvmeBdev> bdevs = new ConcurrentHashMap<>();
    private volatile List<NvmeNamespace> all = List.of();
    private boolean wanted;
    private boolean scanning;

    NamespaceTable(NvmeController controller, NvmeListener listener, Mthread control) {
        this.controller = controller;
        this.listener = listener;
        this.control = control;
    }

    /** A snapshot, ascending. Any thread. */
    List<NvmeNamespace> all() {
        return all;
    }

    /** Any thread. */
    Collection<NvmeBdev> bdevs() {
        return bdevs.values();
    }

    /** Looks again; bdevs and the listener are told. One look at a time, and one more if it was asked for meanwhile. */
    void rescan() {
        wanted = true;
        if (scanning || !controller.isReady()) {
            return;
        }
        scanning = true;
        wanted = false;
        NamespaceScan.start(controller, controller.info(), (now, failure) -> {
            scanning = false;
            if (controller.isReady() && failure == null) {
                update(now);
            }
            if (wanted) {
                rescan();
            }
        });
    }

    void update(List<NvmeNamespace> now) {
        boolean changed = !now.equals(all);
        all = now;
        if (changed) {
            control.send(() -> bdevs.forEach((nsid, bdev) -> bdev.onNamespace(find(now, nsid))));
            listener.onNamespaces(now);
        }
    }

    /**
     * What is to be sent again must lie where it lay.
     *
     * @throws OperationException when a namespace with a bdev is another one now
     */
    void requireSameFormats(List<NvmeNamespace> now) {
        for (NvmeNamespace namespace : now) {
            NvmeBdev bdev = bdevs.get(namespace.nsid());
            if (bdev != null && !namespace.isSameFormat(bdev.namespace())) {
                throw controller.failure("nvme-reformatted", "has another namespace " + namespace.nsid() + " than before");
            }
        }
    }

    /** The controller is given up. */
    void removeAll() {
        control.send(() -> bdevs.values().forEach(NvmeBdev::notifyRemoved));
    }

    private static NvmeNamespace find(List<NvmeNamespace> some, int nsid) {
        return some.stream().filter(namespace -> namespace.nsid() == nsid).findFirst().orElse(null);
    }

    /** As {@link NvmeController#createBdev}. Control reactor. */
    NvmeBdev create(int nsid, String name, UUID uuid) {
        NvmeNamespace namespace = find(all, nsid);
        String address = controller.address();
        if (namespace == null) {
            throw OperationException.notFound("namespace-not-found", address + " has no namespace " + nsid + "; it has "
                    + all.stream().map(NvmeNamespace::nsid).toList());
        }
        if (!namespace.isUsable()) {
            throw OperationException.precondition("namespace-not-usable", "namespace " + nsid + " of " + address
                    + " cannot be used: " + namespace.refusal());
        }
        NvmeBdev bdev = new NvmeBdev(name, uuid == null ? namespace.uuid() : uuid, controller, namespace, controller.info());
        NvmeBdev other = bdevs.putIfAbsent(nsid, bdev);
        if (other != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "bdev-exists", "namespace " + nsid + " of " + address
                    + " is bdev " + other.name() + " already");
        }
        return bdev;
    }

    /** A bdev is destroyed. Control reactor. */
    void forget(NvmeBdev bdev) {
        bdevs.remove(bdev.nsid(), bdev);
    }
}
