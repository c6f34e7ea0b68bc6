package io.mizzen.pci;

import io.mizzen.util.OperationException;

/** Opens PCI functions for this process. Any thread, but never a reactor: opening blocks. */
@FunctionalInterface
public interface PciOpener {
    /**
     * Opens a function with whichever driver it was bound to. The caller closes it.
     *
     * @param vectorsMax interrupt vectors wanted at most
     * @throws OperationException NOT_FOUND; FAILED_PRECONDITION or RESOURCE_EXHAUSTED with what to do: not bound, in use,
     *         missing rights, no hugetlb pages, memlock too low
     */
    PciDevice open(PciAddress address, int vectorsMax);
}
