package io.mizzen.nvme;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Text fields: ASCII padded with spaces, or UTF-8 padded with zeros (base specification 2.0, section 1.4.2 and 4.5). */
public final class Text {
    /** Bytes of a name, without the terminator. */
    public static final int NQN_BYTES_MAX = 223;
    private static final int NQN_FIELD_BYTES = 256;

    private Text() {
    }

    /** Writes ASCII, padded with spaces; what does not fit is cut. */
    public static void spacePadded(MemorySegment s, long at, int fieldBytes, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < fieldBytes; i++) {
            s.set(JAVA_BYTE, at + i, i < bytes.length ? bytes[i] : (byte) ' ');
        }
    }

    /** Writes UTF-8, padded with zeros. */
    public static void zeroPadded(MemorySegment s, long at, int fieldBytes, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > fieldBytes) {
            throw new IllegalArgumentException("text of " + bytes.length + " bytes in a field of " + fieldBytes);
        }
        for (int i = 0; i < fieldBytes; i++) {
            s.set(JAVA_BYTE, at + i, i < bytes.length ? bytes[i] : 0);
        }
    }

    /** Reads ASCII without trailing spaces and zeros. */
    public static String padded(MemorySegment s, long at, int fieldBytes) {
        int length = fieldBytes;
        while (length > 0 && (s.get(JAVA_BYTE, at + length - 1) == ' ' || s.get(JAVA_BYTE, at + length - 1) == 0)) {
            length--;
        }
        byte[] bytes = new byte[length];
        int used = 0;
        while (used < length && s.get(JAVA_BYTE, at + used) != 0) {
            bytes[used] = s.get(JAVA_BYTE, at + used);
            used++;
        }
        return new String(bytes, 0, used, StandardCharsets.UTF_8);
    }

    /** Reads a name from its 256-byte field; null when it is empty, not terminated, or not a well-formed NQN. */
    public static String nqn(MemorySegment s, long at) {
        int length = 0;
        while (length < NQN_FIELD_BYTES && s.get(JAVA_BYTE, at + length) != 0) {
            length++;
        }
        if (length == NQN_FIELD_BYTES) {
            return null;
        }
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = s.get(JAVA_BYTE, at + i);
        }
        String nqn = new String(bytes, StandardCharsets.UTF_8);
        return isNqn(nqn) ? nqn : null;
    }

    /**
     * Whether a name is an NQN: {@code nqn.yyyy-mm.domain...}, at most 223 bytes of UTF-8, without control characters,
     * spaces or malformed bytes (section 4.5).
     */
    public static boolean isNqn(String name) {
        if (name.getBytes(StandardCharsets.UTF_8).length > NQN_BYTES_MAX || !name.startsWith("nqn.")) {
            return false;
        }
        if (name.length() < 12 || name.charAt(8) != '-' || name.charAt(11) != '.') {
            return false;
        }
        for (int i = 4; i < 11; i++) {
            if (i != 8 && (name.charAt(i) < '0' || name.charAt(i) > '9')) {
                return false;
            }
        }
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c <= ' ' || c == 0x7F || c == 0xFFFD) {
                return false;
            }
        }
        return name.length() > 12;
    }
}
