package io.mizzen.uring;

import java.nio.file.Path;
import java.util.List;

/**
 * A whole disk, as the kernel sees it at one moment.
 *
 * @param name the kernel's, such as {@code sda}
 * @param path its device file
 * @param device {@code major:minor}
 * @param model null where the kernel does not say
 * @param serial null where the kernel does not say
 * @param namespaceId of an NVMe namespace, else 0
 * @param readOnly whether writes are refused
 * @param numaNode the node that it hangs on, or -1
 * @param partitions their names
 * @param uses who uses it now; empty: nobody that can be seen
 */
public record BlockDevice(String name, Path path, String device, String model, String serial, int namespaceId, long sizeBytes,
        int blockSizeBytes, boolean readOnly, int numaNode, List<String> partitions, List<Use> uses) {

    /** How a disk is used. */
    public enum UseKind {
        MOUNTED, SWAP, PARTITIONED, LVM, MD, DEVICE_MAPPER, HELD
    }

    /**
     * One use of a disk.
     *
     * @param detail where it is mounted, which partitions it has, who holds it
     */
    public record Use(UseKind kind, String detail) {
        /** Whether somebody works with the disk now; partitions alone are contents. */
        public boolean isActive() {
            return kind != UseKind.PARTITIONED;
        }
    }
}
