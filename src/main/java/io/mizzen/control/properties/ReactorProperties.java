package io.mizzen.control.properties;

import io.mizzen.engine.model.PollMode;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.reactor.*}: how reactors behave when they find no work.
 *
 * @param mode busy: poll for ever; adaptive: spin, then sleep until something arrives
 * @param spin adaptive: how long to spin before sleeping
 * @param stallThreshold a reactor that does not turn for so long is reported as stalled
 */
public record ReactorProperties(@NotNull @DefaultValue("adaptive") PollMode mode,
                                @NotNull @DefaultValue("50us") Duration spin,
                                @NotNull @DefaultValue("500ms") Duration stallThreshold) {
    private static final Duration SPIN_MAX = Duration.ofSeconds(1);
    private static final Duration STALL_MIN = Duration.ofMillis(10);
    private static final Duration STALL_MAX = Duration.ofMinutes(1);

    @AssertTrue(message = "mizzen.reactor.spin must lie between 0 and 1s")
    public boolean isSpinInRange() {
        return spin == null || !spin.isNegative() && spin.compareTo(SPIN_MAX) <= 0;
    }

    @AssertTrue(message = "mizzen.reactor.stall-threshold must lie between 10ms and 1m")
    public boolean isStallThresholdInRange() {
        return stallThreshold == null
            || stallThreshold.compareTo(STALL_MIN) >= 0 && stallThreshold.compareTo(STALL_MAX) <= 0;
    }
}
