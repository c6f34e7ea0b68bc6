package io.mizzen.lvs;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** One extended attribute of a blob. The name's bytes are kept as ISO 8859-1 so that any name survives a rewrite. */
record Xattr(String name, byte[] value) {
    /** Bytes of name length and value length in front of the name. */
    static final int LENGTHS_BYTES = 4;

    byte[] nameBytes() {
        return name.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** The value up to its first NUL, as text. */
    String text() {
        int length = 0;
        while (length < value.length && value[length] != 0) {
            length++;
        }
        return new String(value, 0, length, StandardCharsets.UTF_8);
    }

    static Xattr ofText(String name, String text, int sizeBytes) {
        byte[] raw = text.getBytes(StandardCharsets.UTF_8);
        assert raw.length < sizeBytes;   // A NUL ends it.
        return new Xattr(name, Arrays.copyOf(raw, sizeBytes));
    }

    /** Text as long as it is, without a NUL behind it. */
    static Xattr ofBareText(String name, String text) {
        return new Xattr(name, text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Xattr x && name.equals(x.name) && Arrays.equals(value, x.value);
    }

    @Override
    public int hashCode() {
        return name.hashCode() * 31 + Arrays.hashCode(value);
    }
}
