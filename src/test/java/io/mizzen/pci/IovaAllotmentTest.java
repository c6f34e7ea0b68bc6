package io.mizzen.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IovaAllotmentTest {
    private static final long MIB = 1L << 20;

    @Test
    void regionsFollowEachOtherAroundTheHoleOfInterrupts() {
        List<IovaAllotment.Range> ranges = List.of(new IovaAllotment.Range(0, 0xFEDF_FFFFL),
                new IovaAllotment.Range(0xFEF0_0000L, (1L << 39) - 1));
        assertThat(IovaAllotment.place(ranges, new long[] {256 * MIB, 1L << 30}, new long[] {2 * MIB, 1L << 30}))
                .containsExactly(16 * MIB, 1L << 30);
        assertThat(IovaAllotment.place(ranges, new long[] {3L << 30, 1L << 30}, new long[] {2 * MIB, 2 * MIB}))
                .containsExactly(16 * MIB, 0xFF00_0000L);
    }

    @Test
    void addressesThatFunctionsHaveOnTheBusAreLeftOut() {
        List<IovaAllotment.Range> ranges = List.of(new IovaAllotment.Range(0, 0xFEDF_FFFFL), new IovaAllotment.Range(1L << 32, 1L << 36));
        List<IovaAllotment.Range> others = List.of(new IovaAllotment.Range(32 * MIB, 33 * MIB - 1),
                new IovaAllotment.Range(32 * MIB, 32 * MIB + 4095), new IovaAllotment.Range(0xF000_0000L, 0x1_0000_0FFFL),
                new IovaAllotment.Range((1L << 36) - 1, 1L << 37));
        assertThat(IovaAllotment.without(ranges, others)).containsExactly(new IovaAllotment.Range(0, 32 * MIB - 1),
                new IovaAllotment.Range(33 * MIB, 0xEFFF_FFFFL), new IovaAllotment.Range(0x1_0000_1000L, (1L << 36) - 2));
        assertThat(IovaAllotment.without(ranges, List.of())).isEqualTo(ranges);
        assertThat(IovaAllotment.without(ranges, List.of(new IovaAllotment.Range(0, 1L << 40)))).isEmpty();
    }

    @Test
    void placesLieInTheRangesAlignedAndApart() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            List<IovaAllotment.Range> ranges = new ArrayList<>();
            long at = 0;
            for (int i = 0; i < 4; i++) {
                long start = at + random.nextLong(64 * MIB);
                at = start + random.nextLong(512 * MIB);
                ranges.add(new IovaAllotment.Range(start, at++));
            }
            long[] sizes = random.longs(5, 1, 32).map(n -> n * 2 * MIB).toArray();
            long[] alignments = random.ints(5, 12, 26).mapToLong(shift -> 1L << shift).toArray();
            long[] places;
            try {
                places = IovaAllotment.place(ranges, sizes, alignments);
            } catch (OperationException full) {
                assertThat(full.code()).isEqualTo("iova-exhausted");
                continue;
            }
            for (int i = 0; i < places.length; i++) {
                long place = places[i];
                long end = place + sizes[i] - 1;
                assertThat(place % alignments[i]).isZero();
                assertThat(ranges).as("seed %d", seed).anyMatch(range -> place >= range.start() && end <= range.end());
                for (int other = 0; other < i; other++) {
                    assertThat(places[other] > end || places[other] + sizes[other] <= place).as("seed %d", seed).isTrue();
                }
            }
        }
    }

    @Test
    void whatDoesNotFitIsRefusedWithAdvice() {
        assertThatThrownBy(() -> IovaAllotment.place(List.of(new IovaAllotment.Range(0, 100 * MIB - 1)),
                new long[] {60 * MIB, 60 * MIB}, new long[] {4096, 4096}))
                .isInstanceOf(OperationException.class).hasMessageContaining("lower mizzen.memory.size");
    }
}
