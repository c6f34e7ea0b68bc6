package io.mizzen.engine;

import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.DeviceView.DiskView;
import io.mizzen.engine.model.DeviceView.UseView;
import io.mizzen.engine.model.NvmeControllerView;
import io.mizzen.pci.PciAddress;
import io.mizzen.pci.PciBinding;
import io.mizzen.pci.PciDriver;
import io.mizzen.pci.PciFunction;
import io.mizzen.pci.PciSysfs;
import io.mizzen.uring.BlockDevice;
import io.mizzen.uring.BlockDevices;
import io.mizzen.uring.DiskSignature;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

/**
 * Looks at the machine's disks and NVMe functions, and moves functions between drivers. Blocking, a drive that does not
 * answer may block for long: on the devices' own thread only.
 */
final class DeviceScan {
    /** A pool, or a part of one, is no foreign signature: it can be imported wherever its disks are. */
    static final Set<String> POOLS = Set.of("spdk-blobstore", "spdk-raid");
    /** Of disks that are no NVMe drives. */
    static final String NO_SMART = "SMART data is read of NVMe drives only; smartctl reads that of SATA and SAS drives";
    private static final String ANY = "any";
    private static final Map<String, String> ALIASES = Map.of("ext2", "ext", "ext3", "ext", "ext4", "ext");

    private final PciSysfs pci;
    private final BlockDevices blocks;
    private final Function<Path, Set<Integer>> namespacesOf;
    private final Function<Path, SmartReading> smart;

    /**
     * What the engine has of the devices.
     *
     * @param byDevice its bdevs, by PCI address or kernel's name of the disk: each with who has it open
     * @param controllers those that it drives, by PCI address
     * @param held functions that it opens, drives or closes, bdevs or none, by PCI address: which of these
     */
    record Users(Map<String, List<String>> byDevice, Map<String, NvmeControllerView> controllers,
            Map<String, String> held) {
        List<String> of(String device) {
            return byDevice.getOrDefault(device, List.of());
        }

        /** Of the disk and of its partitions. */
        List<String> of(BlockDevice disk) {
            List<String> users = new ArrayList<>(of(disk.name()));
            disk.partitions().forEach(partition -> users.addAll(of(partition)));
            return users;
        }
    }

    DeviceScan(PciSysfs pci, BlockDevices blocks, Function<Path, SmartReading> smart) {
        this(pci, blocks, NvmeIdentify::namespaces, smart);
    }

    /**
     * @param namespacesOf what a controller, by its file, says that it has; null: it cannot be asked
     * @param smart what a drive of the kernel's, by the file of its controller or a namespace, says of its health
     */
    DeviceScan(PciSysfs pci, BlockDevices blocks, Function<Path, Set<Integer>> namespacesOf, Function<Path, SmartReading> smart) {
        this.pci = pci;
        this.blocks = blocks;
        this.namespacesOf = namespacesOf;
        this.smart = smart;
    }

    /** NVMe functions first, then other disks. */
    List<DeviceView> list(Users users) {
        Map<String, BlockDevice> disks = byName();
        List<DeviceView> views = new ArrayList<>();
        for (PciFunction function : pci.nvmeFunctions()) {
            views.add(view(function, namespaces(function, disks), users));
        }
        disks.values().forEach(disk -> views.add(view(disk, users)));
        return views;
    }

    /**
     * One device; others are not read.
     *
     * @throws OperationException NOT_FOUND {@code device-not-found}
     */
    DeviceView get(String address, Users users) {
        Map<String, BlockDevice> disks = byName();
        if (PciAddress.isAddress(address)) {
            PciFunction function = pci.find(PciAddress.parse(address));
            if (function != null && function.isNvme()) {
                return view(function, namespaces(function, disks), users);
            }
        } else {
            pci.nvmeFunctions().forEach(function -> namespaces(function, disks));
            BlockDevice disk = disks.get(address);
            if (disk != null) {
                return view(disk, users);
            }
        }
        throw OperationException.notFound("device-not-found", "this machine has no NVMe controller or disk " + address
                + "; GET /v1/devices lists them");
    }

