package io.mizzen.pci;

import static io.mizzen.ffi.VfioAbi.*;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.IovaMap;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A VFIO container: one set of I/O virtual addresses (type 1, version 2) in which the engine's memory is mapped once, and
 * the IOMMU groups in it. The last group that leaves takes the mappings with it. Owner: {@link PciDevices}, under its lock.
 */
final class VfioContainer {
    private static final int O_RDWR_CLOEXEC = 2 | 0x80000;
    private static final int INFO_BYTES = 4096;

    private final PciSysfs sysfs;
    private final int fd;
    private final Map<Integer, Group> groups = new HashMap<>();
    private IovaMap iovas;

    /** A group that is open, and the devices in use of it. */
    private static final class Group {
        final int fd;
        int devices;

        Group(int fd) {
            this.fd = fd;
        }
    }

    private VfioContainer(PciSysfs sysfs, int fd) {
        this.sysfs = sysfs;
        this.fd = fd;
    }

    /** A container without groups; it maps memory when the first one joins. */
    static VfioContainer open(PciSysfs sysfs) {
        String path = sysfs.vfioDirectory().resolve("vfio").toString();
        int fd = openFile(path);
        if (fd < 0) {
            throw OperationException.precondition(fd == -Errno.EACCES || fd == -Errno.EPERM ? "missing-rights" : "no-vfio",
                    "cannot open " + path + ": " + Errno.describe(-fd) + "; "
                    + (fd == -Errno.EACCES || fd == -Errno.EPERM ? "run the engine as root or give it the file"
                    : "load the driver (modprobe vfio-pci); a container needs --device /dev/vfio"));
        }
        VfioContainer container = new VfioContainer(sysfs, fd);
        if (Libc.ioctl(fd, VFIO_GET_API_VERSION, 0) != VFIO_API_VERSION
                || Libc.ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1) {
            Libc.close(fd);
            throw OperationException.precondition("no-iommu", "this kernel's VFIO has no type 1 IOMMU; use uio_pci_generic, which "
                    + "works without one on hugetlb pages");
        }
        return container;
    }

    /** Where devices in this container find the engine's memory. */
    IovaMap iovas() {
        return iovas;
    }

    boolean isEmpty() {
        return groups.isEmpty();
    }

