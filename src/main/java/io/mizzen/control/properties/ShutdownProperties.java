package io.mizzen.control.properties;

import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.shutdown.*}: the ordered stop.
 *
 * @param deadline the whole sequence takes no longer; what is not done by then is left unclean but safe
 */
public record ShutdownProperties(@NotNull @DefaultValue("20s") Duration deadline) {
    private static final Duration MIN = Duration.ofSeconds(1);
    private static final Duration MAX = Duration.ofMinutes(10);

    @AssertTrue(message = "mizzen.shutdown.deadline must lie between 1s and 10m")
    public boolean isDeadlineInRange() {
        return deadline == null || deadline.compareTo(MIN) >= 0 && deadline.compareTo(MAX) <= 0;
    }
}
