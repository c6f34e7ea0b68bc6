package io.mizzen.engine;

import io.mizzen.pci.PciAddress;
import io.mizzen.util.OperationException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/**
 * The syntax of a bdev URI, {@code scheme:///path?parameter=value&...}, whatever the scheme means. Percent escapes are
 * decoded in path and values. Every problem is an INVALID_ARGUMENT whose message names the part. Any thread.
 *
 * @param text the URI as given
 * @param scheme lower case
 * @param path decoded, begins with a slash and goes on
 * @param parameters decoded, in the order given
 */
record BdevUri(String text, String scheme, String path, Map<String, String> parameters) {
    private static final int LENGTH_MAX = 4096;

    /** Whether a text means a URI rather than the name of a bdev. */
    static boolean isUri(String text) {
        return text != null && text.contains(":/");
    }

    static BdevUri parse(String text) {
        if (text == null || text.isBlank()) throw OperationException.invalid("invalid-uri", "the bdev URI is missing");
        if (text.length() > LENGTH_MAX) {
            throw OperationException.invalid("invalid-uri", "the bdev URI is longer than " + LENGTH_MAX + " characters");
        }
        int colon = text.indexOf(':');
        if (colon <= 0 || !text.substring(0, colon).matches("[a-z][a-z0-9+.-]*")) {
            throw bad(text, "it must begin with a scheme such as uring: in lower case");
        }
        BdevSchemes.requireKnown(text.substring(0, colon), text);
        String rest = text.substring(colon + 1);
        if (!rest.startsWith("///")) {
            throw bad(text, "three slashes follow the scheme (" + text.substring(0, colon) + ":///...); hosts are not part of it");
        }
        if (rest.indexOf('#') >= 0) throw bad(text, "a '#' must be written as %23");
        int question = rest.indexOf('?');
        String path = decode(text, "path", question < 0 ? rest.substring(2) : rest.substring(2, question));
        if (path.length() < 2 || path.charAt(1) == '/') throw bad(text, "a name or path must follow the three slashes");
        Map<String, String> parameters = question < 0 ? Map.of() : parseQuery(text, rest.substring(question + 1));
        String scheme = text.substring(0, colon);
        return new BdevUri(text, scheme.equals("pci") ? "pcie" : scheme, path, parameters);
    }

    /**
     * The same text for all names of one bdev: without what only says how to make its file. So a request may be
     * repeated, with or without {@code create}, after the file is there.
     */
    static String identity(String uriOrName) {
        if (!isUri(uriOrName)) return uriOrName;
        BdevUri uri = parse(uriOrName);
        Map<String, String> parameters = new TreeMap<>(uri.parameters);
        if (uri.scheme.equals("uring")) parameters.keySet().removeAll(Set.of("create", "size_mb"));
        if (uri.scheme.equals("pcie")) {
            parameters.putIfAbsent("ns", "1");
            return uri.scheme + ":" + PciAddress.parse(uri.path.substring(1)) + parameters;
        }
        return uri.scheme + ":" + uri.path + parameters;
    }

