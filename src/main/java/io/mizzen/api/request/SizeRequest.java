package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;

/** A new size. */
public record SizeRequest(
    @Schema(description = "Bytes, or text such as \"10GiB\"", types = {"integer", "string"}, example = "20GiB")
    @NotNull ByteSize sizeBytes) {
}
