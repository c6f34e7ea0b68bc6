package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The redo page finishes a page that a power cut tore while we had the pool open, and never one that others tore since. */
class LvStoreRedoTest {
    private static final long MIB = 1 << 20;
    private static final LvStores.Expected READ_ONLY = new LvStores.Expected(null, null, false, true);

    private final LvsRig rig = new LvsRig(23);
    private int diskCount;
    /** The pool as a crash left it right after volume "last" was made: the redo page holds its root. */
    private SimDisk.Contents left;
    private long rootAtBytes;

    private SimDisk disk(SimDisk.Contents contents, long sizeBytes) {
        return rig.register(new SimDisk("disk" + diskCount++, 512, sizeBytes, contents, false, new Random(1)));
    }

    private void crash() {
        SimDisk disk = disk(new SimDisk.Contents(), 32 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        rig.<Lvol>ok(done -> store.createLvol("first", null, 4 * MIB, true, done));
        rig.<Lvol>ok(done -> store.createLvol("last", null, 4 * MIB, true, done));
        left = disk.current().copy();
        rig.<Void>ok(store::export);
        SlowDecoder decoder = new SlowDecoder(left);
        rootAtBytes = (decoder.metadataStart + decoder.volumes.get("last").root) * 4096;
    }

    /** A page of which a part has other contents. */
    private static void tear(SimDisk.Contents contents, long pageAtBytes) {
        byte[] part = contents.read(pageAtBytes + 1024, 512);
        for (int i = 0; i < part.length; i++) {
            part[i] ^= 0x11;
        }
        contents.write(pageAtBytes + 1024, part, 0, part.length);
    }

    /** What SPDK does when it opens an unclean pool, before anything else: it writes all masks. */
    private static void openedBySpdk(SimDisk.Contents contents) {
        SlowDecoder decoder = new SlowDecoder(contents);
        mask(contents, 32, 0, decoder.metadataPages, decoder.usedPages);
        mask(contents, 72, 2, decoder.metadataPages, decoder.roots);
        mask(contents, 40, 1, decoder.totalClusters, decoder.usedClusters);
    }

    private static void mask(SimDisk.Contents contents, int superBlockField, int type, int bits, Set<Integer> used) {
        byte[] extent = contents.read(superBlockField, 8);
        int start = extent[0] & 0xff | (extent[1] & 0xff) << 8;
        byte[] mask = new byte[4096 * (extent[4] & 0xff)];
        mask[0] = (byte) type;
        for (int i = 0; i < 4; i++) {
            mask[1 + i] = (byte) (bits >> 8 * i);
        }
        for (int each : used) {
            mask[5 + each / 8] |= (byte) (1 << each % 8);
        }
        contents.write(start * 4096L, mask, 0, mask.length);
    }

    @Test
    void aPageThatWasTornWhileWeHadThePoolIsFinished() {
        crash();
        tear(left, rootAtBytes);
        LvStore store = rig.load(disk(left, 32 * MIB));
        assertThat(store.lvols()).extracting(Lvol::name).containsExactlyInAnyOrder("first", "last");
        rig.<Void>ok(store::export);
    }

    @Test
    void aPageThatIsTornSinceOthersHadThePoolIsNot() {
        crash();
        openedBySpdk(left);
        tear(left, rootAtBytes);
        SimDisk disk = disk(left, 32 * MIB);
        OperationException refused = rig.<LvStore>refused(done -> rig.stores.load(disk, LvStores.Expected.any(), done));
        assertThat(refused.kind()).isEqualTo(ErrorKind.DATA_LOSS);
        assertThat(refused.code()).isEqualTo("pool-metadata-corrupt");
        assertThat(disk.writeCount).isZero();
        LvStore looked = rig.<LvStore>ok(done -> rig.stores.load(disk, READ_ONLY, done));
        assertThat(looked.lvols().stream().filter(Lvol::usable).map(Lvol::name)).containsExactly("first");
        rig.<Void>ok(looked::export);
    }

    /** Whether what was marked since is our own next opening, or one that a power cut ended before it had changed anything. */
    @Test
    void openingThePoolAgainBringsNoStaleCopyBack() {
        for (boolean isClean : new boolean[] {true, false}) {
            crash();
            left.write(rootAtBytes, null, 0, 4096);     // SPDK has removed the volume.
            openedBySpdk(left);
            byte[] superBlock = left.read(0, 4096);
            SuperBlock.clean(MemorySegment.ofArray(superBlock), 0, isClean);
            SuperBlock.updateCrc(MemorySegment.ofArray(superBlock), 0);
            left.write(0, superBlock, 0, 4096);
            SimDisk disk = disk(left, 32 * MIB);
            LvStore opened = rig.load(disk);
            SimDisk.Contents again = disk.current().copy();
            rig.<Void>ok(opened::export);
            byte[] part = new byte[512];
            new Random(4).nextBytes(part);
            again.write(rootAtBytes + 2048, part, 0, part.length);      // Of a page that nothing refers to yet.
            LvStore store = rig.load(disk(again, 32 * MIB));
            assertThat(store.lvols()).extracting(Lvol::name).containsExactly("first");
            rig.<Void>ok(store::export);
        }
    }

    /** The opening may be cut short after any of its writes. */
    @Test
    void aPowerCutWhileOpeningBringsNoStaleCopyBack() {
        int beforeTheEnd = 0;
        for (long seed = 1; seed <= 150; seed++) {
            crash();
            left.write(rootAtBytes, null, 0, 4096);
            openedBySpdk(left);
            LvsRig other = new LvsRig(seed);
            SimDisk disk = other.register(new SimDisk("cut", 512, 32 * MIB, left, false, new Random(seed)));
            LvsRig.Outcome<LvStore> opened = other.start(done -> other.stores.load(disk, LvStores.Expected.any(), done));
            other.hand.tickAll((int) seed % 14);
            beforeTheEnd += opened.ended ? 0 : 1;
            SimDisk.Contents cut = disk.crash();
            tear(cut, rootAtBytes);
            LvStore store = rig.load(disk(cut, 32 * MIB));
            assertThat(store.lvols()).extracting(Lvol::name).containsExactly("first");
            rig.<Void>ok(store::export);
        }
        assertThat(beforeTheEnd).isBetween(20, 140);
    }

    @Test
    void aSuperBlockThatIsTornSinceOthersHadThePoolIsNotTheOneOfOurGrowth() {
        for (boolean isStale : new boolean[] {false, true}) {
            SimDisk small = disk(new SimDisk.Contents(), 32 * MIB);
            rig.<Void>ok(rig.create(small, "pool", MIB)::export);
            SimDisk disk = disk(small.current(), 48 * MIB);
            LvStore store = rig.load(disk);
            rig.<LvStore>ok(store::grow);
            SimDisk.Contents grown = disk.current().copy();
            rig.<Void>ok(store::export);
            if (isStale) {
                openedBySpdk(grown);
            }
            byte[] half = grown.read(0, 4096);
            half[80 + 3] ^= 1;      // Another size, without its CRC.
            grown.write(0, half, 0, 4096);
            SimDisk next = disk(grown, 64 * MIB);
            LvsRig.Outcome<LvStore> outcome = rig.run(done -> rig.stores.load(next, LvStores.Expected.any(), done));
            if (isStale) {
                assertThat(outcome.failure.code()).isEqualTo("pool-super-block-corrupt");
                assertThat(next.writeCount).isZero();
            } else {
                assertThat(outcome.failure).isNull();
                assertThat(outcome.value.sizeBytes()).isEqualTo(48 * MIB);
                rig.<Void>ok(outcome.value::export);
            }
        }
    }
}
