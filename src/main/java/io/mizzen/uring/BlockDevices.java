package io.mizzen.uring;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.Sysfs;
import io.mizzen.uring.BlockDevice.Use;
import io.mizzen.uring.BlockDevice.UseKind;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The disks of this machine and what uses them, from sysfs and procfs. Reads only. Blocking, and a disk that does not answer
 * may block for long: never on a reactor. Where the trees lie is given, so that tests have their own.
 */
public final class BlockDevices {
    private static final int O_RDONLY_EXCL_CLOEXEC = 0x80080;
    private static final int SECTOR_BYTES = 512;
    private static final int END_BYTES = 1 << 20;
    /** Of a file's mode: what kind it is, and a block device. */
    private static final int FORMAT_MASK = 0xF000;
    private static final int FORMAT_BLOCK = 0x6000;
    /** A namespace with several paths has a hidden disk a path: subsystem, controller, namespace. */
    private static final Pattern NVME_PATH = Pattern.compile("(nvme\\d+)c\\d+(n\\d+)");

    /** A namespace, or a partition of one. */
    private static final Pattern NVME_DISK = Pattern.compile("(nvme\\d+n\\d+)(?:p\\d+)?");
    private static final Pattern PCI_ADDRESS = Pattern.compile("[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]");

    private final Path sysfs;
    private final Path procfs;
    private final Path dev;
    private final Function<Path, String> numberOf;

    /** This machine's. */
    public BlockDevices() {
        this(Path.of("/sys"), Path.of("/proc"), Path.of("/dev"), BlockDevices::deviceNumber);
    }

    /** Of trees whose disks are ordinary files. */
    public BlockDevices(Path sysfs, Path procfs, Path dev) {
        this(sysfs, procfs, dev, file -> null);
    }

    /** @param numberOf which device a device file is, {@code major:minor}; null: the one that its name says */
    public BlockDevices(Path sysfs, Path procfs, Path dev, Function<Path, String> numberOf) {
        this.sysfs = sysfs;
        this.procfs = procfs;
        this.dev = dev;
        this.numberOf = numberOf;
    }

    /**
     * The NVMe drive that a device file, or a link to one, is a namespace of, or a partition of one. Null: it is none, or the kernel
     * does not know it any more.
     */
    public NvmeDrive nvmeDriveOf(Path file) {
        Matcher name;
        try {
            name = NVME_DISK.matcher(file.toRealPath().getFileName().toString());
        } catch (IOException gone) {
            return null;
        }
        Path device = name.matches() ? sysfs.resolve("block").resolve(name.group(1)).resolve("device") : null;
        if (device == null || !Files.isDirectory(device)) {
            return null;
        }
        String address = Sysfs.text(device.resolve("address"));
        if (address == null) {          // Of a drive with several paths each controller has its own.
            address = Sysfs.names(device).stream().filter(controller -> controller.matches("nvme\\d+"))
                    .map(controller -> Sysfs.text(device.resolve(controller).resolve("address"))).filter(Objects::nonNull).findFirst().orElse(null);
        }
        return new NvmeDrive(address != null && PCI_ADDRESS.matcher(address).matches() ? address : name.group(1),
                orEmpty(Sysfs.text(device.resolve("model"))), orEmpty(Sysfs.text(device.resolve("serial"))));
    }

    private static String orEmpty(String text) {
        return text == null ? "" : text;
    }

    /** Every disk that has a size, by name; partitions and disks in the kernel's memory are none. */
    public List<BlockDevice> list() {
        List<Mount> mounts = mounts();
        List<BlockDevice> disks = new ArrayList<>();
        for (String name : Sysfs.names(sysfs.resolve("block"))) {
            BlockDevice disk = name.matches("(z?ram)\\d+") ? null : read(name, mounts);
            if (disk != null) {
                disks.add(disk);
            }
        }
        return disks;
    }

    /** Names of the disks that are namespaces of an NVMe controller of the kernel's driver, such as {@code nvme0}. */
    public List<String> namespacesOf(String controller) {
        List<String> disks = new ArrayList<>();
        for (String name : Sysfs.names(sysfs.resolve("class/nvme").resolve(controller))) {
            Matcher path = NVME_PATH.matcher(name);
            if (path.matches()) {
                disks.add(path.group(1) + path.group(2));
            } else if (name.matches("nvme\\d+n\\d+")) {
                disks.add(name);
            }
        }
        return disks;
    }

