package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.test.context.TestPropertySource;

/** With credentials configured, everything asks for them: REST, actuator, documentation, unknown paths. */
@TestPropertySource(properties = {"mizzen.rest.user=admin", "mizzen.rest.password=correct horse",
    "mizzen.rest.token=0123456789abcdef"})
class SecurityTest extends RestTestBase {
    @ParameterizedTest
    @ValueSource(strings = {"/v1/engine", "/actuator/health", "/actuator/prometheus", "/swagger-ui.html", "/v3/api-docs",
        "/unknown", "/error", "/actuator/shutdown"})
    void nothingIsServedWithoutThem(String path) {
        Answer answer = get(path);
        answer.problem(401, "unauthorized");
        assertThat(answer.response().headers().firstValue("WWW-Authenticate")).hasValueSatisfying(challenge ->
            assertThat(challenge).startsWith("Basic"));
        basic(path, "admin", "wrong").problem(401, "unauthorized");
        basic(path, "other", "correct horse").problem(401, "unauthorized");
        basic(path, "", "").problem(401, "unauthorized");
        bearer(path, "0123456789abcdeF").problem(401, "unauthorized");
        bearer(path, "").problem(401, "unauthorized");
        assertThat(engine.calls()).as("what looks for disks that are back asks this by itself").isSubsetOf("pools", "nexuses");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/engine", "/actuator/health", "/actuator/prometheus", "/v3/api-docs"})
    void bothKindsAreAccepted(String path) {
        basic(path, "admin", "correct horse").expect(200);
        bearer(path, "0123456789abcdef").expect(200);
    }

    private Answer basic(String path, String user, String password) {
        return send(request(path).header("Authorization", "Basic " + Base64.getEncoder()
            .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8))).GET());
    }

    private Answer bearer(String path, String token) {
        HttpRequest.Builder request = request(path).header("Authorization", "Bearer " + token).GET();
        return send(request);
    }
}
