package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the users of a pool's volumes are told of a flush that failed. */
class LvolFlushTest {
    private static final long MIB = 1 << 20;
    private static final byte[] DATA = LvsRig.pattern(4096, 1);

    private final LvsRig rig = new LvsRig(7);
    private final SimDisk disk = rig.register(new SimDisk("disk", 512, 64 * MIB, new SimDisk.Contents(), false, new Random(1)));

    private Lvol volume(LvStore store, String name) {
        return rig.<Lvol>ok(done -> store.createLvol(name, null, 4 * MIB, false, done));
    }

    /** Of a set of disks only the one that was added may flush with FUA. */
    @Test
    void aWriteThroughThatFailsOnADiskThatCameLaterIsToldToTheOtherVolumes() {
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol one = volume(store, "one");
        Lvol other = volume(store, "other");
        disk.fuaFlushes = true;
        rig.<LvStore>ok(store::grow);
        LvsRig.Handle oneHandle = rig.open(one.bdev(), 1);
        LvsRig.Handle otherHandle = rig.open(other.bdev(), 1);
        assertThat(otherHandle.write(0, DATA)).isZero();
        disk.failType = IoType.WRITE;
        assertThat(oneHandle.write(0, DATA, BdevIo.FLAG_FUA)).isEqualTo(Status.WRITE_FAULT);
        disk.failType = -1;
        assertThat(otherHandle.flush()).isEqualTo(Status.WRITE_FAULT);
        assertThat(otherHandle.flush()).isZero();
        oneHandle.close();
        otherHandle.close();
    }
}
