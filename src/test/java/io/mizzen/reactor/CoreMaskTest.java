package io.mizzen.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mizzen.util.OperationException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CoreMaskTest {
    @Test
    void maskAndListSayTheSame() {
        assertEquals(List.of(0, 2), CoreMask.parse("0x5"));
        assertEquals(List.of(0, 2, 3), CoreMask.parse(" 0,2-3 "));
        assertEquals(List.of(64), CoreMask.parse("0x10000000000000000"));
        assertEquals(List.of(1, 2), CoreMask.parse("2,1,2"));
    }

    @Test
    void formatIsAListWithRanges() {
        assertEquals("0,2-4,7", CoreMask.format(List.of(0, 2, 3, 4, 7)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "0x", "0x0", "0xg", "-1", "1-", "3-1", "1,,2", "a", "1-2-3", "1024", "0x-1",
        "99999999999"})
    void nonsenseIsRefused(String text) {
        assertEquals("invalid-core-mask", assertThrows(OperationException.class, () -> CoreMask.parse(text)).code());
    }
}