    /** The function's namespaces, taken out of the other disks. */
    private List<BlockDevice> namespaces(PciFunction function, Map<String, BlockDevice> disks) {
        String controller = pci.controllerName(function.address());
        return controller == null ? List.of()
                : blocks.namespacesOf(controller).stream().map(disks::remove).filter(Objects::nonNull).toList();
    }

    private DeviceView view(PciFunction function, List<BlockDevice> namespaces, Users users) {
        String address = function.address().text();
        List<String> bdevs = new ArrayList<>(users.of(address));
        namespaces.forEach(disk -> bdevs.addAll(users.of(disk)));
        List<DiskView> disks = namespaces.stream().map(disk -> disk(disk, users)).toList();
        String held = users.held().get(address);
        String reason = bdevs.isEmpty() && held != null ? held : reason(function, bdevs, disks);
        NvmeControllerView driven = users.controllers().get(address);
        BlockDevice first = namespaces.isEmpty() ? null : namespaces.getFirst();
        SmartReading reading = smart(function, driven);
        return new DeviceView(address, DeviceView.Kind.NVME, driven != null ? driven.model() : first == null ? null : first.model(),
                driven != null ? driven.serial() : serial(function, first), node(function.numaNode()), function.driver(), function.driverOverride(),
                function.iommuGroup() < 0 ? null : function.iommuGroup(), disks, driven, reading.health(),
                reading.unavailable(), bdevs, reason == null, reason);
    }

    private SmartReading smart(PciFunction function, NvmeControllerView driven) {
        if (driven != null) {
            return new SmartReading(driven.health(), driven.health() == null ? "the drive has not said yet" : null);
        }
        String controller = "nvme".equals(function.driver()) ? pci.controllerName(function.address()) : null;
        return controller == null ? SmartReading.unavailable("neither the kernel's NVMe driver nor a bdev of this engine drives it now")
                : smart.apply(pci.file(controller));
    }

    /** The controller's; while the kernel has not got so far, that of its first namespace, if that is there all the same. */
    private String serial(PciFunction function, BlockDevice first) {
        String serial = pci.controllerSerial(function.address());
        return serial != null || first == null ? serial : first.serial();
    }

    private DeviceView view(BlockDevice disk, Users users) {
        List<String> bdevs = users.of(disk);
        DiskView view = disk(disk, users);
        String reason = bdevs.isEmpty() ? disk.readOnly() ? "it is read-only" : reason(List.of(view)) : usedBy(bdevs);
        SmartReading reading = blocks.nvmeDriveOf(disk.path()) == null ? SmartReading.unavailable(NO_SMART) : smart.apply(disk.path());
        return new DeviceView(disk.name(), DeviceView.Kind.DISK, disk.model(), disk.serial(), node(disk.numaNode()), null, null, null,
                List.of(view), null, reading.health(), reading.unavailable(), bdevs, reason == null, reason);
    }

    private static Integer node(int number) {
        return number < 0 ? null : number;
    }

    private DiskView disk(BlockDevice disk, Users users) {
        List<UseView> uses = new ArrayList<>();
        disk.uses().forEach(use -> uses.add(new UseView(DeviceView.Use.valueOf(use.kind().name()), use.detail())));
        List<String> bdevs = users.of(disk);
        bdevs.forEach(bdev -> uses.add(new UseView(DeviceView.Use.BDEV, bdev)));
        boolean active = disk.uses().stream().anyMatch(BlockDevice.Use::isActive);
        UseView held = bdevs.isEmpty() && !active ? held(disk) : null;
        if (held != null) {
            uses.add(held);
            active = true;
        }
        List<DiskSignature.Finding> found = active || !bdevs.isEmpty() ? null : blocks.contents(disk);
        return new DiskView(disk.name(), disk.path().toString(), disk.namespaceId() == 0 ? null : disk.namespaceId(),
                disk.sizeBytes(), disk.blockSizeBytes(), disk.readOnly(),
                disk.namespaceId() == 0 ? List.of() : NvmeIdentify.formats(disk.path(), disk.namespaceId()), uses,
                found == null ? null : found.stream().map(DiskSignature.Finding::word).toList());
    }

    /** Who has the disk for himself; that nobody knows it, too; null: nobody. */
    private UseView held(BlockDevice disk) {
        try (BlockDevices.Hold hold = blocks.hold(disk)) {
            return hold.refusal() == null ? null
                    : new UseView(hold.isTaken() ? DeviceView.Use.HELD : DeviceView.Use.UNKNOWN, hold.refusal());
        }
    }

