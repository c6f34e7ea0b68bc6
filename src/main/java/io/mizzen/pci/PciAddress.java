package io.mizzen.pci;

import io.mizzen.util.OperationException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The address of a PCI function, as the kernel writes it.
 *
 * @param text domain, bus, device, function in lower-case hexadecimal: {@code 0000:01:00.0}
 */
public record PciAddress(String text) {
    private static final Pattern FORM =
            Pattern.compile("(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([01][0-9a-f])\\.([0-7])");

    public PciAddress {
        if (!FORM.matcher(text).matches() || text.length() < "0000:00:00.0".length()) {
            throw new IllegalArgumentException(text);
        }
    }

    /**
     * Reads an address; the domain may be left out where it is 0.
     *
     * @throws OperationException INVALID_ARGUMENT {@code invalid-pci-address}
     */
    public static PciAddress parse(String text) {
        Matcher matcher = FORM.matcher(text.toLowerCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw OperationException.invalid("invalid-pci-address", "'" + text + "' is not a PCI address; it has the form "
                    + "0000:01:00.0 (domain, bus, device, function), as lspci -D prints it");
        }
        String domain = matcher.group(1) == null ? "0000" : matcher.group(1);
        return new PciAddress(domain + ":" + matcher.group(2) + ":" + matcher.group(3) + "." + matcher.group(4));
    }

    /** Whether it looks like one. */
    public static boolean isAddress(String text) {
        return FORM.matcher(text.toLowerCase(Locale.ROOT)).matches();
    }

    @Override
    public String toString() {
        return text;
    }
}
