package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.NvmeControllerView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.nvme.pcie.NvmeBdev;
import io.mizzen.nvme.pcie.NvmeController;
import io.mizzen.nvme.pcie.NvmeError;
import io.mizzen.nvme.pcie.NvmeHealth;
import io.mizzen.nvme.pcie.NvmeListener;
import io.mizzen.nvme.pcie.NvmeNamespace;
import io.mizzen.nvme.pcie.NvmeOptions;
import io.mizzen.pci.PciAddress;
import io.mizzen.pci.PciDevice;
import io.mizzen.pci.PciOpener;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * NVMe controllers that the engine drives itself, by address. One is opened for the first bdev on it and closed, in order,
 * after the last. Control reactor only; what blocks is offloaded, the rest runs on the controller's admin mthread.
 */
final class NvmeControllers {
    private static final long HEALTH_PERIOD_NS = 60_000_000_000L;
    /** Events after which the drive's health is looked at, whatever the time. */
    private static final Set<String> SAMPLED_AT = Set.of("nvme-health", "nvme-error", "nvme-reset-done");

    private final PlaneContext plane;
    private final PciOpener devices;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private int nextAdmin;

    /** A controller that is open, opens or closes. */
    private static final class Entry {
        final PciAddress address;
        final Mthread admin;
        final List<Completion<NvmeController>> waiters = new ArrayList<>();
        final List<Runnable> afterClose = new ArrayList<>();
        volatile PciDevice device; // Set before its controller is told of it.
        NvmeController controller; // Null while it opens.
        NvmeHealth health; // Null until it was read.
        List<NvmeError> errors = List.of();
        int users;
        boolean closing;
        boolean abandoned; // The kernel may have the function: it is ours no more.

        Entry(PciAddress address, Mthread admin) {
            this.address = address;
            this.admin = admin;
        }
    }

    NvmeControllers(PlaneContext plane) {
        this.plane = plane;
        this.devices = plane.platform().pciOpener(plane.buffers().memory());
    }

    /** Begins to look at the drives' health from time to time. */
    void start() {
        plane.control().addPoller("nvme-health", HEALTH_PERIOD_NS, nowNs -> {
            entries.values().forEach(this::sample);
            return 0;
        });
    }

    private void sample(Entry entry) {
        NvmeController controller = entry.controller;
        if (controller == null || entry.closing) {
            return;
        }
        toAdmin(entry, () -> {
            controller.readHealth((health, failure) -> {
                if (failure == null) {      // A drive that cannot say now is asked again; what ails it is an event.
                    toControl(() -> entry.health = health);
                }
            });
            controller.readErrors((errors, failure) -> {
                if (failure == null) {
                    toControl(() -> entry.errors = errors);
                }
            });
        });
    }

    /** Those that are open. */
    List<NvmeControllerView> list() {
        return entries.values().stream().filter(entry -> entry.controller != null)
                .map(entry -> NvmeViews.controller(entry.controller, entry.health, entry.errors)).toList();
    }

    /** What the drive under a bdev warns of, in words; null where that is not known. */
    List<String> warnings(Bdev bdev) {
        Entry entry = bdev instanceof NvmeBdev namespace ? entries.get(namespace.controller().device().address()) : null;
        return entry == null || entry.health == null ? null : NvmeViews.warnings(entry.health);
    }

    /** Functions that this engine has now, or is about to have, with or without bdevs: by address, what it does there. */
    Map<String, String> held() {
        Map<String, String> held = new LinkedHashMap<>();
        for (Entry entry : entries.values()) {
            if (!entry.abandoned) {
                held.put(entry.address.text(), entry.closing ? "this engine shuts its controller down"
                        : entry.controller == null ? "this engine opens its controller" : "this engine drives its controller");
            }
        }
        return held;
    }

    /** Goes on when a controller at that address, if it is being closed, is closed. */
    void whenNotClosing(PciAddress address, Runnable then) {
        Entry entry = entries.get(address.text());
        if (entry != null && entry.closing && !entry.abandoned) {
            entry.afterClose.add(then);
        } else {
            then.run();
        }
    }

    /** The controller at an address, opened if it is not; each success is one user more, who {@link #release}s it. */
    void acquire(PciAddress address, Completion<NvmeController> done) {
        Entry entry = entries.get(address.text());
        if (entry == null) {
            entry = new Entry(address, plane.admin().get(nextAdmin++ % plane.admin().size()));
            entries.put(address.text(), entry);
            entry.waiters.add(done);
            open(entry);
        } else if (entry.closing) {
            entry.afterClose.add(() -> acquire(address, done));
        } else if (entry.controller == null) {
            entry.waiters.add(done);
        } else {
            entry.users++;
            done.ok(entry.controller);
        }
    }

