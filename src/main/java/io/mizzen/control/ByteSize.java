package io.mizzen.control;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number of bytes as people write it: {@code 4096}, {@code 10GiB}, {@code 1.5TB}. Binary units (KiB, MiB, GiB, TiB,
 * PiB) are powers of 1024, decimal ones (kB, MB, GB, TB, PB) powers of 1000; a bare letter (K, M, G, T, P) is binary.
 *
 * @param bytes never negative
 */
public record ByteSize(long bytes) {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,19}(?:\\.[0-9]{1,9})?)\\s*([A-Za-z]{0,3})");
    private static final Map<String, Long> UNITS = Map.ofEntries(
        Map.entry("", 1L), Map.entry("b", 1L),
        Map.entry("k", 1L << 10), Map.entry("kib", 1L << 10), Map.entry("kb", 1_000L),
        Map.entry("m", 1L << 20), Map.entry("mib", 1L << 20), Map.entry("mb", 1_000_000L),
        Map.entry("g", 1L << 30), Map.entry("gib", 1L << 30), Map.entry("gb", 1_000_000_000L),
        Map.entry("t", 1L << 40), Map.entry("tib", 1L << 40), Map.entry("tb", 1_000_000_000_000L),
        Map.entry("p", 1L << 50), Map.entry("pib", 1L << 50), Map.entry("pb", 1_000_000_000_000_000L),
        Map.entry("e", 1L << 60), Map.entry("eib", 1L << 60), Map.entry("eb", 1_000_000_000_000_000_000L));

    public ByteSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("a size cannot be negative: " + bytes);
        }
    }

    /**
     * Reads a size.
     *
     * @throws IllegalArgumentException when the text is no size, no whole number of bytes, or above 2^63 - 1
     */
    public static ByteSize parse(String text) {
        Matcher matcher = FORM.matcher(text.strip());
        Long unitBytes = matcher.matches() ? UNITS.get(matcher.group(2).toLowerCase(Locale.ROOT)) : null;
        if (unitBytes == null) {
            throw new IllegalArgumentException("'" + text + "' is no size; write bytes, or a number with a unit such as "
                + "512MiB, 10GiB or 2TB");
        }
        try {
            return new ByteSize(new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unitBytes)).longValueExact());
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("'" + text + "' is no whole number of bytes below 2^63", e);
        }
    }

    @Override
    public String toString() {
        return Long.toString(bytes);
    }
}
