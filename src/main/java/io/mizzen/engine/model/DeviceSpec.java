package io.mizzen.engine.model;

import java.util.List;

/**
 * How a PCI function is to be taken from the kernel.
 *
 * @param driver {@code vfio-pci} or {@code uio_pci_generic}
 * @param accept signatures that may be on its namespaces, in words, or "any"; nothing is destroyed
 * @param serial the serial number that the drive must have where the kernel can say it; null: any
 */
public record DeviceSpec(String driver, List<String> accept, String serial) {
    public DeviceSpec {
        accept = accept == null ? List.of() : List.copyOf(accept);
    }
}
