package io.mizzen.ffi;

/**
 * Numbers and layouts of {@code linux/vfio.h}, by their C names: requests of containers, groups and devices, and the offsets
 * of their arguments' members. A test compares all of it with the installed header.
 */
public final class VfioAbi {
    public static final long VFIO_GET_API_VERSION = 0x3B64;
    public static final long VFIO_CHECK_EXTENSION = 0x3B65;
    public static final long VFIO_SET_IOMMU = 0x3B66;
    public static final long VFIO_GROUP_GET_STATUS = 0x3B67;
    public static final long VFIO_GROUP_SET_CONTAINER = 0x3B68;
    public static final long VFIO_GROUP_UNSET_CONTAINER = 0x3B69;
    public static final long VFIO_GROUP_GET_DEVICE_FD = 0x3B6A;
    public static final long VFIO_DEVICE_GET_INFO = 0x3B6B;
    public static final long VFIO_DEVICE_GET_REGION_INFO = 0x3B6C;
    public static final long VFIO_DEVICE_GET_IRQ_INFO = 0x3B6D;
    public static final long VFIO_DEVICE_SET_IRQS = 0x3B6E;
    public static final long VFIO_DEVICE_RESET = 0x3B6F;
    public static final long VFIO_IOMMU_GET_INFO = 0x3B70;
    public static final long VFIO_IOMMU_MAP_DMA = 0x3B71;
    public static final long VFIO_IOMMU_UNMAP_DMA = 0x3B72;

    public static final int VFIO_API_VERSION = 0;
    public static final int VFIO_TYPE1v2_IOMMU = 3;
    public static final int VFIO_GROUP_FLAGS_VIABLE = 1;
    public static final int VFIO_DEVICE_FLAGS_RESET = 1;
    public static final int VFIO_DEVICE_FLAGS_PCI = 2;
    public static final int VFIO_REGION_INFO_FLAG_MMAP = 4;
    public static final int VFIO_IRQ_INFO_EVENTFD = 1;
    public static final int VFIO_IRQ_SET_DATA_NONE = 1;
    public static final int VFIO_IRQ_SET_DATA_EVENTFD = 4;
    public static final int VFIO_IRQ_SET_ACTION_TRIGGER = 32;
    public static final int VFIO_IOMMU_INFO_CAPS = 2;
    public static final int VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE = 1;
    public static final int VFIO_DMA_MAP_FLAG_READ = 1;
    public static final int VFIO_DMA_MAP_FLAG_WRITE = 2;

    public static final int VFIO_PCI_BAR0_REGION_INDEX = 0;
    public static final int VFIO_PCI_CONFIG_REGION_INDEX = 7;
    public static final int VFIO_PCI_MSIX_IRQ_INDEX = 2;
    public static final int VFIO_PCI_ERR_IRQ_INDEX = 3;
    public static final int VFIO_PCI_REQ_IRQ_INDEX = 4;

    public static final int GROUP_STATUS_SIZE_BYTES = 8;
    public static final int GROUP_STATUS_ARGSZ = 0;
    public static final int GROUP_STATUS_FLAGS = 4;

    public static final int DEVICE_INFO_SIZE_BYTES = 20;
    public static final int DEVICE_INFO_ARGSZ = 0;
    public static final int DEVICE_INFO_FLAGS = 4;
    public static final int DEVICE_INFO_NUM_IRQS = 12;

    public static final int REGION_INFO_SIZE_BYTES = 32;
    public static final int REGION_INFO_ARGSZ = 0;
    public static final int REGION_INFO_FLAGS = 4;
    public static final int REGION_INFO_INDEX = 8;
    public static final int REGION_INFO_SIZE = 16;
    public static final int REGION_INFO_OFFSET = 24;

    public static final int IRQ_INFO_SIZE_BYTES = 16;
    public static final int IRQ_INFO_ARGSZ = 0;
    public static final int IRQ_INFO_FLAGS = 4;
    public static final int IRQ_INFO_INDEX = 8;
    public static final int IRQ_INFO_COUNT = 12;

    public static final int IRQ_SET_SIZE_BYTES = 20;
    public static final int IRQ_SET_ARGSZ = 0;
    public static final int IRQ_SET_FLAGS = 4;
    public static final int IRQ_SET_INDEX = 8;
    public static final int IRQ_SET_START = 12;
    public static final int IRQ_SET_COUNT = 16;
    public static final int IRQ_SET_DATA = 20;

    /** Offset of the last member's end in a kernel of 6.1; a newer one accepts it. */
    public static final int IOMMU_INFO_ARGSZ = 0;
    public static final int IOMMU_INFO_FLAGS = 4;
    public static final int IOMMU_INFO_IOVA_PGSIZES = 8;
    public static final int IOMMU_INFO_CAP_OFFSET = 16;

    public static final int CAP_HEADER_SIZE_BYTES = 8;
    public static final int CAP_HEADER_ID = 0;
    public static final int CAP_HEADER_NEXT = 4;
    public static final int CAP_IOVA_NR_IOVAS = 8;
    public static final int CAP_IOVA_IOVA_RANGES = 16;
    public static final int IOVA_RANGE_SIZE_BYTES = 16;
    public static final int IOVA_RANGE_START = 0;
    public static final int IOVA_RANGE_END = 8;

    public static final int DMA_MAP_SIZE_BYTES = 32;
    public static final int DMA_MAP_ARGSZ = 0;
    public static final int DMA_MAP_FLAGS = 4;
    public static final int DMA_MAP_VADDR = 8;
    public static final int DMA_MAP_IOVA = 16;
    public static final int DMA_MAP_SIZE = 24;

    public static final int DMA_UNMAP_SIZE_BYTES = 24;
    public static final int DMA_UNMAP_ARGSZ = 0;
    public static final int DMA_UNMAP_FLAGS = 4;
    public static final int DMA_UNMAP_IOVA = 8;
    public static final int DMA_UNMAP_SIZE = 16;

    private VfioAbi() {
    }
}
