package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.reactor.Reactor;
import io.mizzen.testsupport.Patience;
import java.lang.management.ManagementFactory;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Volumes of many extent pages and chains, removal of the device, and what an I/O costs. */
class LvStoreLargeTest {
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;

    private final LvsRig rig = new LvsRig(11);

    private SimDisk disk(String name, long sizeBytes) {
        return rig.register(new SimDisk(name, 512, sizeBytes, new SimDisk.Contents(), true, new Random(1)));
    }

    private void compare(LvStore store, SimDisk disk) {
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
        assertThat(decoder.usedPages).hasSize(store.usedMetadataPageCount());
        for (Lvol lvol : store.lvols()) {
            assertThat(decoder.volumes.get(lvol.name()).clusters).hasSize(lvol.clusterCount());
            int[] clusters = decoder.volumes.get(lvol.name()).clusters.stream().mapToInt(Integer::intValue).toArray();
            assertThat(clusters).isEqualTo(lvol.blob().clusters);
        }
    }

    @Test
    void resizeAcrossExtentPagesKeepsEveryCluster() {
        SimDisk disk = disk("disk", 6 * GIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Random random = new Random(3);
        Lvol[] lvols = new Lvol[4];
        for (int i = 0; i < lvols.length; i++) {
            int n = i;
            lvols[i] = rig.<Lvol>ok(done -> store.createLvol("v" + n, null, (500 + n * 7) * MIB, n % 2 == 1, done));
        }
        for (int round = 0; round < 40; round++) {
            Lvol lvol = lvols[random.nextInt(lvols.length)];
            int edge = 512 * (1 + random.nextInt(3));
            int target = Math.max(1, edge + random.nextInt(5) - 2);
            if (random.nextInt(3) == 0) {
                target = 1 + random.nextInt(1800);
            }
            long size = target * MIB;
            int before = store.freeClusterCount();
            LvsRig.Outcome<Lvol> outcome = rig.<Lvol>run(done -> store.resizeLvol(lvol, size, done));
            if (outcome.failure != null) {
                assertThat(outcome.failure.code()).isEqualTo(LvStore.CODE_NO_SPACE);
                assertThat(store.freeClusterCount()).isEqualTo(before);
            } else if (lvol.thin()) {
                LvsRig.Handle handle = rig.open(lvol.bdev(), round % 2);
                for (int i = 0; i < 6; i++) {
                    assertThat(handle.write(random.nextInt(target) * MIB, new byte[4096])).isZero();
                }
                assertThat(handle.write(size - 4096, new byte[4096])).isZero();
                handle.close();
            }
            if (round % 8 == 0) {
                compare(store, disk);
            }
        }
        rig.<Void>ok(store::export);
        LvStore loaded = rig.load(disk);
        compare(loaded, disk);
        for (Lvol lvol : loaded.lvols()) {
            rig.<Void>ok(done -> loaded.destroyLvol(lvol, done));
        }
        assertThat(loaded.freeClusterCount()).isEqualTo(loaded.clusterCount());
        assertThat(loaded.usedMetadataPageCount()).isEqualTo(1);
    }

    @Test
    void aPoolRunsOutOfMetadataPagesWithoutHarm() {
        SimDisk disk = disk("disk", 1 * GIB);
        LvStore store = rig.<LvStore>ok(done -> rig.stores.create(disk, new LvStores.Options("pool", null, MIB, 2), done));
        int made = 0;
        LvsRig.Outcome<Lvol> outcome;
        do {
            int n = made++;
            outcome = rig.<Lvol>run(done -> store.createLvol("v" + n, null, MIB, n % 2 == 0, done));
        } while (outcome.failure == null);
        assertThat(outcome.failure.code()).isEqualTo(LvStore.CODE_METADATA_FULL);
        assertThat(store.state()).isEqualTo(LvStore.State.ONLINE);
        compare(store, disk);
        rig.<Void>ok(done -> store.destroyLvol(store.findLvol("v0"), done));
        rig.<Lvol>ok(done -> store.createLvol("again", null, MIB, true, done));
        compare(store, disk);
    }

    @Test
    void aRemovedDeviceFaultsThePoolAndClosesItsVolumes() {
        SimDisk disk = disk("disk", 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 8 * MIB, true, done));
        LvolBdev bdev = lvol.bdev();
        boolean[] told = new boolean[1];
        Descriptor[] descriptor = new Descriptor[1];
        rig.hand.on(0, () -> descriptor[0] = rig.registry.open(bdev, "mirror", true, new Descriptor.Listener() {
            @Override
            public void onRemoved(Bdev removed) {
                told[0] = true;
            }

            @Override
            public void onResized(Bdev resized) {
                throw new AssertionError("not resized");
            }
        }));
        LvsRig.Outcome<Void> gone = rig.<Void>start(done -> rig.registry.unregister(disk, done));
        assertThat(told[0]).isTrue();
        assertThat(store.state()).isEqualTo(LvStore.State.FAULTED);
        assertThat(lvol.usable()).isFalse();
        LvsRig.Outcome<Void> export = rig.<Void>start(store::export);
        rig.hand.tickAll(5000);
        assertThat(export.ended).isFalse();   // Somebody still has the volume open.
        rig.hand.on(0, descriptor[0]::close);
        rig.hand.runUntil(() -> export.ended && gone.ended);
        assertThat(export.failure).isNull();
        assertThat(store.state()).isEqualTo(LvStore.State.CLOSED);
        assertThat(rig.stores.all()).isEmpty();
    }

