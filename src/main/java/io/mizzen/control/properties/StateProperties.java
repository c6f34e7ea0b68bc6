package io.mizzen.control.properties;

import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.NotNull;
import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.state.*}: where the desired state is kept.
 *
 * @param dir directory of the store; empty: {@code /var/lib/mizzen} for root, else {@code ~/.local/state/mizzen}
 * @param retry how long to wait before what could not be restored is tried again
 */
public record StateProperties(Path dir, @NotNull @DefaultValue("10s") Duration retry) {
    private static final Duration RETRY_MIN = Duration.ofMillis(100);

    public StateProperties {
        if (dir == null || dir.toString().isEmpty()) {
            dir = defaultDir(System.getProperty("user.name"), System.getenv("XDG_STATE_HOME"),
                System.getProperty("user.home"));
        }
    }

    @AssertTrue(message = "mizzen.state.retry must be 100ms or more")
    public boolean isRetryInRange() {
        return retry == null || retry.compareTo(RETRY_MIN) >= 0;
    }

    static Path defaultDir(String user, String stateHome, String home) {
        if ("root".equals(user)) {
            return Path.of("/var/lib/mizzen");
        }
        return stateHome != null && stateHome.startsWith("/") ? Path.of(stateHome, "mizzen")
            : Path.of(home, ".local", "state", "mizzen");
    }
}
