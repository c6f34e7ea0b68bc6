package io.mizzen.control.properties;

import java.io.IOException;
import java.net.ServerSocket;

/** Looks for a TCP port that may be proposed in place of one that is taken. Any thread. */
public final class FreePort {
    private static final int PORT_MAX = 65_535;
    private static final int TRIES_MAX = 200;

    private FreePort() {
    }

    /** The property set to the next port above that nobody listens on now; {@code ...} in its place if there is none near. */
    public static String option(String property, int taken) {
        for (int port = taken + 1; port <= Math.min(taken + TRIES_MAX, PORT_MAX); port++) {
            if (isFree(port)) {
                return "--" + property + "=" + port;
            }
        }
        return "--" + property + "=...";
    }

    /** On any address of this machine. */
    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port)) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }
}
