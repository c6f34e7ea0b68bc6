package io.mizzen.control.properties;

import io.mizzen.control.ByteSize;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.rest.*}: the REST listener.
 *
 * @param address where to listen; anything but loopback demands credentials
 * @param port TCP port; 0 lets the kernel choose
 * @param user name for basic authentication, together with {@code password}; empty: none
 * @param password for basic authentication
 * @param token for {@code Authorization: Bearer}; empty: none
 * @param deadline an answer takes no longer than this: after it, 504 and the outcome is unknown
 * @param bodyLimit larger request bodies are refused with 413
 * @param threads worker threads
 * @param hostNames names, besides addresses and {@code localhost}, by which browsers may reach the listener
 */
public record RestProperties(@NotBlank @DefaultValue("127.0.0.1") String address,
                             @Min(0) @Max(65535) @DefaultValue("8080") int port,
                             @DefaultValue("") String user,
                             @DefaultValue("") String password,
                             @DefaultValue("") String token,
                             @NotNull @DefaultValue("30s") Duration deadline,
                             @NotNull @DefaultValue("1MiB") ByteSize bodyLimit,
                             @Min(2) @Max(256) @DefaultValue("16") int threads,
                             @DefaultValue List<@NotBlank String> hostNames) {
    private static final int TOKEN_LENGTH_MIN = 16;
    private static final Duration DEADLINE_MAX = Duration.ofHours(1);

    @AssertTrue(message = "mizzen.rest.user and mizzen.rest.password must be set together")
    public boolean isUserWithPassword() {
        return user.isEmpty() == password.isEmpty();
    }

    @AssertTrue(message = "mizzen.rest.token must have 16 characters or more, without spaces")
    public boolean isTokenLongEnough() {
        return token.isEmpty() || token.length() >= TOKEN_LENGTH_MIN && token.chars().noneMatch(Character::isWhitespace);
    }

    @AssertTrue(message = "mizzen.rest.deadline must lie between 1ms and 1h")
    public boolean isDeadlineInRange() {
        return deadline == null || deadline.toMillis() >= 1 && deadline.compareTo(DEADLINE_MAX) <= 0;
    }

    /** Whether requests have to prove who they are. */
    public boolean hasCredentials() {
        return !user.isEmpty() || !token.isEmpty();
    }

    /** Without the secrets: this may end in a log. */
    @Override
    public String toString() {
        return "RestProperties[address=" + address + ", port=" + port + ", credentials=" + hasCredentials() + "]";
    }
}
