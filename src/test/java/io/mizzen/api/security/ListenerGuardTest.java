package io.mizzen.api.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.mizzen.control.ByteSize;
import io.mizzen.control.properties.RestProperties;
import io.mizzen.control.properties.StartRefusedException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A listener that others can reach demands credentials. */
class ListenerGuardTest {
    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "::", "192.168.1.5", "fd00::1", "128.0.0.1"})
    void openListenersNeedCredentials(String address) throws UnknownHostException {
        InetAddress listener = InetAddress.getByName(address);
        assertThatExceptionOfType(StartRefusedException.class)
            .isThrownBy(() -> ListenerGuard.check("REST listener", listener, rest("", "", "")))
            .satisfies(e -> assertThat(e.action()).contains("mizzen.rest.user"));
        assertThatCode(() -> ListenerGuard.check("REST listener", listener, rest("u", "p", ""))).doesNotThrowAnyException();
        assertThatCode(() -> ListenerGuard.check("REST listener", listener, rest("", "", "0123456789abcdef")))
            .doesNotThrowAnyException();
    }

    @Test
    void everyAddressIsNotLoopback() {
        assertThatExceptionOfType(StartRefusedException.class)
            .isThrownBy(() -> ListenerGuard.check("REST listener", null, rest("", "", "")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.9.9.9", "::1"})
    void loopbackNeedsNone(String address) throws UnknownHostException {
        InetAddress listener = InetAddress.getByName(address);
        assertThatCode(() -> ListenerGuard.check("REST listener", listener, rest("", "", ""))).doesNotThrowAnyException();
    }

    private static RestProperties rest(String user, String password, String token) {
        return new RestProperties("127.0.0.1", 0, user, password, token, Duration.ofSeconds(1), new ByteSize(1), 2, List.of());
    }
}
