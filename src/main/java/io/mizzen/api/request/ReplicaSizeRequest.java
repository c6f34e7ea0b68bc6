package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;

/** A new size of a replica. */
public record ReplicaSizeRequest(
    @Schema(description = "Bytes, or text such as \"10GiB\"; whole clusters of the pool are taken. Smaller than now: see 'shrink'", types = {"integer", "string"}, example = "20GiB")
    @NotNull ByteSize sizeBytes,
    @Schema(description = "What lies behind a smaller end may be destroyed; default false. A replica that reads from a snapshot, also "
        + "one of its own, cannot become smaller, whatever this says: inflate it first", example = "false") Boolean shrink) {
}
