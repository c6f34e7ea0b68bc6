package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import java.util.List;

/** How an NVMe controller is to be taken from the kernel. */
public record DeviceRequest(
    @Schema(description = "vfio-pci, or uio_pci_generic where there is no IOMMU", example = "vfio-pci") @NotBlank String driver,
    @Schema(description = "Signatures that may be on its namespaces, in words: those that a refusal names, or \"any\". Nothing "
        + "is destroyed by taking a drive", example = "[\"gpt\"]") List<@NotBlank String> accept) {

    /** With no word left out. */
    public List<String> accepted() {
        return accept == null ? List.of() : accept;
    }
}
