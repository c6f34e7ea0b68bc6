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

    /** Its last turn comes far behind those in which the disk has answered: what still waits then waits for somebody. */
    private void pass() {
        for (int i = 0; i < 10; i++) {
            rig.hand.tickAll(1_000);
            rig.hand.advance(10_000_000);
        }
    }

    private int endOf(VolumeHandle.Pending io) {
        rig.hand.runUntil(() -> io.ended);
        return io.status;
    }

    /** The device may have told another flush of the loss, whose end its own core has not seen yet. */
    @Test
    void aFlushDoesNotSucceedBeforeThoseThatMayHaveBeenToldOfItsLossHaveEnded() {
        LvStore store = rig.create(disk, "pool", MIB);
        LvsRig.Handle handle = rig.open(volume(store, "one").bdev(), 1);
        assertThat(handle.write(0, DATA)).isZero();
        int others = store.flushes().begin();       // On another core, of another volume.
        VolumeHandle.Pending flush = handle.submit(IoType.FLUSH, 0, 0, 0, 0);
        pass();
        assertThat(flush.ended).isFalse();
        store.flushes().end(others, true);
        assertThat(endOf(flush)).isEqualTo(Status.WRITE_FAULT);
        assertThat(handle.flush()).isZero();
        handle.close();
    }

    @Test
    void ifTheyEndWellItSucceeds() {
        LvStore store = rig.create(disk, "pool", MIB);
        LvsRig.Handle handle = rig.open(volume(store, "one").bdev(), 1);
        int others = store.flushes().begin();
        VolumeHandle.Pending first = handle.submit(IoType.FLUSH, 0, 0, 0, 0);
        pass();
        int later = store.flushes().begin();        // Not waited for by the first, but by the second.
        VolumeHandle.Pending second = handle.submit(IoType.FLUSH, 0, 0, 0, 0);
        pass();
        store.flushes().end(others, false);
        assertThat(endOf(first)).isZero();
        pass();
        assertThat(second.ended).isFalse();
        store.flushes().end(later, false);
        assertThat(endOf(second)).isZero();
        handle.close();
    }

    /** One that fails tells it to the volume; those that overlap it cannot know whose data it was. */
    @Test
    void aFlushOfTheSameVolumeThatOverlapsOneThatFailsFailsToo() {
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol one = volume(store, "one");
        LvsRig.Handle here = rig.open(one.bdev(), 0);
        LvsRig.Handle there = rig.open(one.bdev(), 1);
        disk.heldFlushes = 2;
        VolumeHandle.Pending told = here.submit(IoType.FLUSH, 0, 0, 0, 0);
        VolumeHandle.Pending other = there.submit(IoType.FLUSH, 0, 0, 0, 0);
        disk.failType = IoType.FLUSH;
        disk.releaseOneFlush();
        pass();
        assertThat(told.ended || other.ended).isTrue();
        disk.failType = -1;
        disk.releaseOneFlush();
        assertThat(endOf(told)).isEqualTo(Status.WRITE_FAULT);
        assertThat(endOf(other)).isEqualTo(Status.WRITE_FAULT);
        assertThat(here.flush()).isZero();
        here.close();
        there.close();
    }

    /** It ends with a flush, which may succeed behind one of others that was told of what the write had left in the cache. */
    @Test
    void aWriteThroughThatEndsWithAFlushIsNoMoreDurableThanThat() {
        disk.fuaFlushes = true;
        LvStore store = rig.create(disk, "pool", MIB);
        LvsRig.Handle handle = rig.open(volume(store, "one").bdev(), 1);
        int others = store.flushes().begin();
        VolumeHandle.Pending write = handle.submit(IoType.WRITE, 0, 4096, LvsRig.payloadAddress(), BdevIo.FLAG_FUA);
        VolumeHandle.Pending plain = handle.submit(IoType.WRITE, 8192, 4096, LvsRig.payloadAddress(), 0);
        pass();
        assertThat(write.ended).isFalse();
        assertThat(plain.ended).isTrue();
        store.flushes().end(others, true);
        assertThat(endOf(write)).isEqualTo(Status.WRITE_FAULT);
        assertThat(handle.write(0, DATA, BdevIo.FLAG_FUA)).isZero();
        assertThat(handle.flush()).isEqualTo(Status.WRITE_FAULT);     // What was written before it is not told by that write.
        assertThat(handle.flush()).isZero();
        handle.close();
    }

    /** Alone it waits for nobody: it ends in the turn in which the device's ends, and arms no timer. */
    @Test
    void aFlushAloneEndsAtOnce() {
        LvStore store = rig.create(disk, "pool", MIB);
        LvsRig.Handle handle = rig.open(volume(store, "one").bdev(), 1);
        long flushes = disk.flushCount;
        VolumeHandle.Pending flush = handle.submit(IoType.FLUSH, 0, 0, 0, 0);
        while (disk.flushCount == flushes) {
            rig.hand.tick(1);
        }
        assertThat(flush.ended).isTrue();
        assertThat(flush.status).isZero();
        handle.close();
    }

    /** There is nothing that it could lose. */
    @Test
    void aFlushOfADeviceWithoutACacheWaitsForNobody() {
        disk.hasCache = false;
        LvStore store = rig.create(disk, "pool", MIB);
        LvsRig.Handle handle = rig.open(volume(store, "one").bdev(), 1);
        int others = store.flushes().begin();
        assertThat(handle.flush()).isZero();
        store.flushes().end(others, false);
        handle.close();
    }
}
