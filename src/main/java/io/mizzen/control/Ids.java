package io.mizzen.control;

import java.util.regex.Pattern;

/** The form of identities. */
public final class Ids {
    /** A UUID in its canonical form, in lower case. */
    public static final String UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    private static final Pattern UUID = Pattern.compile(UUID_PATTERN);

    private Ids() {
    }

    static boolean isUuid(String text) {
        return UUID.matcher(text).matches();
    }
}
