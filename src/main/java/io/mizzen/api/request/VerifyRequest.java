package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;

/** What to compare. */
public record VerifyRequest(
    @Schema(description = "One child, by URI, bdev, or UUID of the member or replica; default: each healthy one but the first",
        example = "lvol:///pool-a/volume-a") String child) {
    /** What a request without a body means. */
    public static final VerifyRequest DEFAULT = new VerifyRequest(null);
}
