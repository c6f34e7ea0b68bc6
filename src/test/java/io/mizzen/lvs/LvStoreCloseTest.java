package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.util.ErrorKind;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Pools that are closed while something fails, or after it has. */
class LvStoreCloseTest {
    private static final long MIB = 1 << 20;

    private final LvsRig rig = new LvsRig(29);
    private final SimDisk disk = rig.register(new SimDisk("disk", 512, 32 * MIB, new SimDisk.Contents(), false, new Random(1)));
    private final LvStore store = rig.create(disk, "pool", MIB);

    private Lvol create(String name) {
        return rig.<Lvol>ok(done -> store.createLvol(name, null, 4 * MIB, true, done));
    }

    @Test
    void aPoolThatFaultsWhileItIsClosedIsClosedOnce() {
        LvsRig.Outcome<Lvol> late = rig.start(done -> store.createLvol("late", null, MIB, true, done));
        LvsRig.Outcome<Void> export = rig.start(store::export);
        assertThat(store.state()).isEqualTo(LvStore.State.CLOSING);
        disk.writesUntilFailure = 0;
        rig.hand.runUntil(() -> store.fault() != null);
        assertThat(store.writable()).isFalse();
        assertThat(store.state()).isEqualTo(LvStore.State.CLOSING);
        assertThat(rig.<Void>refused(store::export).code()).isEqualTo("pool-closing");
        rig.hand.runUntil(() -> late.ended && export.ended);
        disk.writesUntilFailure = -1;
        assertThat(late.failure).isNotNull();
        assertThat(export.failure).isNull();
        assertThat(store.state()).isEqualTo(LvStore.State.CLOSED);
        assertThat(disk.isOpen()).isFalse();
        assertThat(new SlowDecoder(disk.current()).clean).as("nothing was written").isFalse();
        rig.<Void>ok(rig.load(disk)::export);
    }

    @Test
    void aFaultedPoolIsClosedOnce() {
        create("v");
        disk.writesUntilFailure = 0;
        assertThat(rig.<Lvol>refused(done -> store.createLvol("late", null, MIB, false, done))).isNotNull();
        rig.<Lvol>refused(done -> store.resizeLvol(store.findLvol("v"), 8 * MIB, done));
        disk.writesUntilFailure = -1;
        assertThat(store.state()).isEqualTo(LvStore.State.FAULTED);
        LvsRig.Outcome<Void> export = rig.start(store::export);
        assertThat(rig.<Void>refused(store::export).code()).isEqualTo("pool-closing");
        rig.hand.runUntil(() -> export.ended);
        assertThat(export.failure).isNull();
        assertThat(disk.isOpen()).isFalse();
    }

    @Test
    void anExportNamesVolumesThatWereNotToldOfAFlushThatFailed() {
        LvsRig.Handle written = rig.open(create("written").bdev(), 0);
        LvsRig.Handle told = rig.open(create("told").bdev(), 1);
        create("unwritten");
        assertThat(written.write(0, new byte[4096])).isZero();
        assertThat(told.write(0, new byte[4096])).isZero();
        disk.failType = IoType.FLUSH;
        assertThat(told.flush()).isEqualTo(Status.WRITE_FAULT);
        disk.failType = -1;
        written.close();
        told.close();
        LvsRig.Outcome<Void> export = rig.run(store::export);
        assertThat(export.failure.code()).isEqualTo(LvStore.CODE_WRITES_LOST);
        assertThat(export.failure.kind()).isEqualTo(ErrorKind.DATA_LOSS);
        assertThat(export.failure).hasMessageContaining("not flushed since: written. ").hasMessageContaining("rebuild");
        assertThat(store.state()).isEqualTo(LvStore.State.CLOSED);
        assertThat(disk.isOpen()).isFalse();
        assertThat(new SlowDecoder(disk.current()).clean).as("closed as it should be").isTrue();
        rig.<Void>ok(rig.load(disk)::export);
    }

    @Test
    void anExportSaysNothingOfWhatEachVolumeWasTold() {
        LvsRig.Handle one = rig.open(create("one").bdev(), 0);
        LvsRig.Handle other = rig.open(create("other").bdev(), 1);
        assertThat(one.write(0, new byte[4096])).isZero();
        assertThat(other.write(0, new byte[4096])).isZero();
        disk.failType = IoType.FLUSH;
        assertThat(one.flush()).isEqualTo(Status.WRITE_FAULT);
        disk.failType = -1;
        assertThat(other.flush()).as("the other's loss").isEqualTo(Status.WRITE_FAULT);
        assertThat(other.flush()).isZero();
        one.close();
        other.close();
        rig.<Void>ok(store::export);
    }
}
