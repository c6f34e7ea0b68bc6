package io.mizzen.pci;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** A tree like {@code /sys} in a directory, and what the kernel does when attributes are written. */
public final class FakePci {
    private final Path root;
    private final Map<String, String> matching = new HashMap<>();
    private final Set<String> refusing = new HashSet<>();
    private int writesLeft = Integer.MAX_VALUE;
    private boolean readOnly;

    public FakePci(Path root) {
        this.root = root;
        directory(root.resolve("bus/pci/devices"));
        directory(root.resolve("bus/pci/drivers"));
    }

    public PciSysfs sysfs() {
        return new PciSysfs(root, root.resolve("dev"), this::write);
    }

    /** Loads a driver. */
    public FakePci driver(String name) {
        directory(root.resolve("bus/pci/drivers").resolve(name));
        return this;
    }

    /** A driver that takes no device. */
    public FakePci refusingDriver(String name) {
        refusing.add(name);
        return driver(name);
    }

    /** Adds a function that a driver matches by itself, and has when that is loaded. */
    public FakePci function(String address, String classCode, String driver, int iommuGroup, String iommuType) {
        Path device = device(address);
        directory(device);
        put(device.resolve("class"), classCode);
        put(device.resolve("vendor"), "0x1b36");
        put(device.resolve("device"), "0x0010");
        put(device.resolve("numa_node"), "-1");
        put(device.resolve("driver_override"), "(null)");
        put(device.resolve("resource"), "0x00000000fe000000 0x00000000fe003fff 0x0000000000140204\n"
                + "0x000000000000c000 0x000000000000c03f 0x0000000000040101\n"
                + "0x0000000000000000 0x0000000000000000 0x0000000000000000");
        put(device.resolve("config"), "\0".repeat(64));
        matching.put(address, driver);
        if (iommuGroup >= 0) {
            Path group = root.resolve("kernel/iommu_groups/" + iommuGroup);
            directory(group.resolve("devices/" + address));
            put(group.resolve("type"), iommuType);
            directory(root.resolve("dev/vfio"));
            put(root.resolve("dev/vfio/" + iommuGroup), "");
            link(device.resolve("iommu_group"), group);
        }
        probe(address);
        return this;
    }

    /** The kernel's NVMe driver knows the function by that name. */
    public FakePci controller(String address, String name) {
        directory(device(address).resolve("nvme").resolve(name));
        return controllerAttribute(address, name, "state", "live").controllerAttribute(address, name, "serial",
                "Serial of " + name + "n1   ");
    }

    /** What the kernel tells of a controller. */
    public FakePci controllerAttribute(String address, String name, String attribute, String value) {
        put(device(address).resolve("nvme").resolve(name).resolve(attribute), value);
        return this;
    }

    /** The next so many writes succeed; then the process dies, so to speak. */
    public void dieAfterWrites(int count) {
        writesLeft = count;
    }

    public void readOnly() {
        readOnly = true;
    }

    private Path device(String address) {
        return root.resolve("bus/pci/devices").resolve(address);
    }

    private void write(Path attribute, String value) throws IOException {
        if (readOnly) {
            throw new AccessDeniedException(attribute.toString());
        }
        if (writesLeft-- == 0) {
            throw new UncheckedIOException(new IOException("died"));
        }
        switch (attribute.getFileName().toString()) {
            case "driver_override" -> put(attribute, value.isBlank() ? "(null)" : value.strip());
            case "unbind" -> {
                Files.deleteIfExists(device(value).resolve("driver").resolve(value));
                Files.delete(device(value).resolve("driver"));
            }
            case "drivers_probe" -> {
                String override = Files.readString(device(value).resolve("driver_override")).strip();
                String driver = override.equals("(null)") ? matching.get(value) : override;
                if (refusing.contains(driver)) {
                    throw new FileSystemException(attribute.toString(), null, "Invalid argument of " + driver);
                }
                probe(value);
            }
            default -> throw new IOException("nothing writes " + attribute);
        }
    }

    /** The kernel's driver takes it, as if by itself. */
    public void attach(String address) {
        probe(address);
    }

    private void probe(String address) {
        try {
            Path device = device(address);
            String override = Files.readString(device.resolve("driver_override")).strip();
            String name = override.equals("(null)") ? matching.get(address) : override;
            Path driver = root.resolve("bus/pci/drivers").resolve(name);
            if (Files.isDirectory(driver) && !Files.exists(device.resolve("driver"))) {
                link(device.resolve("driver"), driver);
                Files.deleteIfExists(driver.resolve(address));
                link(driver.resolve(address), device);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void directory(Path path) {
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void put(Path path, String value) {
        try {
            Files.writeString(path, value + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void link(Path path, Path target) {
        try {
            Files.createSymbolicLink(path, target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
