package io.mizzen.control.properties;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.mizzen.engine.EngineConfig;
import io.mizzen.engine.model.PollMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.context.ConfigurationPropertiesAutoConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** Properties: defaults, forms, limits, and names that do not exist. */
class MizzenPropertiesTest {
    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties(MizzenProperties.class)
    @Import({ByteSizeConverter.class, ConfigurationPropertiesAutoConfiguration.class})
    static class Context {
    }

    private final ApplicationContextRunner runner = new ApplicationContextRunner().withUserConfiguration(Context.class);

    @Test
    void nothingIsNeeded() {
        runner.run(context -> {
            MizzenProperties properties = context.getBean(MizzenProperties.class);
            assertThat(properties.cores()).isEmpty();
            assertThat(properties.memory().size().bytes()).isEqualTo(256L << 20);
            assertThat(properties.reactor().mode()).isEqualTo(PollMode.ADAPTIVE);
            assertThat(properties.reactor().spin()).isEqualTo(Duration.ofNanos(50_000));
            assertThat(properties.nvmf().addresses()).containsExactly("127.0.0.1");
            assertThat(properties.rest().address()).isEqualTo("127.0.0.1");
            assertThat(properties.rest().hasCredentials()).isFalse();
            assertThat(properties.shutdown().deadline()).isEqualTo(Duration.ofSeconds(20));
            RebuildProperties rebuild = properties.rebuild();
            assertThat(new EngineConfig.Rebuild(rebuild.rate().bytes(), rebuild.floor().bytes(), rebuild.backOff(),
                rebuild.latencyFactor(), rebuild.segments(), (int) rebuild.window().bytes(), rebuild.workers()))
                .isEqualTo(EngineConfig.defaults().rebuild());
        });
    }

    @Test
    void formsThatPeopleWriteAreRead() {
        runner.withPropertyValues("mizzen.memory.size=1GiB", "mizzen.reactor.mode=busy", "mizzen.reactor.spin=10us",
            "mizzen.nvmf.addresses=10.0.0.1,fd00::1", "mizzen.state.dir=/x/y").run(context -> {
                MizzenProperties properties = context.getBean(MizzenProperties.class);
                assertThat(properties.memory().size().bytes()).isEqualTo(1L << 30);
                assertThat(properties.reactor().mode()).isEqualTo(PollMode.BUSY);
                assertThat(properties.reactor().spin()).isEqualTo(Duration.ofNanos(10_000));
                assertThat(properties.nvmf().addresses()).containsExactly("10.0.0.1", "fd00::1");
                assertThat(properties.state().dir()).isEqualTo(Path.of("/x/y"));
            });
    }

    @ParameterizedTest
    @ValueSource(strings = {"mizzen.memory.size=1MiB", "mizzen.memory.size=lots", "mizzen.memory.size=2TiB",
        "mizzen.reactor.mode=lazy", "mizzen.reactor.spin=2s", "mizzen.reactor.stall-threshold=1ms", "mizzen.nvmf.port=65536",
        "mizzen.nvmf.port=-1", "mizzen.nvmf.addresses=", "mizzen.nvmf.nqn-prefix=mine", "mizzen.rest.port=x",
        "mizzen.rest.user=admin", "mizzen.rest.password=x", "mizzen.rest.token=short", "mizzen.rest.deadline=0s",
        "mizzen.rest.deadline=2h", "mizzen.rest.threads=1", "mizzen.rebuild.segments=0",
        "mizzen.rebuild.window=100KiB", "mizzen.rebuild.floor=0", "mizzen.rebuild.latency-factor=0", "mizzen.rebuild.workers=9",
        "mizzen.shutdown.deadline=0s", "mizzen.shutdown.deadline=1h",
        "mizzen.state.retry=1ms", "mizzen.demo.disk-size=1MiB", "mizzen.demo.volume-size=1TiB"})
    void aValueOutOfRangeIsRefusedByName(String property) {
        runner.withPropertyValues(property).run(context -> {
            assertThat(context).hasFailed();
            String field = property.substring(property.lastIndexOf('.') + 1, property.indexOf('='));
            String messages = messagesOf(context.getStartupFailure());
            assertThat(messages.replace("-", "").toLowerCase(Locale.ROOT)).contains(field.replace("-", ""));
        });
    }

    @ParameterizedTest
    @CsvSource({"root,,/root,/var/lib/mizzen", "ann,,/home/ann,/home/ann/.local/state/mizzen", "ann,/s,/home/ann,/s/mizzen",
        "ann,relative,/home/ann,/home/ann/.local/state/mizzen"})
    void theStateDirectoryDependsOnTheUser(String user, String stateHome, String home, String expected) {
        assertThat(StateProperties.defaultDir(user, stateHome, home)).isEqualTo(Path.of(expected));
    }

    @Test
    void unknownPropertiesAreRefusedByNameAndKnownOnesInEveryForm() {
        check(Map.of("mizzen.cores", "0", "mizzen.reactor.stallThreshold", "1s", "mizzen.rest.host-names[0]", "a",
            "server.port", "1"));
        assertThatExceptionOfType(StartRefusedException.class)
            .isThrownBy(() -> check(Map.of("mizzen.coers", "0", "mizzen.memory.size", "1GiB")))
            .withMessageContaining("mizzen.coers").withMessageNotContaining("mizzen.memory.size");
        assertThatExceptionOfType(StartRefusedException.class).isThrownBy(() -> check(Map.of("mizzen.memory", "1GiB")));
    }

    @Test
    void secretsAreNotPrinted() {
        runner.withPropertyValues("mizzen.rest.user=admin", "mizzen.rest.password=secret-word").run(context ->
            assertThat(context.getBean(MizzenProperties.class).toString()).doesNotContain("secret-word"));
    }

    private static void check(Map<String, Object> properties) {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new MapPropertySource("test", properties));
        new UnknownPropertyCheck().postProcessEnvironment(environment, new SpringApplication());
    }

    private static String messagesOf(Throwable failure) {
        StringBuilder messages = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            messages.append(cause).append('\n');
        }
        return messages.toString();
    }
}
