package io.mizzen.nvmf.target;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;

/** Adds namespaces to subsystems and removes them: claims, channels on every group, notices. Control reactor only. */
final class Namespaces {
    private final Target target;
    private final BdevRegistry registry;

    Namespaces(Target target, BdevRegistry registry) {
        this.target = target;
        this.registry = registry;
    }

    void add(Subsystem subsystem, int nsid, Bdev bdev, NamespaceIdentity identity,
            Completion<Namespace> done) {
        add(subsystem, nsid, bdev, identity, true, done);
    }

    private void add(Subsystem subsystem, int nsid, Bdev bdev, NamespaceIdentity identity, boolean news,
            Completion<Namespace> done) {
        Descriptor descriptor;
        BdevEvents events = new BdevEvents(subsystem, nsid);
        try {
            checkNew(subsystem, nsid, identity);
            descriptor = registry.open(bdev, "subsystem " + subsystem.nqn(), !bdev.isReadOnly(), events);
        } catch (OperationException e) {
            done.fail(e);
            return;
        }
        Namespace namespace = new Namespace(nsid, descriptor, identity);
        subsystem.changing.add(nsid);
        OperationException[] failure = {null};
        target.onGroups((group, next) -> {
            OperationException failed = group.addNamespace(subsystem, namespace);
            if (failed != null) {
                target.control().send(() -> failure[0] = failed);
            }
            next.run();
        }, () -> {
            if (failure[0] != null) {
                closeChannels(subsystem, namespace, () -> done.fail(failure[0]));
                return;
            }
            subsystem.changing.remove(Integer.valueOf(nsid));
            subsystem.active.put(nsid, namespace);
            subsystem.publish();
            if (news) {
                notifyNamespace(subsystem, nsid);
            }
            done.ok(namespace);
            if (bdev.isRemoved()) {
                events.onRemoved(bdev);
            }
            target.wakeIfIdle(subsystem);
        });
    }

    private void checkNew(Subsystem subsystem, int nsid, NamespaceIdentity identity) {
        if (subsystem.closing) {
            throw OperationException.precondition("subsystem-closing", "subsystem " + subsystem + " is being removed");
        }
        if (nsid < 1 || nsid > target.config().namespacesMax()) {
            throw OperationException.invalid("invalid-nsid",
                    "namespace ids are 1 to " + target.config().namespacesMax() + ", not " + Integer.toUnsignedString(nsid));
        }
        if (subsystem.active.containsKey(nsid) || subsystem.changing.contains(nsid)) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "nsid-in-use",
                    "subsystem " + subsystem + " has a namespace " + nsid + " already");
        }
        for (Namespace other : subsystem.active.values()) {
            if (other.uuid().equals(identity.uuid())) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "namespace-uuid-in-use", "namespace "
                        + other.nsid() + " of subsystem " + subsystem + " has the UUID " + identity.uuid());
            }
        }
    }

    void remove(Subsystem subsystem, int nsid, Completion<Void> done) {
        Namespace namespace = subsystem.active.remove(nsid);
        if (namespace == null) {
            done.fail(OperationException.notFound("namespace-not-found",
                    "subsystem " + subsystem + " has no namespace " + Integer.toUnsignedString(nsid)));
            return;
        }
        subsystem.changing.add(nsid);
        subsystem.publish();
        notifyNamespace(subsystem, nsid);
        closeChannels(subsystem, namespace, () -> done.ok(null));
    }

    private void closeChannels(Subsystem subsystem, Namespace namespace, Runnable done) {
        target.onGroups((group, next) -> group.removeNamespace(subsystem, namespace.nsid(), next), () -> {
            subsystem.changing.remove(Integer.valueOf(namespace.nsid()));
            if (!namespace.detached) {
                namespace.descriptor().close();
            }
            done.run();
            target.wakeIfIdle(subsystem);
        });
    }

    /** Closes the bdev of a namespace of a paused subsystem; hosts do not notice. */
    void detach(Subsystem subsystem, int nsid, Completion<Void> done) {
        Namespace namespace = subsystem.active.get(nsid);
        if (!subsystem.paused || subsystem.closing || namespace == null || namespace.detached) {
            done.fail(OperationException.precondition("namespace-not-detachable", "namespace " + nsid + " of subsystem "
                    + subsystem + " is gone, or hosts use it"));
            return;
        }
        namespace.detached = true;
        subsystem.changing.add(nsid);
        target.onGroups((group, next) -> {
            group.detachNamespace(subsystem, nsid);
            next.run();
        }, () -> {
            subsystem.changing.remove(Integer.valueOf(nsid));
            namespace.descriptor().close();
            done.ok(null);
            target.wakeIfIdle(subsystem);
        });
    }

    /** Puts a bdev where one was detached; hosts are told when its size is another. */
    void attach(Subsystem subsystem, int nsid, Bdev bdev, Completion<Void> done) {
        Namespace before = subsystem.active.get(nsid);
        if (subsystem.closing || before == null || !before.detached) {
            done.fail(OperationException.precondition("namespace-not-detached", "namespace " + nsid + " of subsystem "
                    + subsystem + " is gone, or has its bdev"));
            return;
        }
        subsystem.active.remove(nsid);
        add(subsystem, nsid, bdev, before.identity(), bdev.blockCount() != before.bdev().blockCount(),
                (namespace, failure) -> done.complete(null, failure));
    }

    private void notifyNamespace(Subsystem subsystem, int nsid) {
        for (Controller controller : subsystem.controllers) {
            controller.group().mthread.send(() -> controller.onNamespaceChanged(nsid));
        }
    }

    private final class BdevEvents implements Descriptor.Listener {
        private final Subsystem subsystem;
        private final int nsid;

        BdevEvents(Subsystem subsystem, int nsid) {
            this.subsystem = subsystem;
            this.nsid = nsid;
        }

        @Override
        public void onRemoved(Bdev bdev) {
            Namespace namespace = subsystem.active.get(nsid);
            if (namespace != null && namespace.bdev() == bdev) {
                remove(subsystem, nsid,
                        (value, failure) -> target.listener().onNamespaceLost(subsystem, namespace));
            }
        }

        @Override
        public void onResized(Bdev bdev) {
            notifyNamespace(subsystem, nsid);
        }
    }
}