    /** Numbers of those namespaces, also of such as cannot be used as disks. */
    public Set<Integer> namespaceNumbersOf(String controller) {
        Set<Integer> numbers = new TreeSet<>();
        namespacesOf(controller).forEach(name -> numbers.add((int) number(sysfs.resolve("block").resolve(name).resolve("nsid"), 0)));
        return numbers;
    }

    /** What lies on a disk; null when it cannot be read. */
    public List<DiskSignature.Finding> contents(BlockDevice disk) {
        try (RandomAccessFile file = new RandomAccessFile(disk.path().toFile(), "r")) {
            byte[] head = new byte[(int) Math.min(END_BYTES, disk.sizeBytes())];
            byte[] tail = new byte[head.length];
            file.readFully(head);
            file.seek(disk.sizeBytes() - tail.length);
            file.readFully(tail);
            return DiskSignature.inspect(head, tail);
        } catch (IOException unreadable) {
            return null;        // The caller says that it is not known.
        }
    }

    /** A disk that nobody else can mount or open for himself until this is closed; or why it is none. */
    public static final class Hold implements AutoCloseable {
        private final int fd;
        private final String refusal;

        private Hold(int fd, String refusal) {
            this.fd = fd;
            this.refusal = refusal;
        }

        /** Why the disk is not held; null: it is. */
        public String refusal() {
            return refusal;
        }

        /** Whether somebody else is known to have it for himself. Else, where it is refused, nobody knows. */
        public boolean isTaken() {
            return fd == -Errno.EBUSY;
        }

        @Override
        public void close() {
            if (fd >= 0) {
                Libc.close(fd);
            }
        }
    }