    @Test
    void twoPoolsOfOneNameAreNotOpenAtOnce() {
        SimDisk one = disk("one", 64 * MIB);
        LvStore store = rig.create(one, "pool", MIB);
        SimDisk copy = rig.register(new SimDisk("copy", 512, 64 * MIB, one.current(), true, new Random(2)));
        assertThat(rig.<LvStore>refused(done -> rig.stores.load(copy, LvStores.Expected.any(), done)).code())
                .isEqualTo("pool-exists");
        assertThat(copy.writeCount).isZero();
        SimDisk two = disk("two", 64 * MIB);
        assertThat(rig.<LvStore>refused(done -> rig.stores.create(two, LvStores.Options.named("pool"), done)).code())
                .isEqualTo("pool-exists");
        assertThat(rig.<LvStore>refused(done -> rig.stores.load(one, LvStores.Expected.any(), done)).code())
                .isEqualTo("bdev-claimed");
        rig.<Void>ok(store::export);
        LvsRig.Outcome<LvStore> first = rig.<LvStore>start(done -> rig.stores.load(one, LvStores.Expected.any(), done));
        LvsRig.Outcome<LvStore> second = rig.<LvStore>start(done -> rig.stores.load(copy, LvStores.Expected.any(), done));
        rig.hand.runUntil(() -> first.ended && second.ended);
        assertThat((first.failure == null) != (second.failure == null)).isTrue();
    }

    @Test
    void destroyWipesTheSignature() {
        SimDisk disk = disk("disk", 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        rig.<Lvol>ok(done -> store.createLvol("v", null, 8 * MIB, false, done));
        rig.<Void>ok(store::destroy);
        assertThat(rig.<LvStore>refused(done -> rig.stores.load(disk, LvStores.Expected.any(), done)).code())
                .isEqualTo("pool-signature-missing");
        rig.create(disk, "pool", MIB);
    }

    /** Reads and writes within and across clusters, resubmitted from their completion. */
    private static final class Load implements IoCompletion {
        private final IoChannel channel;
        private long left;
        private long block;

        Load(IoChannel channel, long count) {
            this.channel = channel;
            this.left = count;
        }

        void next() {
            if (left-- > 0) {
                BdevIo io = channel.tryAcquire();
                block = (block + 2039) % (14 * 2048);
                io.prepare((left & 1) == 0 ? IoType.READ : IoType.WRITE, block, 16, LvsRig.payloadAddress(), -1, this);
                channel.submit(io);
            }
        }

        @Override
        public void onIoComplete(BdevIo io) {
            if (io.status() != 0) {
                throw new AssertionError("status " + io.status());
            }
            io.release();
            next();
        }
    }

    @Test
    void anIoAllocatesNothing() {
        MallocBdev disk = new MallocBdev("ram", UUID.randomUUID(), 512, 64 * MIB / 512);
        rig.hand.on(0, () -> rig.registry.register(disk));
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 16 * MIB, true, done));
        Descriptor descriptor = rig.hand.call(0, () -> rig.registry.open(lvol.bdev(), "test", true, VolumeHandle.NO_LISTENER));
        Reactor reactor = rig.hand.reactor(1);
        IoChannel channel = rig.hand.call(1, () -> descriptor.openChannel(reactor.mthread()));
        Load warm = new Load(channel, 50_000);
        rig.hand.on(1, warm::next);
        rig.hand.runUntil(() -> warm.left < 0, 3_000_000);
        assertThat(lvol.allocatedClusterCount()).isGreaterThan(10);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long[] nowNs = {rig.hand.nowNs()};
        reactor.enter();
        long allocated = Patience.leastAllocated(9_999, () -> {
            Load load = new Load(channel, 100_000);
            load.next();
            long before = threads.getCurrentThreadAllocatedBytes();
            while (load.left >= 0) {
                reactor.tick(nowNs[0] += 1000);
            }
            return threads.getCurrentThreadAllocatedBytes() - before;
        });
        reactor.leave();
        assertThat(allocated).isLessThan(10_000);
    }
}
