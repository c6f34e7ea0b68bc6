package io.mizzen.control.properties;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.web.server.PortInUseException;

/** What somebody reads whose configuration cannot be used. */
class StartFailureAnalyzerTest {
    private final ApplicationContextRunner runner =
        new ApplicationContextRunner().withUserConfiguration(MizzenPropertiesTest.Context.class);

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "mizzen.rest.token=short-secret | mizzen.rest.token must have 16 characters or more, without spaces",
        "mizzen.rest.user=u | mizzen.rest.user and mizzen.rest.password must be set together",
        "mizzen.rest.port=99999 | mizzen.rest.port is '99999'; it must be less than or equal to 65535",
        "mizzen.rest.port=abc | mizzen.rest.port is 'abc': a whole number is needed",
        "mizzen.rest.deadline=xx | mizzen.rest.deadline is 'xx': 'xx' is not a valid duration",
        "mizzen.memory.hugepages=maybe | mizzen.memory.hugepages is 'maybe': it is true or false",
        "mizzen.reactor.mode=fast | mizzen.reactor.mode is 'fast': it is one of busy, adaptive"})
    void propertiesAreNamedAndSecretsAreNot(String property, String said) {
        runner.withPropertyValues(property).run(context -> {
            FailureAnalysis analysis = new StartFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).isEqualTo(said).doesNotContain("short-secret", "io.mizzen", "java");
            assertThat(analysis.getAction()).isNotEmpty();
        });
    }

    /** Of several that are taken in a row, none is proposed. */
    @Test
    void thePortThatIsProposedIsFree() throws IOException {
        try (ServerSocket taken = new ServerSocket(0)) {
            int port = taken.getLocalPort();
            String proposed = new StartFailureAnalyzer().analyze(new IllegalStateException(new PortInUseException(port - 1)))
                .getAction().replaceAll(".*--mizzen.rest.port=", "");
            assertThat(Integer.parseInt(proposed)).isGreaterThan(port);
            new ServerSocket(Integer.parseInt(proposed)).close();
        }
        assertThat(FreePort.option("p", 65_535)).isEqualTo("--p=...");
    }

    @Test
    void portsAndRefusalsSayWhatToDo() {
        StartFailureAnalyzer analyzer = new StartFailureAnalyzer();
        assertThat(analyzer.analyze(new InvalidConfigurationPropertyValueException("server.port", "x", "no")).getDescription())
            .contains("mizzen.rest.port");
        assertThat(analyzer.analyze(new StartRefusedException("why", "what")).getAction()).isEqualTo("what");
        assertThat(analyzer.analyze(new IllegalStateException("a bug"))).isNull();
    }
}