    private void open(Entry entry) {
        int vectors = plane.reactors().all().size() + 1;
        plane.offload().run(() -> devices.open(entry.address, vectors), (device, failure) -> {
            if (failure != null) {
                opened(entry, null, failure);
                return;
            }
            entry.device = device;
            toAdmin(entry, () -> NvmeController.open(device, plane.buffers().memory(), plane.reactors(), entry.admin,
                    NvmeOptions.DEFAULT, new Listener(entry), (controller, openFailure) ->
                    toControl(() -> started(entry, controller, openFailure))));
        });
    }

    private void started(Entry entry, NvmeController controller, OperationException failure) {
        if (failure == null) {
            opened(entry, controller, null);
        } else {
            closeDevice(entry, (nothing, closeFailure) -> opened(entry, null, failure));
        }
    }

    private void opened(Entry entry, NvmeController controller, OperationException failure) {
        List<Completion<NvmeController>> waiters = List.copyOf(entry.waiters);
        entry.waiters.clear();
        entry.controller = controller;
        entry.users = waiters.size();
        if (failure != null) {
            entries.remove(entry.address.text());
        } else {
            event(entry, "nvme-opened", "controller " + entry.address + " (" + controller.info().model() + ", serial "
                    + controller.info().serial() + ") is driven by the engine, with " + controller.pairCount() + " queue pairs");
        }
        waiters.forEach(waiter -> waiter.complete(controller, failure));
        sample(entry);
    }

    /** One user needs the controller no more; with the last one it is shut down in order, its device closed. */
    void release(NvmeController controller, Completion<Void> done) {
        Entry entry = entries.get(controller.device().address());
        if (--entry.users > 0) {
            done.ok(null);
            return;
        }
        entry.closing = true;
        toAdmin(entry, () -> controller.close((nothing, failure) -> toControl(() ->
                closeDevice(entry, (closed, closeFailure) -> {
                    entries.remove(entry.address.text());
                    event(entry, "nvme-closed", "controller " + entry.address + " is shut down");
                    done.complete(null, failure != null ? failure : closeFailure);
                    entry.afterClose.forEach(Runnable::run);
                }))));
    }

    private void closeDevice(Entry entry, Completion<Void> done) {
        plane.offload().run(() -> {
            entry.device.close();
            return null;
        }, done);
    }

    /**
     * Ends the access to memory of every device that is still open, when no reactor runs any more: closing its controller in
     * order has failed, or took too long. On the thread that stops the engine.
     *
     * @return whether that is certain for all
     */
    boolean cutOff() {
        boolean certain = true;
        for (Entry entry : entries.values()) {
            if (entry.device != null) {
                entry.device.close();
                certain &= entry.device.stopDma();
            }
        }
        return certain;
    }

    private void toAdmin(Entry entry, Runnable work) {
        entry.admin.send(work);
    }

    private void toControl(Runnable work) {
        plane.control().send(work);
    }

    private void event(Entry entry, String kind, String message) {
        plane.event(ObjectKind.DEVICE, null, entry.address.text(), kind, message);
    }

    /** Any reactor: events may come from each. */
    private final class Listener implements NvmeListener {
        private final Entry entry;

        Listener(Entry entry) {
            this.entry = entry;
        }

        @Override
        public void onEvent(String code, String message) {
            event(entry, code, message);
            if (SAMPLED_AT.contains(code)) {
                toControl(() -> sample(entry));
            }
        }

        @Override
        public void onNamespaces(List<NvmeNamespace> namespaces) {
            event(entry, "nvme-namespaces", "controller " + entry.address + " has namespaces "
                    + namespaces.stream().map(NvmeNamespace::nsid).toList());
        }

        /** The kernel may wait for the device: its bdevs need not be closed for that. An event has said why. */
        @Override
        public void onDead(String reason) {
            toControl(() -> plane.offload().run(() -> {
                entry.device.abandon();
                return null;
            }, (nothing, failure) -> {
                entry.abandoned = failure == null;
                if (failure != null) {
                    event(entry, "nvme-not-abandoned", failure.getMessage());
                }
            }));
        }
    }
}
