package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What a reader on another core finds while a snapshot above it is removed. */
class ClusterMapTest {
    private static final int OLD = 7;
    private static final int NEW = 8;
    private static final int ROUNDS = 300_000;

    /** A chain of three: the oldest and the middle one hold the cluster; the reader is, or reads through, a clone of the middle one. */
    private record Chain(ClusterMap oldest, ClusterMap middle, ClusterMap younger, ClusterMap reader) {
        static Chain make(boolean direct) {
            ClusterMap oldest = new ClusterMap(new int[] {OLD});
            ClusterMap middle = new ClusterMap(new int[] {NEW});
            ClusterMap younger = new ClusterMap(new int[1]);
            middle.parent(oldest);
            younger.parent(middle);
            ClusterMap reader = direct ? younger : new ClusterMap(new int[1]);
            if (!direct) {
                reader.parent(younger);
            }
            return new Chain(oldest, middle, younger, reader);
        }

        /** As when the middle one is removed. */
        void merge() {
            younger.publish(0, NEW);
            younger.parent(oldest);
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aSnapshotRemovedMeanwhileNeverShowsWhatIsOlder() throws InterruptedException {
        AtomicReference<Chain> next = new AtomicReference<>();
        CountDownLatch reading = new CountDownLatch(1);
        Thread remover = new Thread(() -> {
            for (int round = 0; round < ROUNDS; round++) {
                Chain chain = Chain.make(round % 2 == 0);
                next.set(chain);
                awaitQuietly(reading);      // The reader reads from here on, however few cores there are.
                for (int spin = round % 23; spin > 0; spin--) {
                    Thread.onSpinWait();
                }
                chain.merge();
            }
        });
        remover.start();
        long old = 0;
        long reads = 0;
        while (remover.isAlive()) {
            Chain chain = next.get();
            for (int i = 0; chain != null && i < 20; i++) {
                old += chain.reader().resolved(0) == NEW ? 0 : 1;
                reads++;
                reading.countDown();
            }
        }
        remover.join();
        assertThat(reads).isPositive();
        assertThat(old).as("reads of what the removed snapshot had hidden, of %d", reads).isZero();
    }
}