    /**
     * A descriptor of the device; its group joins if it has not.
     *
     * @return the descriptor, or -1 if the group cannot share a container with those that are here
     */
    int openDevice(PciFunction function, List<DmaRegion> regions) {
        Group group = groups.get(function.iommuGroup());
        if (group == null) {
            group = join(function, regions);
            if (group == null) {
                return -1;
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            int device = Libc.ioctl(group.fd, VFIO_GROUP_GET_DEVICE_FD, Libc.cString(arena, function.address().text()).address());
            if (device < 0) {
                leaveIfUnused(function.iommuGroup());
                throw OperationException.precondition("device-not-opened", "VFIO does not open device " + function.address() + ": "
                        + Errno.describe(-device) + "; the kernel's log (dmesg) may say why");
            }
            group.devices++;
            return device;
        }
    }

    /** One device of the group, whose descriptor is closed, needs it no more. */
    void deviceClosed(int groupNumber) {
        groups.get(groupNumber).devices--;
        leaveIfUnused(groupNumber);
    }

    private void leaveIfUnused(int groupNumber) {
        Group group = groups.get(groupNumber);
        if (group.devices == 0) {
            Libc.ioctl(group.fd, VFIO_GROUP_UNSET_CONTAINER, 0);
            Libc.close(group.fd);
            groups.remove(groupNumber);
        }
    }

    /** Closes the container, which has no group any more. */
    void close() {
        assert groups.isEmpty();
        Libc.close(fd);
    }

    private Group join(PciFunction function, List<DmaRegion> regions) {
        int groupFd = openGroup(function);
        boolean joined = false;
        try (Arena arena = Arena.ofConfined()) {
            long argument = arena.allocate(4, 4).address();
            RawMemory.putInt(argument, fd);
            int result = Libc.ioctl(groupFd, VFIO_GROUP_SET_CONTAINER, argument);
            if (result < 0 && !groups.isEmpty()) {
                return null;
            }
            requireJoined(function, result);
            if (groups.isEmpty()) {
                requireJoined(function, Libc.ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
                iovas = mapAll(regions);
            }
            joined = true;
        } finally {
            if (!joined) {
                Libc.ioctl(groupFd, VFIO_GROUP_UNSET_CONTAINER, 0);
                Libc.close(groupFd);
            }
        }
        Group group = new Group(groupFd);
        groups.put(function.iommuGroup(), group);
        return group;
    }

    private static void requireJoined(PciFunction function, int result) {
        if (result < 0) {
            throw OperationException.precondition("iommu-refused", "the IOMMU does not take group " + function.iommuGroup()
                    + " of device " + function.address() + ": " + Errno.describe(-result)
                    + (result == -Errno.EPERM ? "; without interrupt remapping it needs the module parameter "
                    + "vfio_iommu_type1.allow_unsafe_interrupts=1" : "; the kernel's log (dmesg) may say why"));
        }
    }

    private int openGroup(PciFunction function) {
        String path = sysfs.vfioDirectory().resolve(Integer.toString(function.iommuGroup())).toString();
        int groupFd = openFile(path);
        if (groupFd < 0) {
            throw switch (-groupFd) {
                case Errno.EBUSY -> OperationException.precondition("device-in-use", "another process drives device "
                        + function.address() + " or another one of its IOMMU group " + function.iommuGroup() + " (" + path
                        + " is open already); stop it first");
                case Errno.EACCES, Errno.EPERM -> OperationException.precondition("missing-rights", "cannot open " + path + ": "
                        + Errno.describe(-groupFd) + "; run the engine as root or give it the file");
                default -> OperationException.precondition("device-not-opened", "cannot open " + path + " of device "
                        + function.address() + ": " + Errno.describe(-groupFd) + "; a container needs --device /dev/vfio");
            };
        }
        try (Arena arena = Arena.ofConfined()) {
            long status = arena.allocate(GROUP_STATUS_SIZE_BYTES, 8).address();
            RawMemory.putInt(status + GROUP_STATUS_ARGSZ, GROUP_STATUS_SIZE_BYTES);
            int result = Libc.ioctl(groupFd, VFIO_GROUP_GET_STATUS, status);
            if (result < 0 || (RawMemory.getInt(status + GROUP_STATUS_FLAGS) & VFIO_GROUP_FLAGS_VIABLE) == 0) {
                Libc.close(groupFd);
                List<String> others = sysfs.hinderersOf(function).stream()
                        .map(other -> other.address() + " (driver " + other.driver() + ")").toList();
                throw OperationException.precondition("iommu-group-shared", "IOMMU group " + function.iommuGroup() + " of device "
                        + function.address() + " cannot be used while other devices of it have drivers of the kernel: "
                        + String.join(", ", others) + "; give those to vfio-pci too, or move the drive to another slot");
            }
        }
        return groupFd;
    }

    private IovaMap mapAll(List<DmaRegion> regions) {
        long[] sizes = regions.stream().mapToLong(DmaRegion::sizeBytes).toArray();
        long[] alignments = regions.stream().mapToLong(DmaRegion::pageSizeBytes).toArray();
        // Other functions' registers too: what a bridge finds there does not come to the IOMMU, nor what a controller has there.
        long[] places = IovaAllotment.place(IovaAllotment.without(ranges(), sysfs.busMemory()), sizes, alignments);
        int[] shifts = new int[places.length];
        long[][] tables = new long[places.length][];
        for (int i = 0; i < places.length; i++) {
            map(regions.get(i), places[i]);
            shifts[i] = IovaMap.WHOLE_REGION;
            tables[i] = new long[] {places[i]};
        }
        return new IovaMap(regions, shifts, tables);
    }

    private void map(DmaRegion region, long iova) {
        try (Arena arena = Arena.ofConfined()) {
            long request = arena.allocate(DMA_MAP_SIZE_BYTES, 8).address();
            RawMemory.putInt(request + DMA_MAP_ARGSZ, DMA_MAP_SIZE_BYTES);
            RawMemory.putInt(request + DMA_MAP_FLAGS, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
            RawMemory.putLong(request + DMA_MAP_VADDR, region.address());
            RawMemory.putLong(request + DMA_MAP_IOVA, iova);
            RawMemory.putLong(request + DMA_MAP_SIZE, region.sizeBytes());
            int result = Libc.ioctl(fd, VFIO_IOMMU_MAP_DMA, request);
            if (result == -Errno.ENOMEM) {
                throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "memlock-too-low", "mapping " + region.sizeBytes()
                        + " bytes of memory for devices exceeds the limit of locked memory; raise it (ulimit -l unlimited, "
                        + "LimitMEMLOCK=infinity for systemd, --ulimit memlock=-1 for a container) or lower mizzen.memory.size");
            }
            if (result < 0) {
                throw OperationException.precondition("iommu-refused", "the IOMMU does not map " + region.sizeBytes()
                        + " bytes of memory at 0x" + Long.toHexString(iova) + ": " + Errno.describe(-result));
            }
        }
    }

    /** The address ranges of {@code VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE}, which changes with the groups. */
    private List<IovaAllotment.Range> ranges() {
        try (Arena arena = Arena.ofConfined()) {
            long info = arena.allocate(INFO_BYTES, 8).address();
            RawMemory.putInt(info + IOMMU_INFO_ARGSZ, INFO_BYTES);
            int result = Libc.ioctl(fd, VFIO_IOMMU_GET_INFO, info);
            int at = result < 0 || (RawMemory.getInt(info + IOMMU_INFO_FLAGS) & VFIO_IOMMU_INFO_CAPS) == 0 ? 0
                    : RawMemory.getInt(info + IOMMU_INFO_CAP_OFFSET);
            while (at > 0 && at <= INFO_BYTES - CAP_IOVA_IOVA_RANGES) {
                if (RawMemory.getShort(info + at + CAP_HEADER_ID) == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
                    return ranges(info + at, (INFO_BYTES - at - CAP_IOVA_IOVA_RANGES) / IOVA_RANGE_SIZE_BYTES);
                }
                at = RawMemory.getInt(info + at + CAP_HEADER_NEXT);
            }
            throw OperationException.precondition("iommu-refused", "the IOMMU does not say which addresses it has ("
                    + (result < 0 ? Errno.describe(-result) : "no range reported") + "); the kernel is too old for vfio here");
        }
    }

    private static List<IovaAllotment.Range> ranges(long capability, int countMax) {
        int count = Math.min(RawMemory.getInt(capability + CAP_IOVA_NR_IOVAS), countMax);
        List<IovaAllotment.Range> ranges = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long range = capability + CAP_IOVA_IOVA_RANGES + (long) i * IOVA_RANGE_SIZE_BYTES;
            long end = RawMemory.getLong(range + IOVA_RANGE_END);
            ranges.add(new IovaAllotment.Range(RawMemory.getLong(range + IOVA_RANGE_START), end < 0 ? Long.MAX_VALUE : end));
        }
        return ranges;
    }

    private static int openFile(String path) {
        try (Arena arena = Arena.ofConfined()) {
            return Libc.open(Libc.cString(arena, path).address(), O_RDWR_CLOEXEC, 0);
        }
    }
}
