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
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Pools on a real file through real rings, with volumes used from all cores while others are made and removed. */
class LvStoreUringStressTest extends UringPoolTestBase {
    private static final int WRITES_PER_SLOT = 150;
    private static final int SLOTS = 8;

    /** Exports the pool and imports it again: it was closed cleanly, with as many clusters free. Then takes it all apart. */
    private void checkAfterImport(Consumer<LvStore> check) {
        int free = real.call(0, store::freeClusterCount);
        this.<Void>ok(store::export);
        LvStore loaded = ok(done -> stores.load(disk, LvStores.Expected.any(), done));
        assertThat(loaded.recovered()).isFalse();
        assertThat(loaded.freeClusterCount()).isEqualTo(free);
        check.accept(loaded);
        this.<Void>ok(loaded::export);
        this.<Void>ok(done -> registry.unregister(disk, done));
    }

    /** Writes a block of its own number, reads it back, compares; then the next. One of several on a channel. */
    private static final class Slot implements IoCompletion {
        private final IoChannel channel;
        private final DmaBuffer buffer;
        private final Random random;
        private final long firstBlock;
        private final long blockCount;
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private int left = WRITES_PER_SLOT;
        private long value;

        Slot(IoChannel channel, DmaBuffer buffer, long seed, long firstBlock, long blockCount) {
            this.channel = channel;
            this.buffer = buffer;
            this.random = new Random(seed);
            this.firstBlock = firstBlock;
            this.blockCount = blockCount;
        }

        void next() {
            if (left-- == 0) {
                buffer.close();
                done.complete(null);
                return;
            }
            int shift = channel.bdev().blockShift();
            long blocks = 1 + random.nextInt(buffer.sizeBytes() >> shift);
            long at = firstBlock + random.nextLong(blockCount - blocks);
            value = random.nextLong();
            for (long i = 0; i < blocks << shift; i += 8) {
                RawMemory.putLong(buffer.address() + i, value + i);
            }
            submit(IoType.WRITE, at, blocks);
        }

        private void submit(int type, long at, long blocks) {
            BdevIo io = channel.tryAcquire();
            io.prepare(type, at, blocks, buffer.address(), buffer.regionIndex(), this);
            channel.submit(io);
        }

        @Override
        public void onIoComplete(BdevIo io) {
            int type = io.type;
            int status = io.status();
            long at = io.offsetBlocks;
            long blocks = io.blockCount;
            io.release();
            if (status != 0) {
                done.completeExceptionally(new AssertionError("status " + Integer.toHexString(status)));
            } else if (type == IoType.WRITE) {
                RawMemory.zero(buffer.address(), buffer.sizeBytes());
                submit(IoType.READ, at, blocks);
            } else {
                for (long i = 0; i < blocks << channel.bdev().blockShift(); i += 8) {
                    if (RawMemory.getLong(buffer.address() + i) != value + i) {
                        done.completeExceptionally(new AssertionError("wrong data at block " + at + " byte " + i));
                        return;
                    }
                }
                next();
            }
        }
    }

    private static final class Use {
        Descriptor descriptor;
        final List<IoChannel> channels = new ArrayList<>();
        final List<Slot> slots = new ArrayList<>();
    }

    private Use use(Bdev bdev) {
        Use use = new Use();
        real.run(0, () -> use.descriptor = registry.open(bdev, "stress", true, TestIo.ignoring()));
        int reactors = real.reactors().all().size();
        long share = bdev.blockCount() / (reactors * SLOTS);
        for (int r = 0; r < reactors; r++) {
            int index = r;
            real.run(r, () -> {
                IoChannel channel = use.descriptor.openChannel(real.reactor(index).mthread());
                use.channels.add(channel);
                for (int i = 0; i < SLOTS; i++) {
                    int slot = index * SLOTS + i;
                    use.slots.add(new Slot(channel, real.pools().large().cache(index).tryAcquire(), slot, slot * share, share));
                    use.slots.getLast().next();
                }
            });
        }
        return use;
    }

    private void end(Use use) {
        for (Slot slot : use.slots) {
            real.await(slot.done);
        }
        for (int r = 0; r < use.channels.size(); r++) {
            real.run(r, use.channels.get(r)::close);
        }
        real.run(0, use.descriptor::close);
    }

    @Test
    void volumesOnAFileServeAllCoresWhileOthersComeAndGo() {
        Lvol thin = ok(done -> store.createLvol("thin", null, 48 * MIB, true, done));
        Lvol thick = ok(done -> store.createLvol("thick", null, 24 * MIB, false, done));
        Use a = use(thin.bdev());
        Use b = use(thick.bdev());
        for (int i = 0; i < 15; i++) {
            int n = i;
            Lvol brief = ok(done -> store.createLvol("brief", null, (n + 1) * MIB, n % 2 == 0, done));
            this.<Lvol>ok(done -> store.resizeLvol(brief, (20 - n) * MIB, done));
            this.<Lvol>ok(done -> store.resizeLvol(thin, (48 + n) * MIB, done));
            this.<Void>ok(done -> store.destroyLvol(brief, done));
        }
        end(a);
        end(b);
        checkAfterImport(loaded -> assertThat(loaded.findLvol("thin").sizeBytes()).isEqualTo(62 * MIB));
    }

    /** Each slot reads back what it wrote last, whatever has been split off or merged meanwhile. */
    @Test
    void snapshotsComeAndGoWhileAllCoresWriteAndRead() {
        Lvol lvol = ok(done -> store.createLvol("v", null, 24 * MIB, false, done));
        Use use = use(lvol.bdev());
        List<Long> pausesUs = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            int n = i;
            Lvol snapshot = ok(done -> store.createSnapshot(lvol, new SnapshotOptions("s" + n, null, null, null, Instant.EPOCH),
                    done));
            pausesUs.add(real.call(0, snapshot::pauseNs) / 1000);
            Lvol clone = ok(done -> store.cloneSnapshot(snapshot, "c", null, Instant.EPOCH, done));
            if (n % 4 == 1) {
                this.<Lvol>ok(done -> store.decoupleLvol(lvol, WorkWatch.NONE, done));
            }
            this.<Void>ok(done -> store.destroyLvol(clone, done));
            for (String old : List.of("s" + (n - 1 - n % 2), "s" + (n - 3))) {
                Lvol found = real.call(0, () -> store.findLvol(old));
                if (found != null) {
                    this.<Void>ok(done -> store.destroyLvol(found, done));
                }
            }
        }
        end(use);
        System.out.println("writes were held back for snapshots, us: " + pausesUs);
        checkAfterImport(loaded -> { });
    }
}
