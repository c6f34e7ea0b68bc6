package io.mizzen.pci;

import io.mizzen.ffi.Sysfs;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The kernel's view of PCI functions: {@code /sys/bus/pci} and the device files that belong to it. Blocking: never on a
 * reactor. Where the trees lie is given, so that tests have their own.
 */
public final class PciSysfs {
    /** Writes an attribute; tests put what the kernel would do in its place. */
    @FunctionalInterface
    public interface Writer {
        void write(Path attribute, String value) throws IOException;
    }

    private static final long MEMORY_RESOURCE = 0x200;

    private final Path sysfs;
    private final Path dev;
    private final Writer writer;

    /** This machine's. */
    public PciSysfs() {
        this(Path.of("/sys"), Path.of("/dev"),
                (attribute, value) -> Files.writeString(attribute, value, StandardOpenOption.WRITE));
    }

    public PciSysfs(Path sysfs, Path dev, Writer writer) {
        this.sysfs = sysfs;
        this.dev = dev;
        this.writer = writer;
    }

    /** Every NVMe function, by address. */
    public List<PciFunction> nvmeFunctions() {
        List<PciFunction> functions = new ArrayList<>();
        for (String name : Sysfs.names(sysfs.resolve("bus/pci/devices"))) {
            PciFunction function = PciAddress.isAddress(name) ? find(PciAddress.parse(name)) : null;
            if (function != null && function.isNvme()) {
                functions.add(function);
            }
        }
        functions.sort(Comparator.comparing(function -> function.address().text()));
        return functions;
    }

    /**
     * One function.
     *
     * @throws OperationException NOT_FOUND {@code pci-device-not-found}
     */
    public PciFunction get(PciAddress address) {
        PciFunction function = find(address);
        if (function == null) {
            throw OperationException.notFound("pci-device-not-found", "this machine has no PCI device " + address
                    + "; GET /v1/devices and lspci -D list those that it has");
        }
        return function;
    }

    /** As {@link #get}; null when it is not there, or goes while it is looked at. */
    public PciFunction find(PciAddress address) {
        Path device = device(address);
        String classCode = Sysfs.text(device.resolve("class"));
        if (classCode == null) {
            return null;
        }
        Path group = device.resolve("iommu_group");
        String number = linkName(group);
        String override = Sysfs.text(device.resolve("driver_override"));
        String node = Sysfs.text(device.resolve("numa_node"));
        return new PciFunction(address, hex(Sysfs.text(device.resolve("vendor"))), hex(Sysfs.text(device.resolve("device"))),
                hex(classCode), linkName(device.resolve("driver")),
                override == null || override.equals("(null)") || override.isEmpty() ? null : override,
                number == null ? -1 : Integer.parseInt(number), Sysfs.text(group.resolve("type")),
                node == null ? -1 : Integer.parseInt(node));
    }

    /** What is there while the driver has the function. */
    Path ofDriver(PciDriver driver, PciAddress address) {
        return sysfs.resolve("bus/pci/drivers").resolve(driver.driverName()).resolve(address.text());
    }

    /** The driver that has the function, or null. */
    String driver(PciAddress address) {
        return linkName(device(address).resolve("driver"));
    }

    /** The number of the interrupt by wire; 0: it is not wired up. */
    int interruptNumber(PciAddress address) {
        String number = Sysfs.text(device(address).resolve("irq"));
        return number == null || number.isEmpty() ? 0 : Integer.parseInt(number);
    }

    /** Addresses on the bus at which functions have registers or memory, and bridges those behind them. */
    List<IovaAllotment.Range> busMemory() {
        List<IovaAllotment.Range> ranges = new ArrayList<>();
        for (String name : Sysfs.names(sysfs.resolve("bus/pci/devices"))) {
            String resources = Sysfs.text(sysfs.resolve("bus/pci/devices").resolve(name).resolve("resource"));
            for (String line : resources == null ? new String[0] : resources.split("\n")) {
                String[] words = line.strip().split(" ");        // Start, end, and flags of the kernel's (IORESOURCE_MEM).
                if (words.length == 3 && (Long.decode(words[2]) & MEMORY_RESOURCE) != 0) {
                    ranges.add(new IovaAllotment.Range(Long.decode(words[0]), Long.decode(words[1])));
                }
            }
        }
        return ranges;
    }

