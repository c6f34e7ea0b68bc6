package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;

/**
 * A bdev to create.
 *
 * @param uri such as {@code uring:///dev/sdb} or {@code malloc:///m0?size_mb=64}
 */
public record BdevRequest(
    @Schema(description = "What the bdev is made of", example = "uring:///dev/sdb") @NotBlank String uri) {
}
