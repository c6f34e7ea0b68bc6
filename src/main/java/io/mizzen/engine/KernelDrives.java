package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.DriveHealthView;
import io.mizzen.uring.BlockDevices;
import io.mizzen.uring.NvmeDrive;
import io.mizzen.uring.UringBdev;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * How the drives are that the kernel drives and bdevs of this engine lie on: asked once a minute. Those that are no NVMe drives
 * are not asked. Control reactor only; what blocks is offloaded.
 */
final class KernelDrives {
    private static final long LOOK_PERIOD_NS = 1_000_000_000L;
    private static final long ASK_PERIOD_NS = 60_000_000_000L;

    private final PlaneContext plane;
    private final Offload offload;
    private final BlockDevices disks;
    private final Function<Path, SmartReading> smart;
    private final Map<Bdev, Known> known = new HashMap<>();

    /** What is known of the drive under a bdev. */
    private static final class Known {
        boolean asking;
        boolean due = true;
        long askedAtNs;
        NvmeDrive drive;
        SmartReading reading;
    }

    /** An answer; the drive is null where there is none to ask. */
    private record Answer(NvmeDrive drive, SmartReading reading) { }

    /** @param offload for what may wait for a drive */
    KernelDrives(PlaneContext plane, Offload offload) {
        this.plane = plane;
        this.offload = offload;
        this.disks = plane.platform().disks();
        this.smart = plane.platform()::smart;
    }

    void start() {
        plane.control().addPoller("drive-health", LOOK_PERIOD_NS, nowNs -> {
            look(nowNs);
            return 0;
        });
    }

    private void look(long nowNs) {
        List<Bdev> all = plane.registry().all();
        known.keySet().removeIf(bdev -> bdev.isRemoved() || !all.contains(bdev));
        for (Bdev bdev : all) {
            if (bdev instanceof UringBdev uring && uring.file().isBlockDevice() && !uring.isRemoved()) {
                Known entry = known.computeIfAbsent(bdev, none -> new Known());
                if (!entry.asking && (entry.due || nowNs - entry.askedAtNs >= ASK_PERIOD_NS)) {
                    ask(entry, uring.file().path(), nowNs);
                }
            }
        }
    }

    private void ask(Known entry, Path file, long nowNs) {
        entry.asking = true;
        entry.due = false;
        entry.askedAtNs = nowNs;
        offload.run(() -> {
            NvmeDrive drive = disks.nvmeDriveOf(file);
            return new Answer(drive, drive == null ? SmartReading.unavailable(DeviceScan.NO_SMART) : smart.apply(file));
        }, (answer, failure) -> {
            entry.asking = false;
            entry.drive = failure == null ? answer.drive : null;
            entry.reading = failure == null ? answer.reading : SmartReading.unavailable(failure.getMessage());
        });
    }

    /** Somebody has looked after the drive: what it said before may not be true any more. */
    void askSoon(Bdev bdev) {
        Known entry = known.get(bdev);
        if (entry != null) {
            entry.due = true;
        }
    }

    /** What the drive under a bdev warns of, in words; null where that is not known. */
    List<String> warnings(Bdev bdev) {
        Known entry = known.get(bdev);
        return entry == null || entry.reading == null || entry.reading.health() == null ? null
                : entry.reading.health().criticalWarnings();
    }

    /** Every drive that could be asked, once. */
    List<DriveHealthView> list() {
        Map<String, DriveHealthView> drives = new TreeMap<>();
        for (Known entry : known.values()) {
            if (entry.drive != null && entry.reading.health() != null) {
                drives.put(entry.drive.address(), new DriveHealthView(entry.drive.address(), entry.drive.model(), entry.drive.serial(),
                        entry.reading.health()));
            }
        }
        return List.copyOf(drives.values());
    }
}
