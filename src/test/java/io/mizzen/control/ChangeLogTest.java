package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** One line for each change, whatever the values contain. */
class ChangeLogTest {
    @Test
    void valuesCannotForgeAnotherLineOrKey() {
        assertThat(ChangeLog.line("e", "a", "plain", "b", "two words", "c", "x\nevent=forged", "d", "q\"q", "f", ""))
            .isEqualTo("event=e a=plain b=\"two words\" c=\"x\\nevent=forged\" d=\"q\\\"q\" f=\"\"");
    }
}
