package io.mizzen.engine;

import java.net.InetAddress;

/** Literal IP addresses; never asks a name server. Any thread. */
final class IpLiteral {
    private IpLiteral() { }

    /** Without the scope 0 that Java shows for every IPv6 address that was bound. */
    static String text(InetAddress address) {
        String text = address.getHostAddress();
        return text.endsWith("%0") ? text.substring(0, text.length() - 2) : text;
    }

    static boolean isLiteral(String text) {
        return parse(text) != null;
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
