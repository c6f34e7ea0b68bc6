package io.mizzen.control.properties;

import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.health.*}: when a disk of a pool is thought ill of.
 *
 * @param window for how long errors and stalls count
 * @param errorsDegraded so many I/O errors make a disk, and its pool, DEGRADED
 * @param errorsSuspected so many SUSPECTED: the pool gets no new replicas
 * @param stall I/O in flight, and none ended for so long, is a stall: DEGRADED
 * @param stallsSuspected so many are SUSPECTED
 */
public record HealthProperties(@NotNull @DefaultValue("10m") Duration window, @Min(1) @DefaultValue("1") int errorsDegraded,
                               @Min(1) @DefaultValue("10") int errorsSuspected, @NotNull @DefaultValue("10s") Duration stall,
                               @Min(1) @DefaultValue("3") int stallsSuspected) {
    private static final Duration WINDOW_MAX = Duration.ofDays(1);
    private static final Duration STALL_MAX = Duration.ofHours(1);

    @AssertTrue(message = "mizzen.health.window must be 1s to 1d")
    public boolean isWindowInRange() {
        return window == null || window.toSeconds() >= 1 && window.compareTo(WINDOW_MAX) <= 0;
    }

    @AssertTrue(message = "mizzen.health.stall must be 1s to 1h")
    public boolean isStallInRange() {
        return stall == null || stall.toSeconds() >= 1 && stall.compareTo(STALL_MAX) <= 0;
    }

    @AssertTrue(message = "mizzen.health.errors-suspected must not be below mizzen.health.errors-degraded")
    public boolean isSuspicionInOrder() {
        return errorsSuspected >= errorsDegraded;
    }
}
