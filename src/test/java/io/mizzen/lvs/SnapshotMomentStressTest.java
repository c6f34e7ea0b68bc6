package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.testsupport.TestIo;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * A snapshot is one moment on all cores. Two cores write numbers in turn, each to a place of its own: the second writes n
 * when the first's n is acknowledged, the first n + 1 when the second's n is. At any moment the first is as far as the
 * second or one ahead, and so they are in every snapshot, for as long as it is there; meanwhile other writes load both
 * cores, and old snapshots are removed.
 */
class SnapshotMomentStressTest extends UringPoolTestBase {
    private static final int SNAPSHOTS = 40;
    private static final int KEPT = 4;
    private static final int LOAD_DEPTH = 8;
    private static final int TURN_SECONDS = 300;
    private static final int BLOCK = 512;
    private static final long SECOND_PLACE_BLOCK = 5 * MIB / BLOCK;
    private static final long LOAD_FROM_BLOCK = 6 * MIB / BLOCK;

    /** A permit for each turn the first core has played. */
    private final Semaphore played = new Semaphore(0);
    private volatile boolean stopping;

    /** One core's part: its place of the two, and other writes. */
    private final class Player implements IoCompletion {
        private final int index;
        private final IoChannel channel;
        private final Random random;
        private final List<DmaBuffer> buffers = new ArrayList<>();
        private final CompletableFuture<Void> ended = new CompletableFuture<>();
        private Player other;
        private int inFlight;
        private long turns;

        Player(int index, Descriptor descriptor) {
            this.index = index;
            this.channel = descriptor.openChannel(real.reactor(index).mthread());
            this.random = new Random(index);
            for (int i = 0; i <= LOAD_DEPTH; i++) {
                buffers.add(real.pools().large().cache(index).tryAcquire());
            }
        }

        void load() {
            for (int i = 1; i <= LOAD_DEPTH; i++) {
                write(i, LOAD_FROM_BLOCK + random.nextLong(channel.bdev().blockCount() - LOAD_FROM_BLOCK - 8), 8);
            }
        }

        void play(long number) {
            turns = number;
            RawMemory.putLong(buffers.getFirst().address(), number);
            write(0, index * SECOND_PLACE_BLOCK, 1);
        }

        private void write(int slot, long block, long count) {
            BdevIo io = channel.tryAcquire();
            io.prepare(IoType.WRITE, block, count, buffers.get(slot).address(), buffers.get(slot).regionIndex(), this);
            io.tag = slot;
            inFlight++;
            channel.submit(io);
        }

        @Override
        public void onIoComplete(BdevIo io) {
            int slot = (int) io.tag;
            int status = io.status();
            io.release();
            inFlight--;
            if (status != 0) {
                ended.completeExceptionally(new AssertionError("status " + Integer.toHexString(status)));
                return;
            }
            if (slot == 0) {
                long next = index == 0 ? turns : turns + 1;
                if (index == 0) {
                    played.release();
                }
                other.channel.mthread().post(() -> {
                    if (!stopping) {
                        other.play(next);
                    }
                    other.endIfIdle();
                });
            } else if (!stopping) {
                write(slot, LOAD_FROM_BLOCK + random.nextLong(channel.bdev().blockCount() - LOAD_FROM_BLOCK - 8), 8);
            }
            endIfIdle();
        }

        void endIfIdle() {
            if (stopping && inFlight == 0) {
                ended.complete(null);
            }
        }

        void close() {
            channel.close();
            buffers.forEach(DmaBuffer::close);
        }
    }

    /** What both places of a snapshot hold. */
    private List<Long> read(Bdev bdev) {
        List<Long> values = new ArrayList<>();
        for (long block : new long[] {0, SECOND_PLACE_BLOCK}) {
            CompletableFuture<Long> value = new CompletableFuture<>();
            real.run(0, () -> {
                Descriptor descriptor = registry.open(bdev, "look", false, TestIo.ignoring());
                IoChannel channel = descriptor.openChannel(real.reactor(0).mthread());
                DmaBuffer buffer = real.pools().large().cache(0).tryAcquire();
                channel.submit(channel.tryAcquire().prepare(IoType.READ, block, 1, buffer.address(), buffer.regionIndex(), io -> {
                    long found = io.status() == 0 ? RawMemory.getLong(buffer.address()) : -1;
                    io.release();
                    buffer.close();
                    channel.close();
                    descriptor.close();
                    value.complete(found);
                }));
            });
            values.add(real.await(value));
        }
        return values;
    }

    private record Taken(Lvol snapshot, List<Long> values) {
    }

    @Test
    void everySnapshotIsOneMomentOnAllCores() throws InterruptedException {
        Lvol lvol = ok(done -> store.createLvol("v", null, 12 * MIB, false, done));
        Descriptor descriptor = real.call(0, () -> registry.open(lvol.bdev(), "players", true, TestIo.ignoring()));
        Player first = real.call(0, () -> new Player(0, descriptor));
        Player second = real.call(1, () -> new Player(1, descriptor));
        first.other = second;
        second.other = first;
        real.run(1, second::load);
        real.run(0, first::load);
        real.run(0, () -> first.play(1));
        Deque<Taken> kept = new ArrayDeque<>();
        for (int i = 0; i < SNAPSHOTS; i++) {
            int n = i;
            played.drainPermits();
            assertThat(played.tryAcquire(TURN_SECONDS, TimeUnit.SECONDS)).as("a turn before snapshot %s", n).isTrue();
            Lvol snapshot = ok(done -> store.createSnapshot(lvol, new SnapshotOptions("s" + n, null, null, null,
                    Instant.EPOCH), done));
            List<Long> values = read(snapshot.bdev());
            assertThat(values.get(0) - values.get(1)).as("snapshot %s: %s", n, values).isBetween(0L, 1L);
            kept.add(new Taken(snapshot, values));
            if (kept.size() > KEPT) {
                Taken oldest = kept.remove();
                assertThat(read(oldest.snapshot.bdev())).isEqualTo(oldest.values);
                this.<Void>ok(done -> store.destroyLvol(oldest.snapshot, done));
            }
        }
        stopping = true;
        real.run(0, first::endIfIdle);
        real.run(1, second::endIfIdle);
        real.await(first.ended);
        real.await(second.ended);
        for (Taken taken : kept) {
            assertThat(read(taken.snapshot.bdev())).isEqualTo(taken.values);
        }
        real.run(0, first::close);
        real.run(1, second::close);
        real.run(0, descriptor::close);
        this.<Void>ok(store::export);
        this.<Void>ok(done -> registry.unregister(disk, done));
    }
}
