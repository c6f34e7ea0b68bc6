package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.util.OperationException;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Pools that take in what their device has gained, whatever the power does meanwhile. */
class LvStoreGrowthTest {
    private static final long MIB = 1 << 20;

    private int diskCount;

    private SimDisk disk(LvsRig rig, SimDisk.Contents contents, int blockSize, long sizeBytes, long seed) {
        return rig.register(new SimDisk("disk" + diskCount++, blockSize, sizeBytes, contents, true, new Random(seed)));
    }

    private SimDisk.Contents pool(LvsRig rig, int blockSize, LvStores.Options options) {
        SimDisk disk = disk(rig, new SimDisk.Contents(), blockSize, 16 * MIB, 1);
        LvStore store = rig.<LvStore>ok(done -> rig.stores.create(disk, options, done));
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("a", null, 4 * MIB, true, done));
        LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
        assertThat(handle.write(MIB, filled())).isZero();
        handle.close();
        rig.<Void>ok(store::export);
        return disk.current();
    }

    private static byte[] filled() {
        byte[] data = new byte[4096];
        new Random(8).nextBytes(data);
        return data;
    }

    private static LvStores.Options options(long growableToBytes) {
        return new LvStores.Options("pool", null, MIB, 100, growableToBytes);
    }

    @Test
    void whatTheDeviceGainedCanBeUsedAndIsThereAfterwards() {
        for (int blockSize : new int[] {512, 4096}) {
            LvsRig rig = new LvsRig(1);
            SimDisk disk = disk(rig, pool(rig, blockSize, options(0)), blockSize, 64 * MIB + 4096, 1);
            LvStore store = rig.load(disk);
            int before = store.freeClusterCount();
            long writes = disk.writeCount;
            assertThat(rig.<LvStore>ok(store::grow).freeClusterCount()).isEqualTo(before + 48);
            assertThat(disk.writeCount).isGreaterThan(writes);
            writes = disk.writeCount;
            rig.<LvStore>ok(store::grow);
            assertThat(disk.writeCount).as("nothing to gain").isEqualTo(writes);
            Lvol big = rig.<Lvol>ok(done -> store.createLvol("big", null, 55 * MIB, false, done));
            LvsRig.Handle handle = rig.open(big.bdev(), 1);
            assertThat(handle.write(55 * MIB - 4096, filled())).isZero();
            handle.close();
            SimDisk.Contents unclean = disk.current().copy();
            rig.<Void>ok(store::export);
            for (SimDisk.Contents left : new SimDisk.Contents[] {disk.current(), unclean}) {
                LvsRig again = new LvsRig(2);
                LvStore reopened = again.load(disk(again, left, blockSize, 64 * MIB + 4096, 2));
                assertThat(reopened.clusterCount()).isEqualTo(store.clusterCount());
                LvsRig.Handle reader = again.open(reopened.findLvol("big").bdev(), 0);
                assertThat(reader.read(55 * MIB - 4096, 4096)).isEqualTo(filled());
                reader.close();
                new SlowDecoder(left);
                again.<Void>ok(reopened::export);
            }
        }
    }

    @Test
    void aPoolGrowsAsFarAsItsMetadataWasMadeForAndThenSaysSo() {
        LvsRig rig = new LvsRig(1);
        SimDisk disk = disk(rig, pool(rig, 512, options(0)), 512, 40_000 * MIB, 1);
        LvStore store = rig.load(disk);
        long limit = (4096 - 5) * 8 * MIB;
        assertThat(store.growableToBytes()).isEqualTo(limit);
        assertThat(rig.<LvStore>ok(store::grow).sizeBytes()).isEqualTo(limit);
        OperationException refused = rig.<LvStore>refused(store::grow);
        assertThat(refused.code()).isEqualTo("pool-growth-limit");
        assertThat(refused.getMessage()).contains(Long.toString(limit), "growableToBytes");
        rig.<Void>ok(store::export);
        LvsRig other = new LvsRig(2);
        SimDisk.Contents roomy = pool(other, 512, new LvStores.Options("pool", null, MIB, 1, 40_000 * MIB));
        LvStore larger = other.load(disk(other, roomy, 512, 40_000 * MIB, 1));
        assertThat(other.<LvStore>ok(larger::grow).sizeBytes()).isEqualTo(40_000 * MIB);
        other.<Void>ok(larger::export);
    }

    /** The power goes after any number of turns: the pool has the old size or the new one, and its data. */
    @Test
    void aPowerCutWhileGrowingLeavesTheOldSizeOrTheNew() {
        int oldSizes = 0;
        int newSizes = 0;
        int torn = 0;
        for (int seed = 0; seed < 300; seed++) {
            LvsRig rig = new LvsRig(seed);
            SimDisk disk = disk(rig, pool(rig, 512, options(0)), 512, 64 * MIB, seed);
            LvStore store = rig.load(disk);
            rig.<LvStore>start(store::grow);
            rig.hand.tickAll(seed % 12);
            SimDisk.Contents left = disk.crash();
            java.lang.foreign.MemorySegment superBlock = java.lang.foreign.MemorySegment.ofArray(left.read(0, 4096));
            torn += SuperBlock.crcMatches(superBlock, 0) ? 0 : 1;
            LvsRig again = new LvsRig(seed + 1);
            LvStore reopened = again.load(disk(again, left, 512, 64 * MIB, seed));
            boolean grown = reopened.sizeBytes() == 64 * MIB;
            assertThat(grown || reopened.sizeBytes() == 16 * MIB).as("seed %d", seed).isTrue();
            newSizes += grown ? 1 : 0;
            oldSizes += grown ? 0 : 1;
            LvsRig.Handle reader = again.open(reopened.findLvol("a").bdev(), 0);
            assertThat(reader.read(MIB, 4096)).isEqualTo(filled());
            reader.close();
            again.<LvStore>ok(reopened::grow);
            assertThat(reopened.sizeBytes()).isEqualTo(64 * MIB);
            again.<Void>ok(reopened::export);
        }
        assertThat(oldSizes).isGreaterThan(20);
        assertThat(newSizes).isGreaterThan(20);
        assertThat(torn).as("cuts within the super block").isPositive();
    }
}