    private static String usedBy(List<String> bdevs) {
        return "this engine uses it: " + String.join(", ", bdevs);
    }

    /** Why the engine may not take a function; null when it may. */
    private static String reason(PciFunction function, List<String> bdevs, List<DiskView> disks) {
        if (!bdevs.isEmpty()) {
            return usedBy(bdevs);
        }
        String foreign = foreignDriver(function);
        return foreign != null ? foreign : reason(disks);
    }

    private static String foreignDriver(PciFunction function) {
        String driver = function.driver();
        return driver == null || driver.equals("nvme") || PciDriver.isOurs(driver) ? null : "driver " + driver + " has it";
    }

    private static String reason(List<DiskView> disks) {
        String use = inUse(disks);
        return use != null ? use : foreign(disks, Set.of());
    }

    /** Who works with the disks now, or that nobody knows it; null: nobody. */
    private static String inUse(List<DiskView> disks) {
        List<String> unknown = disks.stream().flatMap(disk -> disk.uses().stream()).filter(use -> use.kind() == DeviceView.Use.UNKNOWN)
                .map(UseView::detail).toList();
        if (!unknown.isEmpty()) {
            return "who uses it is " + String.join(", ", unknown);
        }
        List<String> uses = disks.stream().flatMap(disk -> disk.uses().stream())
                .filter(use -> use.kind() != DeviceView.Use.PARTITIONED)
                .map(use -> words(use.kind()) + " (" + use.detail() + ")").toList();
        return uses.isEmpty() ? null : "it is in use: " + String.join(", ", uses);
    }

    private static String words(DeviceView.Use use) {
        return switch (use) {
            case MOUNTED -> "mounted";
            case SWAP -> "swap space";
            case PARTITIONED -> "partitioned";
            case LVM -> "LVM";
            case MD -> "software RAID";
            case DEVICE_MAPPER -> "device mapper";
            case HELD -> "held";
            case UNKNOWN -> "unknown";
            case BDEV -> "bdev";
        };
    }

    /** What lies on the disks besides pools and what was accepted; null: nothing. */
    private static String foreign(List<DiskView> disks, Set<String> accepted) {
        List<String> found = new ArrayList<>();
        for (DiskView disk : disks) {
            if (disk.contents() == null) {
                found.add(disk.name() + " cannot be read");
                continue;
            }
            disk.contents().stream().filter(word -> !POOLS.contains(word) && !accepted.contains(word))
                    .forEach(word -> found.add(word + " on " + disk.name()));
            boolean partitions = disk.uses().stream().anyMatch(use -> use.kind() == DeviceView.Use.PARTITIONED);
            if (partitions && disk.contents().isEmpty()) {
                found.add("partitions on " + disk.name());
            }
        }
        return found.isEmpty() ? null : "it is not empty: " + String.join(", ", found);
    }

    /** The driver that has a function; null: none, or there is no such function. */
    String driverOf(PciAddress address) {
        PciFunction function = pci.find(address);
        return function == null ? null : function.driver();
    }

    /** Gives a function to a driver of ours, unless somebody uses it. */
    DeviceView bind(PciAddress address, DeviceSpec spec, Users users) {
        PciDriver driver = PciDriver.of(spec.driver());
        Set<String> accepted = accepted(spec.accept());
        PciFunction function = pci.get(address);
        if (driver.driverName().equals(function.driver())) {
            new PciBinding(pci).bind(address, driver);
            return get(address.text(), users);
        }
        requireUnused(address, users);
        String foreign = foreignDriver(function);
        if (foreign != null && function.isNvme()) {
            throw inUse(address, foreign);
        }
        if ("nvme".equals(function.driver())) {
            take(address, driver, spec, accepted, users);
        } else {
            if (function.driver() == null && !driver.driverName().equals(function.driverOverride())) {
                requireSame(address, spec.serial(), null);      // Kept for us: it is the one that was looked at before.
            }
            new PciBinding(pci).bind(address, driver);
        }
        return get(address.text(), users);
    }

