package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import java.util.List;

/** Where a pool to import is; nothing is needed for one that was exported here. */
public record ImportRequest(
    @Schema(description = "Bdev URIs or names of existing bdevs", example = "[\"uring:///dev/sdb\"]")
    List<@NotBlank String> disks,
    @Schema(description = "The word for a pool on a bdev that is for tests only") Boolean allowTest,
    @Schema(description = "The word for a pool whose masks of used space are damaged: they are rebuilt from its metadata")
    Boolean rebuildMasks,
    @Schema(description = "Write nothing to the disks; of a damaged pool, show what can be read") Boolean readOnly) {
    /** What a request without a body means. */
    public static final ImportRequest DEFAULT = new ImportRequest(null, null, null, null);

    public ImportRequest {
        disks = disks == null ? List.of() : disks;
    }
}