    /**
     * Keeps others from taking the disk. Refused when somebody has it for himself (a mount, a volume manager, another engine),
     * and when that cannot be found out: who has no right to open it, or no device file, sees no other mounts either.
     */
    public Hold hold(BlockDevice disk) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Libc.open(Libc.cString(arena, disk.path().toString()).address(), O_RDONLY_EXCL_CLOEXEC, 0);
            if (fd == -Errno.EBUSY) {
                return new Hold(fd, "opened exclusively by another process or the kernel");
            }
            String other = fd < 0 ? null : numberOf.apply(disk.path());
            if (other != null && !other.equals(disk.device())) {
                Libc.close(fd);
                return new Hold(-Errno.ENODEV, "unknown to this process, since " + disk.path() + " is " + other + " and not the disk "
                        + disk.device());
            }
            return new Hold(fd, fd >= 0 ? null : "unknown to this process, since " + disk.path() + " cannot be opened: "
                    + Errno.describe(-fd) + (fd == -Errno.ENOENT ? ", as in a container without it" : ""));
        }
    }

    /** Major and minor number of the device that a file is, as sysfs writes them. */
    private static String deviceNumber(Path file) {
        try {
            int mode = (int) Files.getAttribute(file, "unix:mode");
            long number = (long) Files.getAttribute(file, "unix:rdev");
            return (mode & FORMAT_MASK) != FORMAT_BLOCK ? "no disk"
                    : (number >>> 8 & 0xFFF) + ":" + (number & 0xFF | number >>> 12 & 0xFFF00);
        } catch (IOException gone) {
            return "gone";
        }
    }

    private BlockDevice read(String name, List<Mount> mounts) {
        Path block = sysfs.resolve("block").resolve(name);
        long sectors = number(block.resolve("size"), 0);
        if (sectors == 0 || number(block.resolve("hidden"), 0) == 1) {
            return null;
        }
        return new BlockDevice(name, dev.resolve(name), Sysfs.text(block.resolve("dev")), Sysfs.text(block.resolve("device/model")),
                serial(block), (int) number(block.resolve("nsid"), 0), sectors * SECTOR_BYTES,
                (int) number(block.resolve("queue/logical_block_size"), SECTOR_BYTES), number(block.resolve("ro"), 0) == 1,
                numaNode(block), partitions(block), uses(name, block, mounts));
    }

    private static List<String> partitions(Path block) {
        return Sysfs.names(block).stream().filter(entry -> Files.exists(block.resolve(entry).resolve("partition"))).toList();
    }

    private static String serial(Path block) {
        for (String attribute : List.of("device/serial", "serial")) {
            String serial = Sysfs.text(block.resolve(attribute));
            if (serial != null && !serial.isEmpty()) {
                return serial;
            }
        }
        try {       // SCSI, page 80h: four bytes of header.
            byte[] page = Files.readAllBytes(block.resolve("device/vpd_pg80"));
            return page.length <= 4 ? null : new String(page, 4, page.length - 4, StandardCharsets.US_ASCII).strip();
        } catch (IOException absent) {
            return null;
        }
    }

    /** The first node named on the way up from the disk to its bus. */
    private static int numaNode(Path block) {
        try {
            for (Path at = block.toRealPath(); at != null; at = at.getParent()) {
                String node = Sysfs.text(at.resolve("numa_node"));
                if (node != null) {
                    return Integer.parseInt(node);
                }
            }
        } catch (IOException gone) {
            return -1;
        }
        return -1;
    }

    private List<Use> uses(String name, Path block, List<Mount> mounts) {
        List<Use> uses = new ArrayList<>();
        List<String> partitions = partitions(block);
        if (!partitions.isEmpty()) {
            uses.add(new Use(UseKind.PARTITIONED, String.join(", ", partitions)));
        }
        addUses(uses, name, block, mounts);
        partitions.forEach(partition -> addUses(uses, partition, block.resolve(partition), mounts));
        return uses;
    }

    private void addUses(List<Use> uses, String name, Path directory, List<Mount> mounts) {
        String device = Sysfs.text(directory.resolve("dev"));
        String file = dev.resolve(name).toString();
        for (Mount mount : mounts) {
            if (mount.device.equals(device) || mount.source.equals(file)) {
                uses.add(new Use(mount.kind, name + " on " + mount.target));
            }
        }
        for (String holder : Sysfs.names(directory.resolve("holders"))) {
            uses.add(holder(name, holder));
        }
    }

    private Use holder(String name, String holder) {
        Path block = sysfs.resolve("block").resolve(holder);
        String uuid = Sysfs.text(block.resolve("dm/uuid"));
        String mapped = Sysfs.text(block.resolve("dm/name"));
        UseKind kind = uuid != null && uuid.startsWith("LVM-") ? UseKind.LVM : mapped != null ? UseKind.DEVICE_MAPPER
                : Files.isDirectory(block.resolve("md")) ? UseKind.MD : UseKind.HELD;
        return new Use(kind, name + " in " + (mapped == null ? holder : mapped));
    }

    /** A mount or a swap space: by device number, or by file where a file system has several disks. */
    private record Mount(UseKind kind, String device, String source, String target) {
    }

    /** proc(5): mountinfo has the device in field 3, the target in field 5, the source second after the dash. */
    private List<Mount> mounts() {
        List<Mount> mounts = new ArrayList<>();
        for (String line : lines(procfs.resolve("self/mountinfo"))) {
            String[] fields = line.split(" ");
            int dash = List.of(fields).indexOf("-");
            if (dash >= 5 && fields.length > dash + 2) {
                mounts.add(new Mount(UseKind.MOUNTED, fields[2], unescape(fields[dash + 2]), unescape(fields[4])));
            }
        }
        for (String line : lines(procfs.resolve("swaps"))) {
            String[] fields = line.split("\\s+");
            if (fields.length > 1 && fields[0].startsWith("/")) {
                mounts.add(new Mount(UseKind.SWAP, "", unescape(fields[0]), "swap"));
            }
        }
        return mounts;
    }

    private static String unescape(String field) {
        return field.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\");
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException absent) {
            return List.of();       // A kernel without swap has no such file.
        }
    }

    private static long number(Path attribute, long otherwise) {
        String text = Sysfs.text(attribute);
        return text == null || text.isEmpty() ? otherwise : Long.parseLong(text);
    }
}