    /** Another drive than the one that is meant is left alone, and one of which nobody knows yet which it is. */
    private static void requireSame(PciAddress address, String meant, String present) {
        if (meant == null || meant.equals(present)) {
            return;
        }
        if (present == null) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "device-not-ready", "the kernel's NVMe driver does not tell the "
                    + "serial number of device " + address + " (it is starting, has failed, or is not loaded), and " + meant
                    + " is the one that is meant; try again, or bind the drive that is there by a request of its own");
        }
        throw OperationException.precondition("device-changed", "device " + address + " has the serial number " + present
                + ", not " + meant + ": another drive is at this address; unbind it and bind the one that is meant");
    }

    /** From the kernel's driver: nobody can mount a namespace between the look and the taking. */
    private void take(PciAddress address, PciDriver driver, DeviceSpec spec, Set<String> accepted, Users users) {
        DeviceView device = get(address.text(), users);
        String use = inUse(device.disks());
        if (use != null) {
            throw inUse(address, use);
        }
        requireSame(address, spec.serial(), pci.controllerSerial(address));
        if (!accepted.contains(ANY)) {
            requireSeen(address);
        }
        String foreign = accepted.contains(ANY) ? null : foreign(device.disks(), accepted);
        if (foreign != null) {
            throw OperationException.precondition("device-not-empty", "device " + address + " is not taken, " + foreign
                    + "; to take it all the same (nothing is destroyed by that), name it in accept");
        }
        List<BlockDevices.Hold> holds = new ArrayList<>();
        try {
            for (BlockDevice disk : namespaces(pci.get(address), byName())) {
                BlockDevices.Hold hold = blocks.hold(disk);
                holds.add(hold);
                if (hold.refusal() != null) {
                    throw inUse(address, (hold.isTaken() ? "it is in use: " + disk.name() + " is " : "who uses it is ") + hold.refusal());
                }
            }
            new PciBinding(pci).bind(address, driver);
        } finally {
            holds.forEach(BlockDevices.Hold::close);
        }
    }

    /** Right after it was plugged in, the kernel has not looked at its namespaces yet, and nobody at what is on them. */
    private void requireSeen(PciAddress address) {
        String controller = pci.controllerName(address);
        Set<Integer> seen = controller == null ? Set.of() : blocks.namespaceNumbersOf(controller);
        Set<Integer> there = controller == null ? null : namespacesOf.apply(pci.file(controller));
        if (there == null ? seen.isEmpty() : !seen.containsAll(there)) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "device-not-ready", "the kernel's NVMe driver does not show "
                    + (there == null ? "any namespace of device " + address + ", and the controller cannot be asked for them"
                    : "all namespaces of device " + address + " yet (" + seen + " of " + there + ")")
                    + ", so what is on them is not known; try again, or name " + ANY + " in accept");
        }
    }

    private Map<String, BlockDevice> byName() {
        Map<String, BlockDevice> disks = new LinkedHashMap<>();
        blocks.list().forEach(disk -> disks.put(disk.name(), disk));
        return disks;
    }

    private static Set<String> accepted(List<String> words) {
        Set<String> known = DiskSignature.words();
        Set<String> accepted = new java.util.HashSet<>();
        for (String word : words) {
            String plain = ALIASES.getOrDefault(word, word);
            if (!plain.equals(ANY) && !known.contains(plain)) {
                throw OperationException.invalid("invalid-accept", "accept names '" + word + "'; it takes " + ANY + " or any of "
                        + String.join(", ", known));
            }
            accepted.add(plain);
        }
        return accepted;
    }

    /** Gives a function back to the kernel. */
    DeviceView unbind(PciAddress address, Users users) {
        PciFunction function = pci.get(address);
        if (function.driver() == null || PciDriver.isOurs(function.driver())) {
            requireUnused(address, users);
        }
        new PciBinding(pci).unbind(address);
        return get(address.text(), users);
    }

    private static void requireUnused(PciAddress address, Users users) {
        List<String> bdevs = users.of(address.text());
        if (!bdevs.isEmpty()) {
            throw inUse(address, usedBy(bdevs));
        }
        String held = users.held().get(address.text());
        if (held != null) {
            throw inUse(address, held);
        }
    }

    private static OperationException inUse(PciAddress address, String how) {
        return OperationException.precondition("device-in-use", "device " + address + " stays where it is, " + how
                + "; end that first");
    }
}
