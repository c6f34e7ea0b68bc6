package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.NvmeControllerView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.nvme.pcie.NvmeBdev;
import io.mizzen.pci.PciAddress;
import io.mizzen.uring.UringBdev;
import io.mizzen.util.Completion;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/**
 * The machine's devices: what they are, who uses them, and which driver has them. What blocks runs on a thread of its own, so
 * that a drive that does not answer holds up nothing else. Control reactor only.
 */
final class DeviceService {
    private final PlaneContext plane;
    private final DeviceScan scan;
    private final Offload offload;
    private final NvmeControllers controllers;

    /** @param offload for this service alone */
    DeviceService(PlaneContext plane, Offload offload, NvmeControllers controllers) {
        this.plane = plane;
        this.controllers = controllers;
        this.scan = new DeviceScan(plane.platform().pci(), plane.platform().disks(), plane.platform()::smart);
        this.offload = offload;
    }

    /** Operations on one function take turns. */
    static Set<String> keys(String address) {
        return Set.of("device " + PciAddress.parse(address));
    }

    void list(Completion<List<DeviceView>> done) {
        Seen seen = seen();
        offload.run(() -> scan.list(users(seen)), done);
    }

    void get(String address, Completion<DeviceView> done) {
        Seen seen = seen();
        offload.run(() -> scan.get(address, users(seen)), done);
    }

    void bind(String address, DeviceSpec spec, Completion<DeviceView> done) {
        move(address, "device-bound", done, (function, users) -> scan.bind(function, spec, users));
    }

    void unbind(String address, Completion<DeviceView> done) {
        move(address, "device-unbound", done, scan::unbind);
    }

    /** Gives a function to another driver. */
    private interface Move {
        DeviceView to(PciAddress function, DeviceScan.Users users);
    }

    /** Where a function is now, and whether it was elsewhere before. */
    private record Moved(DeviceView device, boolean changed) { }

    private void move(String address, String kind, Completion<DeviceView> done, Move move) {
        PciAddress function = PciAddress.parse(address);
        controllers.whenNotClosing(function, () -> moveNow(function, kind, done, move));
    }

    private void moveNow(PciAddress function, String kind, Completion<DeviceView> done, Move move) {
        Seen seen = seen();
        offload.run(() -> {
            String before = scan.driverOf(function);
            DeviceView device = move.to(function, users(seen));
            return new Moved(device, !Objects.equals(before, device.driver()));
        }, (moved, failure) -> {
            if (failure == null && moved.changed) {
                DeviceView device = moved.device;
                plane.event(ObjectKind.DEVICE, null, device.address(), kind, "device " + device.address() + " is with "
                        + (device.driver() == null ? "no driver" : "driver " + device.driver()), "driver", device.driver());
            }
            done.complete(failure == null ? moved.device : null, failure);
        });
    }

    /** A bdev on a device: the file or PCI address that it drives. */
    private record Used(String where, String text) { }

    /** What the engine itself has of the devices. */
    private record Seen(List<Used> used, List<NvmeControllerView> controllers, Map<String, String> held) { }

    private Seen seen() {
        List<Used> used = new ArrayList<>();
        for (Bdev bdev : plane.registry().all()) {
            String where = where(bdev);
            if (where != null && !bdev.isRemoved()) {       // What is there now is not what that bdev had.
                List<String> openers = bdev.openedBy();
                used.add(new Used(where, "bdev " + bdev.name() + (openers.isEmpty() ? "" : " (" + String.join(", ", openers) + ")")));
            }
        }
        return new Seen(used, controllers.list(), controllers.held());
    }

    private static String where(Bdev bdev) {
        return switch (bdev) {
            case UringBdev uring -> uring.file().path().toString();
            case NvmeBdev namespace -> namespace.controller().device().address();
            default -> null;
        };
    }

    /** Files by the name that the kernel has for them: links are followed. */
    private static DeviceScan.Users users(Seen seen) {
        Map<String, List<String>> users = new TreeMap<>();
        for (Used one : seen.used) {
            String device = PciAddress.isAddress(one.where) ? one.where : name(one.where);
            users.computeIfAbsent(device, none -> new ArrayList<>()).add(one.text);
        }
        Map<String, NvmeControllerView> controllers = new TreeMap<>();
        seen.controllers.forEach(controller -> controllers.put(controller.address(), controller));
        return new DeviceScan.Users(users, controllers, seen.held);
    }

    private static String name(String path) {
        try {
            return Path.of(path).toRealPath().getFileName().toString();
        } catch (IOException gone) {
            return Path.of(path).getFileName().toString();
        }
    }
}
