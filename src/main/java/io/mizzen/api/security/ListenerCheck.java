package io.mizzen.api.security;

import io.mizzen.control.properties.RestProperties;
import org.springframework.boot.web.server.AbstractConfigurableWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;

/** Runs after every other customizer of a web server (the management listener's too) and refuses an open listener. */
final class ListenerCheck implements WebServerFactoryCustomizer<AbstractConfigurableWebServerFactory>, Ordered {
    private final RestProperties rest;

    ListenerCheck(RestProperties rest) {
        this.rest = rest;
    }

    @Override
    public void customize(AbstractConfigurableWebServerFactory factory) {
        ListenerGuard.check("REST listener", factory.getAddress(), rest);
    }

    @Override
    public int getOrder() {
        return Ordered.LOWEST_PRECEDENCE;
    }
}
