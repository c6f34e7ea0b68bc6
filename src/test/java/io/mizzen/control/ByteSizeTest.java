package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes as people write them. */
class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({"0,0", "4096,4096", "1KiB,1024", "1kB,1000", "1k,1024", "64 MiB,67108864", "0.5GiB,536870912",
        "9223372036854775807,9223372036854775807", "7PiB,7881299347898368"})
    void bytesAndUnitsAreRead(String text, long bytes) {
        assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "-1", "GiB", "1XB", "1.0000000001", "0.3", "9223372036854775808", "9000PiB", "1e3", "0x10",
        "1 G i B", "1_000"})
    void everythingElseIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> ByteSize.parse(text)).withMessageContaining(text);
    }
}
