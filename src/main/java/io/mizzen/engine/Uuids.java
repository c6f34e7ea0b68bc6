package io.mizzen.engine;

import io.mizzen.util.OperationException;
import java.util.UUID;

/** UUIDs as users write them: 36 characters, either case. Any thread. */
final class Uuids {
    private static final String FORM = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
    private static final UUID NIL = new UUID(0, 0);

    private Uuids() { }

    static boolean isUuid(String text) {
        return text != null && text.matches(FORM);
    }

    /**
     * @param what names the text in the error
     * @throws OperationException INVALID_ARGUMENT when it is no UUID, or the nil one
     */
    static UUID parse(String what, String text) {
        if (!isUuid(text)) throw OperationException.invalid("invalid-uuid", what + " is '" + text + "', not a UUID");
        UUID uuid = UUID.fromString(text);
        if (uuid.equals(NIL)) throw OperationException.invalid("invalid-uuid", what + " is the nil UUID; give another, or none where one is made");
        return uuid;
    }
}
