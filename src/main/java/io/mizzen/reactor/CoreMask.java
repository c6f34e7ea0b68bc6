package io.mizzen.reactor;

import io.mizzen.util.OperationException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** Parses which CPUs get a reactor: a mask ({@code 0x5}) or a list ({@code 0,2-3}). Cold path, any thread. */
public final class CoreMask {
    /** CPUs beyond this number are refused. */
    public static final int CORE_MAX = 1023;

    private CoreMask() {
    }

    /**
     * The CPU numbers in ascending order.
     *
     * @throws OperationException when the text is neither a mask nor a list, or names no CPU
     */
    public static List<Integer> parse(String text) {
        String trimmed = text.strip();
        if (trimmed.isEmpty()) {
            throw bad(text, "it is empty");
        }
        SortedSet<Integer> cores = trimmed.startsWith("0x") || trimmed.startsWith("0X")
                ? parseMask(text, trimmed.substring(2)) : parseList(text, trimmed);
        if (cores.isEmpty()) {
            throw bad(text, "it names no CPU");
        }
        return new ArrayList<>(cores);
    }

    /** The list form, with ranges: {@code 0,2-3}. */
    public static String format(List<Integer> cores) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < cores.size(); ) {
            int first = cores.get(i);
            int last = first;
            while (++i < cores.size() && cores.get(i) == last + 1) {
                last++;
            }
            text.append(text.isEmpty() ? "" : ",").append(first);
            if (last > first) {
                text.append('-').append(last);
            }
        }
        return text.toString();
    }

    private static SortedSet<Integer> parseMask(String text, String digits) {
        SortedSet<Integer> cores = new TreeSet<>();
        BigInteger mask;
        try {
            mask = new BigInteger(digits, 16);
        } catch (NumberFormatException e) {
            throw bad(text, "after 0x come hexadecimal digits");
        }
        if (mask.signum() < 0 || mask.bitLength() > CORE_MAX + 1) {
            throw bad(text, "CPUs go from 0 to " + CORE_MAX);
        }
        for (int i = 0; i < mask.bitLength(); i++) {
            if (mask.testBit(i)) {
                cores.add(i);
            }
        }
        return cores;
    }

    private static SortedSet<Integer> parseList(String text, String list) {
        SortedSet<Integer> cores = new TreeSet<>();
        for (String part : list.split(",", -1)) {
            String[] ends = part.strip().split("-", -1);
            if (ends.length > 2) {
                throw bad(text, "'" + part + "' is not a CPU or a range");
            }
            int first = parseCore(text, ends[0]);
            int last = ends.length == 2 ? parseCore(text, ends[1]) : first;
            if (last < first) {
                throw bad(text, "'" + part + "' runs backwards");
            }
            for (int core = first; core <= last; core++) {
                cores.add(core);
            }
        }
        return cores;
    }

    private static int parseCore(String text, String digits) {
        String trimmed = digits.strip();
        if (trimmed.isEmpty() || trimmed.length() > 4 || !trimmed.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw bad(text, "'" + trimmed + "' is not a CPU number");
        }
        int core = Integer.parseInt(trimmed);
        if (core > CORE_MAX) {
            throw bad(text, "CPUs go from 0 to " + CORE_MAX);
        }
        return core;
    }

    private static OperationException bad(String text, String why) {
        return OperationException.invalid("invalid-core-mask",
                "'" + text + "' is not a core mask (0x5) or core list (0,2-3): " + why);
    }
}
