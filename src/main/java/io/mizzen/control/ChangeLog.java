package io.mizzen.control;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One line for each change of state that was asked for: {@code event=pool-created uuid=... name=...}. */
final class ChangeLog {
    private static final Logger LOG = LoggerFactory.getLogger("io.mizzen.change");

    private ChangeLog() {
    }

    static void info(String event, Object... keysAndValues) {
        LOG.info(line(event, keysAndValues));
    }

    static void warn(String event, Object... keysAndValues) {
        LOG.warn(line(event, keysAndValues));
    }

    /** Values with spaces or quotes are quoted; line ends never get out. */
    static String line(String event, Object... keysAndValues) {
        StringBuilder line = new StringBuilder("event=").append(event);
        for (int i = 0; i < keysAndValues.length; i += 2) {
            line.append(' ').append(keysAndValues[i]).append('=').append(quoted(String.valueOf(keysAndValues[i + 1])));
        }
        return line.toString();
    }

    private static String quoted(String value) {
        String plain = value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\r", "\\r");
        return plain.isEmpty() || !plain.equals(value) || plain.indexOf(' ') >= 0 ? '"' + plain + '"' : plain;
    }
}