    /** Other functions of the IOMMU group that keep it from us: those with a driver that is neither VFIO's nor a bridge's. */
    public List<PciFunction> hinderersOf(PciFunction function) {
        List<PciFunction> hinderers = new ArrayList<>();
        for (String name : Sysfs.names(device(function.address()).resolve("iommu_group/devices"))) {
            PciFunction other = PciAddress.isAddress(name) ? find(PciAddress.parse(name)) : null;
            if (other != null && !other.address().equals(function.address()) && other.driver() != null
                    && !other.driver().equals(PciDriver.VFIO_PCI.driverName()) && !other.driver().equals("pcieport")
                    && !other.driver().equals("pci-stub")) {
                hinderers.add(other);
            }
        }
        return hinderers;
    }

    /** What the kernel's NVMe driver calls the controller ({@code nvme0}), or null when it does not have it. */
    public String controllerName(PciAddress address) {
        List<String> names = Sysfs.names(device(address).resolve("nvme"));
        return names.isEmpty() ? null : names.getFirst();
    }

    /**
     * Serial number of the drive, as the kernel's NVMe driver read it, before it looks for namespaces. Null when that driver does
     * not have the function, or has not finished its start: until then the kernel knows no serial number.
     */
    public String controllerSerial(PciAddress address) {
        String name = controllerName(address);
        if (name == null) {
            return null;
        }
        Path controller = device(address).resolve("nvme").resolve(name);
        if (!"live".equals(Sysfs.text(controller.resolve("state")))) {
            return null;
        }
        String serial = Sysfs.text(controller.resolve("serial"));
        return serial == null || serial.isEmpty() ? null : serial;
    }

    /** Whether the kernel knows a PCI driver of that name now. */
    public boolean hasDriver(String driver) {
        return Files.isDirectory(sysfs.resolve("bus/pci/drivers").resolve(driver));
    }

    /** Keeps the function for a driver; null: for whichever matches it. */
    void setDriverOverride(PciAddress address, String driver) {
        write(device(address).resolve("driver_override"), (driver == null ? "" : driver) + "\n");
    }

    /** Takes the function away from its driver. Returns when the driver has let go, which may take long. */
    void release(PciAddress address) {
        write(device(address).resolve("driver/unbind"), address.text());
    }

    /** Offers the function, which has no driver, to the drivers. */
    void probe(PciAddress address) {
        write(sysfs.resolve("bus/pci/drivers_probe"), address.text());
    }

    /** The function's directory. */
    Path device(PciAddress address) {
        return sysfs.resolve("bus/pci/devices").resolve(address.text());
    }

    /** The device file of that name. */
    public Path file(String name) {
        return dev.resolve(name);
    }

    /** The directory of an IOMMU group's file and of the container's. */
    Path vfioDirectory() {
        return dev.resolve("vfio");
    }

    /** The device file of a function that uio_pci_generic has, or null. */
    Path uioFile(PciAddress address) {
        List<String> names = Sysfs.names(device(address).resolve("uio"));
        return names.isEmpty() ? null : dev.resolve(names.getFirst());
    }

    void write(Path attribute, String value) {
        try {
            writer.write(attribute, value);
        } catch (AccessDeniedException e) {
            throw forbidden(attribute);
        } catch (NoSuchFileException e) {
            throw OperationException.precondition("pci-device-changed", attribute
                    + " is gone: the device was removed or rebound meanwhile; look at it again");
        } catch (IOException e) {
            String reason = e instanceof java.nio.file.FileSystemException file && file.getReason() != null ? file.getReason()
                    : e.getMessage();
            if (reason != null && reason.contains("Read-only")) {
                throw forbidden(attribute);
            }
            throw OperationException.precondition("driver-refused", "writing " + value.strip() + " to " + attribute
                    + " failed: " + reason + "; the kernel's log (dmesg) may say more");
        }
    }

    private static OperationException forbidden(Path attribute) {
        return new OperationException(ErrorKind.FAILED_PRECONDITION, "missing-rights", "writing " + attribute
                + " is not allowed: run the engine as root, in a container with /sys writable");
    }

    private static int hex(String text) {
        return text == null ? 0 : Integer.decode(text);
    }

    private static String linkName(Path link) {
        try {
            return Files.readSymbolicLink(link).getFileName().toString();
        } catch (IOException absent) {
            return null;
        }
    }
}
