package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;

/** A new size of a replica. */
public record ReplicaSizeRequest(
    @Schema(description = "Bytes, or text such as \"10GiB\"", types = {"integer", "string"}, example = "20GiB")
    @NotNull ByteSize sizeBytes,
    @Schema(description = "What lies behind a smaller end may be destroyed; default false", example = "false") Boolean shrink) {
}
