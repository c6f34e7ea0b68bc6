package io.mizzen.engine;

import java.net.Inet6Address;
import java.net.InetAddress;

/** Literal IP addresses; never asks a name server. Any thread. */
final class IpLiteral {
    private IpLiteral() { }

    static boolean isLiteral(String text) {
        return parse(text) != null;
    }

    static boolean isIpv6(String text) {
        return parse(text) instanceof Inet6Address;
    }

    /** Null when the text is not a literal address. */
    static InetAddress parse(String text) {
        if (text == null || text.isEmpty() || text.charAt(0) == '[') return null;
        try {
            return InetAddress.ofLiteral(text);
        } catch (IllegalArgumentException notLiteral) {
            return null;
        }
    }
}
