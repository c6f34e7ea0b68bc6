package io.mizzen.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {
    @Test
    void quantilesAreWithinABucketOfThoseOfTheSortedValues() {
        Random random = new Random(7);
        long[] values = new long[10_000];
        LatencyHistogram one = new LatencyHistogram();
        LatencyHistogram other = new LatencyHistogram();
        for (int i = 0; i < values.length; i++) {
            values[i] = (long) Math.exp(random.nextDouble() * 25);
            (i % 2 == 0 ? one : other).record(values[i]);
        }
        one.add(other);
        Arrays.sort(values);
        for (double part : new double[] {0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1}) {
            long exact = values[(int) Math.ceil(part * values.length) - 1];
            assertThat(one.quantileNs(part)).as("quantile %s", part).isBetween(exact, exact + exact / 64 + 1);
        }
        assertThat(one.count()).isEqualTo(values.length);
        assertThat(one.maxNs()).isEqualTo(values[values.length - 1]);
        assertThat(one.averageNs()).isCloseTo(Arrays.stream(values).average().orElseThrow(), Percentage.withPercentage(0.001));
    }

    @Test
    void extremesHaveBuckets() {
        LatencyHistogram histogram = new LatencyHistogram();
        histogram.record(-5);
        assertThat(histogram.quantileNs(1)).isZero();
        histogram.record(Long.MAX_VALUE);
        assertThat(histogram.quantileNs(1)).isEqualTo(Long.MAX_VALUE);
        histogram.clear();
        assertThat(histogram.quantileNs(0.5)).isZero();
        assertThat(histogram.averageNs()).isZero();
    }
}
