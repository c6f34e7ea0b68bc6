package io.mizzen.api.security;

import io.mizzen.control.properties.RestProperties;
import io.mizzen.control.properties.StartRefusedException;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/** Whether a listener may be opened: everything but loopback demands credentials. */
final class ListenerGuard {
    private ListenerGuard() {
    }

    /**
     * Checks one listener.
     *
     * @param address where it listens; null: everywhere
     * @throws StartRefusedException when it can be reached from outside and no credentials are set
     */
    static void check(String what, @Nullable InetAddress address, RestProperties rest) {
        if (!isLoopback(address) && !rest.hasCredentials()) {
            throw new StartRefusedException("The " + what + " would listen on "
                + (address == null ? "every address" : address.getHostAddress())
                + " without authentication; whoever reaches it could destroy volumes.",
                "Set mizzen.rest.user and mizzen.rest.password, or mizzen.rest.token, or listen on 127.0.0.1.");
        }
    }

    static boolean isLoopback(@Nullable InetAddress address) {
        return address != null && address.isLoopbackAddress();
    }
}
