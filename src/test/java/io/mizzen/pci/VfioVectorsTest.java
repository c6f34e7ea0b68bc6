package io.mizzen.pci;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.ffi.Errno;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How many interrupt vectors are asked for until the kernel enables them. */
class VfioVectorsTest {
    private final List<Integer> asked = new ArrayList<>();

    /** The kernel has so many at each request: too few enable none. */
    private int enabled(int wanted, int... available) {
        return VfioDevice.vectorsThatWork(wanted, count -> {
            int there = available[Math.min(asked.size(), available.length - 1)];
            asked.add(count);
            return there < 0 ? there : there < count ? there : 0;
        });
    }

    @Test
    void whatIsThereIsEnabledAtOnce() {
        assertThat(enabled(5, 8)).isEqualTo(5);
        assertThat(asked).containsExactly(5);
    }

    @Test
    void fewerAreAskedForAgainForNoneWereEnabled() {
        assertThat(enabled(5, 3, 2, 2)).isEqualTo(2);
        assertThat(asked).containsExactly(5, 3, 2);
    }

    @Test
    void anErrorIsHandedOn() {
        assertThat(enabled(5, 3, -Errno.EBUSY)).isEqualTo(-Errno.EBUSY);
    }

    @Test
    void withoutVectorsNothingIsAsked() {
        assertThat(enabled(0, 0)).isZero();
        assertThat(asked).isEmpty();
    }

    @Test
    void aKernelThatAlwaysSaysAsManyAsWereAskedForEndsInNone() {
        assertThat(VfioDevice.vectorsThatWork(3, count -> count)).isZero();
    }
}
