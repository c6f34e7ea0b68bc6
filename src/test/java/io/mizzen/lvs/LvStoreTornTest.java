package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.IoType;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Metadata writes that the disk says have failed, and that are there, or are not: what is acknowledged afterwards is found by an import. */
class LvStoreTornTest {
    private static final long MIB = 1 << 20;
    private static final long DISK_BYTES = 48 * MIB;
    private static final byte[] BEFORE = filled(1);
    private static final byte[] AFTER = filled(2);

    private final LvsRig rig = new LvsRig(2);
    private int diskCount;

    private static byte[] filled(int value) {
        byte[] data = new byte[8192];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private SimDisk disk(SimDisk.Contents contents) {
        return rig.register(new SimDisk("disk" + diskCount++, 512, DISK_BYTES, contents, true, new Random(1)));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClusterWhoseUnmapWasTornTakesNoMoreWrites(boolean lands) {
        int torn = 0;
        for (int writes = 0; writes < 4; writes++) {
            SimDisk disk = disk(new SimDisk.Contents());
            LvStore store = rig.create(disk, "pool", MIB);
            Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 9 * MIB, true, done));
            LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
            assertThat(handle.write(2 * MIB, BEFORE)).isZero();
            disk.failedWritesLand = lands;
            disk.writesUntilFailure = writes;
            boolean unmapped = handle.io(IoType.UNMAP, 2 * MIB, MIB, 0) == 0;
            boolean faulted = store.fault() != null;
            torn += faulted ? 1 : 0;
            disk.writesUntilFailure = -1;
            boolean written = handle.write(2 * MIB, AFTER) == 0;
            handle.close();
            byte[] found = imported(store, disk);
            if (written) {
                assertThat(found).as("after %d writes", writes).matches(data -> Arrays.equals(data, AFTER));
            } else if (unmapped) {
                assertThat(found).as("after %d writes", writes).isEqualTo(new byte[BEFORE.length]);
            } else {
                assertThat(found).as("after %d writes", writes).isIn(BEFORE, new byte[BEFORE.length]);
            }
        }
        assertThat(torn).isPositive();
    }

    /** What an import finds, as if the engine were killed now. */
    private byte[] imported(LvStore before, SimDisk disk) {
        SimDisk.Contents contents = disk.current().copy();
        rig.run(before::export);
        LvStore store = rig.load(disk(contents));
        LvsRig.Handle handle = rig.open(store.findLvol("v").bdev(), 0);
        byte[] found = handle.read(2 * MIB, BEFORE.length);
        handle.close();
        rig.<Void>ok(store::export);
        return found;
    }

    @Test
    void behindTheEndOfAShrinkThatWasTornNothingIsWritten() {
        int torn = 0;
        for (int writes = 0; writes < 6; writes++) {
            SimDisk disk = disk(new SimDisk.Contents());
            LvStore store = rig.create(disk, "pool", MIB);
            Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 9 * MIB, false, done));
            disk.failedWritesLand = true;
            disk.writesUntilFailure = writes;
            LvsRig.Outcome<Lvol> shrunk = rig.run(done -> store.resizeLvol(lvol, 2 * MIB, done));
            boolean faulted = store.fault() != null;
            torn += faulted ? 1 : 0;
            disk.writesUntilFailure = -1;
            LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
            boolean written = handle.write(2 * MIB, AFTER) == 0;
            handle.close();
            if (written) {
                assertThat(shrunk.failure).isNotNull();
                assertThat(imported(store, disk)).as("after %d writes", writes).matches(data -> Arrays.equals(data, AFTER));
            } else {
                rig.run(store::export);
            }
        }
        assertThat(torn).isPositive();
    }
}
