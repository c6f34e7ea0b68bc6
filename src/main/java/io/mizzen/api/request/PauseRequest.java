package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;

/** How long hosts' I/O may wait. */
public record PauseRequest(
    @Schema(description = "Seconds after which I/O goes on by itself, 1 to 3600; default 20", example = "20")
    @Min(1) @Max(3600) Integer atMostSeconds) {
    /** What a request without a body means. */
    public static final PauseRequest DEFAULT = new PauseRequest(null);
    /** Below the 30 s after which a Linux host gives a command up and tries it again. */
    private static final int DEFAULT_SECONDS = 20;

    /** The limit. */
    public Duration atMost() {
        return Duration.ofSeconds(atMostSeconds == null ? DEFAULT_SECONDS : atMostSeconds);
    }
}
