package io.mizzen.control.properties;

import io.mizzen.control.ByteSize;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.rebuild.*}: how children are rebuilt, unless a nexus is told otherwise.
 *
 * @param rate bytes per second that one rebuild may read; 0: no limit
 * @param floor what back-off leaves of it at least
 * @param backOff whether a rebuild slows down while hosts see much higher latency than without it
 * @param latencyFactor how much higher their p99 may be before it does
 * @param segments pieces of 128 KiB in flight
 * @param window what is locked against writes at a time; a multiple of 128 KiB
 * @param workers reactors that share a rebuild while they have little else to do
 */
public record RebuildProperties(@NotNull @DefaultValue("0") ByteSize rate, @NotNull @DefaultValue("8MiB") ByteSize floor,
                                @DefaultValue("true") boolean backOff, @DefaultValue("2") double latencyFactor,
                                @Min(1) @Max(64) @DefaultValue("8") int segments,
                                @NotNull @DefaultValue("1MiB") ByteSize window,
                                @Min(1) @Max(8) @DefaultValue("2") int workers) {
    private static final long PIECE_BYTES = 128 << 10;
    private static final long WINDOW_BYTES_MAX = 16 << 20;

    @AssertTrue(message = "mizzen.rebuild.floor must be above 0")
    public boolean isFloorInRange() {
        return floor == null || floor.bytes() > 0;
    }

    @AssertTrue(message = "mizzen.rebuild.latency-factor must be 1 or more")
    public boolean isLatencyFactorInRange() {
        return latencyFactor >= 1;
    }

    @AssertTrue(message = "mizzen.rebuild.window must be a multiple of 128KiB up to 16MiB")
    public boolean isWindowInRange() {
        return window == null || window.bytes() >= PIECE_BYTES && window.bytes() <= WINDOW_BYTES_MAX
            && window.bytes() % PIECE_BYTES == 0;
    }
}