    private static Map<String, String> parseQuery(String text, String query) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String pair : query.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (equals <= 0) throw bad(text, "'" + pair + "' is not a parameter=value pair");
            String name = decode(text, "parameter name", pair.substring(0, equals));
            String value = decode(text, "parameter " + name, pair.substring(equals + 1));
            if (value.isEmpty()) throw bad(text, "parameter " + name + " has no value");
            if (parameters.put(name, value) != null) throw bad(text, "parameter " + name + " is given twice");
        }
        return parameters;
    }

    /** The same URI as far as names go, without a parameter. */
    BdevUri without(String name) {
        Map<String, String> rest = new LinkedHashMap<>(parameters);
        rest.remove(name);
        return new BdevUri(text, scheme, path, rest);
    }

    /** The path without its first slash, where it must be a plain name. */
    String name() {
        String name = path.substring(1);
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")) {
            throw bad(text, "'" + name + "' is not a name: letters, digits, '.', '_', ':' and '-', up to 128, beginning with a letter or digit");
        }
        return name;
    }

    /** Refuses every parameter that is not known. */
    void allowOnly(Set<String> known) {
        for (String name : parameters.keySet()) {
            if (!known.contains(name)) {
                throw OperationException.invalid("unknown-uri-parameter", "parameter " + name + " of '" + text
                        + "' is unknown to scheme " + scheme + (known.isEmpty() ? ", which takes none"
                        : "; it takes " + String.join(", ", known.stream().sorted().toList())));
            }
        }
    }

    /** A decimal number, plain digits only, or the default. */
    long number(String name, long defaultValue, long min, long max) {
        String value = parameters.get(name);
        if (value == null) return defaultValue;
        if (!value.matches("[0-9]{1,19}")) throw bad(text, "parameter " + name + " is '" + value + "', not a decimal number");
        long number;
        try {
            number = Long.parseLong(value);
        } catch (NumberFormatException tooLarge) {
            throw bad(text, "parameter " + name + " is " + value + "; it must be " + min + " to " + max);
        }
        if (number < min || number > max) {
            throw bad(text, "parameter " + name + " is " + value + "; it must be " + min + " to " + max);
        }
        return number;
    }

    /** A logical block size: a power of two from 512 to 65536; 0 when not given. */
    int blockSize(String name) {
        long value = number(name, 0, 512, 65536);
        if (value != 0 && Long.bitCount(value) != 1) throw bad(text, "parameter " + name + " is " + value + ", not a power of two");
        return (int) value;
    }

    /** {@code true} or {@code false}. */
    boolean flag(String name, boolean defaultValue) {
        String value = parameters.get(name);
        if (value == null) return defaultValue;
        if (value.equals("true")) return true;
        if (value.equals("false")) return false;
        throw bad(text, "parameter " + name + " is '" + value + "', neither true nor false");
    }

    /** A UUID in its usual form, or null. */
    UUID uuid(String name) {
        String value = parameters.get(name);
        return value == null ? null : Uuids.parse("parameter " + name + " of '" + text + "'", value);
    }

    String parameter(String name) {
        return parameters.get(name);
    }

    OperationException missing(String name) {
        return bad(text, "parameter " + name + " is missing");
    }

    OperationException bad(String problem) {
        return bad(text, problem);
    }

    private static OperationException bad(String text, String problem) {
        return OperationException.invalid("invalid-uri", "bdev URI '" + text + "': " + problem);
    }

    /** Escapes what a path segment or parameter value must not contain. */
    static String encode(String text) {
        StringBuilder encoded = new StringBuilder();
        for (byte raw : text.getBytes(StandardCharsets.UTF_8)) {
            int value = raw & 0xff;
            boolean plain = value < 0x80 && (Character.isLetterOrDigit(value) || "-._~".indexOf(value) >= 0);
            if (plain) {
                encoded.append((char) value);
            } else {
                encoded.append('%').append(String.format("%02X", value));
            }
        }
        return encoded.toString();
    }

    private static String decode(String text, String part, String encoded) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] raw = encoded.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < raw.length; i++) {
            int value = raw[i] & 0xff;
            if (value == '%') {
                int high = i + 2 < raw.length ? Character.digit(raw[i + 1], 16) : -1;
                int low = i + 2 < raw.length ? Character.digit(raw[i + 2], 16) : -1;
                if (high < 0 || low < 0) throw bad(text, "the " + part + " has a '%' without two hexadecimal digits");
                value = high << 4 | low;
                i += 2;
            }
            if (value < 0x20 || value == 0x7f) throw bad(text, "the " + part + " has a control character");
            bytes.write(value);
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes.toByteArray())).toString();
        } catch (CharacterCodingException notUtf8) {
            throw bad(text, "the " + part + " is not UTF-8");
        }
    }
}
