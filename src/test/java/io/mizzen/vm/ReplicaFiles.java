package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.lvs.SlowDecoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/** Replicas in the files of pools, read by a decoder of our tests; for an engine that has stopped clean. */
final class ReplicaFiles {
    private static final long DATA_OFFSET_BYTES = 4L << 20;

    private ReplicaFiles() {}

    /**
     * Compares the data areas of two replicas that are children of one nexus.
     *
     * @param replica name of both, each in its pool
     * @param sizeBytes of the nexus
     * @return the first offset in bytes, as the host sees it, at which they differ, or -1
     */
    static long firstDifference(Path poolFile, Path otherPoolFile, String replica, long sizeBytes) {
        try (FileChannel a = FileChannel.open(poolFile, StandardOpenOption.READ);
                FileChannel b = FileChannel.open(otherPoolFile, StandardOpenOption.READ)) {
            SlowDecoder first = new SlowDecoder((at, size) -> read(a, at, size));
            SlowDecoder second = new SlowDecoder((at, size) -> read(b, at, size));
            assertThat(first.clean && second.clean).as("the pools were closed clean").isTrue();
            assertThat(first.clusterBytes).isEqualTo(second.clusterBytes);
            SlowDecoder.Volume firstLeg = first.volumes.get(replica);
            SlowDecoder.Volume secondLeg = second.volumes.get(replica);
            assertThat(firstLeg.clusters).hasSameSizeAs(secondLeg.clusters);
            long end = DATA_OFFSET_BYTES + sizeBytes;
            for (int i = 0; i < firstLeg.clusters.size(); i++) {
                long start = i * first.clusterBytes;
                int from = (int) Math.clamp(DATA_OFFSET_BYTES - start, 0, first.clusterBytes);
                int to = (int) Math.clamp(end - start, 0, first.clusterBytes);
                int at = from == to ? -1
                        : Arrays.mismatch(first.read(firstLeg, i), from, to, second.read(secondLeg, i), from, to);
                if (at >= 0) {
                    return start + from + at - DATA_OFFSET_BYTES;
                }
            }
            return -1;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] read(FileChannel file, long at, int size) {
        ByteBuffer buffer = ByteBuffer.allocate(size);
        try {
            while (buffer.hasRemaining() && file.read(buffer, at + buffer.position()) >= 0) {
                continue;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return buffer.array();
    }
}
