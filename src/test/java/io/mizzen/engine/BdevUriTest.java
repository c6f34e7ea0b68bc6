package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BdevUriTest {
    @Test
    void partsAreTakenApart() {
        BdevUri uri = BdevUri.parse("uring:///dev/disk/by%20id/x?blk_size=4096&uuid=00000000-0000-0000-0000-00000000000A");
        assertEquals("uring", uri.scheme());
        assertEquals("/dev/disk/by id/x", uri.path());
        assertEquals(4096, uri.blockSize("blk_size"));
        assertEquals(10, uri.uuid("uuid").getLeastSignificantBits());
        assertNull(uri.uuid("other"));
        assertEquals(7, uri.number("absent", 7, 0, 9));
        assertEquals("m0", BdevUri.parse("malloc:///m0").name());
    }

    @Test
    void namesOfOneNamespaceAreTheSame() {
        assertEquals("pcie", BdevUri.parse("pci:///0000:01:00.0").scheme());
        for (String same : List.of("pci:///0000:01:00.0", "pcie:///01:00.0", "pcie:///0000:01:00.0?ns=1")) {
            assertEquals(BdevUri.identity("pcie:///0000:01:00.0"), BdevUri.identity(same));
        }
        assertFalse(BdevUri.identity("pcie:///0000:01:00.0?ns=2").equals(BdevUri.identity("pcie:///0000:01:00.0")));
        refused("lspci", () -> BdevUri.identity("pcie:///sda"));
    }

    @Test
    void nestedUriSurvivesEncoding() {
        BdevUri uri = BdevUri.parse("fault:///f0?base=malloc%3A%2F%2F%2Fm0%3Fsize_mb%3D8%26blk_size%3D512");
        assertEquals("malloc:///m0?size_mb=8&blk_size=512", uri.parameter("base"));
    }

    @Test
    void namesAreToldFromUris() {
        assertTrue(BdevUri.isUri("malloc:///m0"));
        assertTrue(BdevUri.isUri("malloc:/m0"));
        assertFalse(BdevUri.isUri("m0"));
        assertFalse(BdevUri.isUri("lvol:m0"));
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '"', value = {
        "'',missing", "malloc,scheme", "MALLOC:///m0,scheme", "malloc://m0,three slashes", "malloc:///,name or path",
        "malloc:////m0,name or path", "malloc:///m0#x,%23", "malloc:///m%2,hexadecimal", "malloc:///m%zz,hexadecimal",
        "malloc:///m%00,control", "malloc:///m%ff,UTF-8", "malloc:///m0?,pair", "malloc:///m0?size_mb,pair",
        "malloc:///m0?size_mb=,size_mb has no value", "malloc:///m0?a=1&a=2,a is given twice",
        "malloc:///m0?a=1&,pair"})
    void badSyntaxIsNamed(String text, String part) {
        refused(part, () -> BdevUri.parse(text.equals("''") ? "" : text));
    }

    @ParameterizedTest
    @CsvSource({"-1", "+1", "0x10", "1e3", "'1 '", "99999999999999999999", "9223372036854775808", "9223372036854775807", "11"})
    void numberIsStrictAndBounded(String value) {
        BdevUri uri = BdevUri.parse("malloc:///m0?n=" + value.replace("+", "%2B").replace(" ", "%20"));
        refused("parameter n", () -> uri.number("n", 0, 0, 10));
    }

    @Test
    void valuesAreTyped() {
        BdevUri uri = BdevUri.parse("malloc:///m0?blk=513&flag=yes&uuid=1-2-3-4-5&nil=00000000-0000-0000-0000-000000000000");
        refused("power of two", () -> uri.blockSize("blk"));
        refused("neither true nor false", () -> uri.flag("flag", true));
        refused("not a UUID", () -> uri.uuid("uuid"));
        refused("nil UUID", () -> uri.uuid("nil"));
        refused("'a/b' is not a name", () -> BdevUri.parse("malloc:///a/b").name());
    }

    @Test
    void unknownParameterIsNamedWithTheKnownOnes() {
        BdevUri uri = BdevUri.parse("malloc:///m0?size_mb=1&sise=1");
        OperationException failure = refused("parameter sise", () -> uri.allowOnly(Set.of("size_mb", "blk_size")));
        assertEquals("unknown-uri-parameter", failure.code());
        assertTrue(failure.getMessage().endsWith("it takes blk_size, size_mb"), failure.getMessage());
    }

    private static OperationException refused(String part, Runnable work) {
        OperationException failure = assertThrows(OperationException.class, work::run);
        assertEquals(ErrorKind.INVALID_ARGUMENT, failure.kind());
        assertTrue(failure.getMessage().contains(part), failure.getMessage());
        return failure;
    }
}
