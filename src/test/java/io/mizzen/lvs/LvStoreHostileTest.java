package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Pools whose checksums match and whose numbers are absurd, and volumes at the largest sizes: none of them ends the engine. */
class LvStoreHostileTest {
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;
    private static final long TIB = 1L << 40;

    private final LvsRig rig = new LvsRig(31);
    private int diskCount;

    private SimDisk disk(SimDisk.Contents contents, long sizeBytes) {
        return rig.register(new SimDisk("disk" + diskCount++, 512, sizeBytes, contents, true, new Random(1)));
    }

    private static void edit(SimDisk.Contents contents, long pageAtBytes, Consumer<MemorySegment> change) {
        byte[] raw = contents.read(pageAtBytes, MetadataPage.SIZE_BYTES);
        MemorySegment page = MemorySegment.ofArray(raw);
        change.accept(page);
        MetadataPage.updateCrc(page, 0);
        contents.write(pageAtBytes, raw, 0, raw.length);
    }

    private static void masks(MemorySegment superBlock, int pagesOfEach, int metadataPages) {
        for (int i = 0; i < 3; i++) {
            long at = new long[] {32, 40, 72}[i];
            superBlock.set(LittleEndian.U32, at, 1 + i * pagesOfEach);
            superBlock.set(LittleEndian.U32, at + 4, pagesOfEach);
        }
        superBlock.set(LittleEndian.U32, 48, 1 + 3 * pagesOfEach);
        superBlock.set(LittleEndian.U32, 52, metadataPages);
    }

    @Test
    void aVolumeAsLargeAsItsPoolIsThereAfterAnImport() {
        SimDisk disk = disk(new SimDisk.Contents(), 18 * TIB);
        LvStore store = rig.<LvStore>ok(done -> rig.stores.create(disk, new LvStores.Options("pool", null, MIB, 1), done));
        Lvol large = rig.<Lvol>ok(done -> store.createLvol("large", null, 17 * TIB, true, done));
        LvsRig.Handle handle = rig.open(large.bdev(), 0);
        byte[] data = new byte[4096];
        new Random(9).nextBytes(data);
        assertThat(handle.write(17 * TIB - 4096, data)).isZero();
        handle.close();
        rig.<Void>ok(store::export);
        for (boolean rebuild : new boolean[] {false, true}) {
            LvStore again = rig.<LvStore>ok(done -> rig.stores.load(disk, new LvStores.Expected(null, null, rebuild), done));
            LvsRig.Handle reader = rig.open(again.findLvol("large").bdev(), 1);
            assertThat(reader.read(17 * TIB - 4096, 4096)).isEqualTo(data);
            reader.close();
            rig.<Void>ok(again::export);
        }
    }

    @Test
    void masksWithRoomForAnythingAreReadAndWrittenAsFarAsTheyCount() {
        SimDisk.Contents pool = new SimDisk.Contents();
        SimDisk made = disk(pool, 64 * MIB);
        LvStore store = rig.create(made, "pool", MIB);
        rig.<Void>ok(store::export);
        SimDisk.Contents absurd = made.current().copy();
        byte[] superBlob = absurd.read(new SlowDecoder(absurd).metadataStart * 4096L, 4096);
        edit(absurd, 0, s -> {
            masks(s, 700_000, 64);
            s.set(LittleEndian.U64, 80, 16 * GIB);
            SuperBlock.clean(s, 0, true);
        });
        SimDisk disk = disk(absurd, 16 * GIB);
        OperationException refused = rig.<LvStore>refused(done -> rig.stores.load(disk, LvStores.Expected.any(), done));
        assertThat(refused.kind()).isEqualTo(ErrorKind.DATA_LOSS);
        assertThat(disk.writeCount).isZero();
        disk.current().write((1 + 3 * 700_000) * 4096L, superBlob, 0, 4096);
        LvStore rebuilt = rig.<LvStore>ok(done -> rig.stores.load(disk, new LvStores.Expected(null, null, true), done));
        rig.<Void>ok(rebuilt::export);
        rig.<Void>ok(rig.load(disk)::export);
    }

    @Test
    void volumesOfOneNameAreToldApartWhateverOthersAreCalled() {
        SimDisk disk = disk(new SimDisk.Contents(), 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        for (String name : new String[] {"x@blob-3", "x", "y"}) {
            rig.<Lvol>ok(done -> store.createLvol(name, null, MIB, true, done));
        }
        int root = store.findLvol("y").blob().rootPage;
        assertThat(root).isEqualTo(3);
        rig.<Void>ok(store::export);
        SlowDecoder decoder = new SlowDecoder(disk.current());
        edit(disk.current(), (decoder.metadataStart + root) * 4096L, page -> {
            BlobMetadata renamed = new BlobMetadata(root);
            BlobDecoder reader = new BlobDecoder(renamed, 64);
            try {
                reader.chainPage(page, root);
                reader.endOfChain();
                renamed.xattr(Xattr.ofText("name", "x", 64));
                page.copyFrom(BlobEncoder.encode(renamed).getFirst());
                MetadataPage.next(page, 0, MetadataPage.NEXT_NONE);
            } catch (FormatException e) {
                throw new AssertionError(e);
            }
        });
        LvStore again = rig.load(disk);
        assertThat(again.lvols()).hasSize(3);
        assertThat(again.lvols().stream().filter(Lvol::usable).map(Lvol::name)).containsExactlyInAnyOrder("x@blob-3", "x");
    }

    /** Each has one page of metadata, and a map that would take 128 MiB. */
    @Test
    void volumesThatNobodyHasMemoryForAreRefusedBeforeItIsTaken() {
        SimDisk disk = disk(new SimDisk.Contents(), 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        for (int i = 0; i < 40; i++) {
            String name = "v" + i;
            rig.<Lvol>ok(done -> store.createLvol(name, null, MIB, true, done));
        }
        rig.<Void>ok(store::export);
        SlowDecoder decoder = new SlowDecoder(disk.current());
        for (SlowDecoder.Volume volume : decoder.volumes.values()) {
            edit(disk.current(), (decoder.metadataStart + volume.root) * 4096L, page -> enlarge(page, 1 << 24));
        }
        for (boolean rebuild : new boolean[] {false, true}) {
            OperationException refused = rig.<LvStore>refused(done ->
                    rig.stores.load(disk, new LvStores.Expected(null, null, rebuild), done));
            assertThat(refused.code()).isEqualTo("pool-memory-insufficient");
            assertThat(refused.kind()).isEqualTo(ErrorKind.RESOURCE_EXHAUSTED);
        }
    }

    /** Whatever has made a pool as large as it may be, it can be imported again with the same heap. */
    @Test
    void nothingIsMadeThatThereIsNoHeapFor() {
        LvsRig small = new LvsRig(7, 3 * MIB / 2);
        SimDisk disk = small.register(new SimDisk("small", 512, 100 * GIB, new SimDisk.Contents(), true, new Random(1)));
        LvStore store = small.<LvStore>ok(done -> small.stores.create(disk, new LvStores.Options("pool", null, MIB, 1), done));
        Lvol first = small.<Lvol>ok(done -> store.createLvol("first", null, 64 * GIB, true, done));
        Lvol second = small.<Lvol>ok(done -> store.createLvol("second", null, 10 * GIB, true, done));
        for (OperationException refused : new OperationException[] {
            small.<Lvol>refused(done -> store.createLvol("more", null, 99 * GIB, true, done)),
            small.<Lvol>refused(done -> store.resizeLvol(second, 99 * GIB, done)),
            small.<Lvol>refused(done -> store.createSnapshot(first, new SnapshotOptions("s", null, null, null, Instant.EPOCH), done))}) {
            assertThat(refused.code()).isEqualTo("pool-memory-insufficient");
            assertThat(refused.kind()).isEqualTo(ErrorKind.RESOURCE_EXHAUSTED);
            assertThat(refused).as("the way out").hasMessageContaining("larger clusters").hasMessageContaining("start the engine with a larger heap");
        }
        int made = 0;
        LvsRig.Outcome<Lvol> last;
        do {
            String name = "v" + made++;
            last = small.run(done -> store.createLvol(name, null, 10 * GIB, true, done));
        } while (last.failure == null);
        assertThat(last.failure.code()).isEqualTo("pool-memory-insufficient");
        small.<Lvol>ok(done -> store.resizeLvol(second, 8 * GIB, done));        // Less is never refused.
        for (boolean rebuild : new boolean[] {false, true}) {
            LvStore open = small.stores.find("pool");
            small.<Void>ok(open::export);
            LvStore again = small.<LvStore>ok(done -> small.stores.load(disk, new LvStores.Expected(null, null, rebuild), done));
            assertThat(again.lvols()).hasSize(made + 1);
        }
        assertThat(made).isBetween(3, 20);
    }

    /** What other pools take counts as well. */
    @Test
    void allOpenPoolsShareTheHeap() {
        LvsRig small = new LvsRig(8, 2 * MIB);
        LvStore[] stores = new LvStore[2];
        for (int i = 0; i < 2; i++) {
            SimDisk disk = small.register(new SimDisk("disk" + i, 512, 100 * GIB, new SimDisk.Contents(), true, new Random(1)));
            String name = "pool" + i;
            stores[i] = small.<LvStore>ok(done -> small.stores.create(disk, new LvStores.Options(name, null, MIB, 1), done));
        }
        small.<Lvol>ok(done -> stores[0].createLvol("one", null, 90 * GIB, true, done));
        assertThat(small.<Lvol>refused(done -> stores[1].createLvol("other", null, 90 * GIB, true, done)).code())
                .isEqualTo("pool-memory-insufficient");
        small.<Void>ok(stores[0]::export);
        small.<Lvol>ok(done -> stores[1].createLvol("other", null, 90 * GIB, true, done));
        small.<Void>ok(stores[1]::export);
    }

    /** Makes the extent table of a root page say that the volume has so many clusters, none of them held. */
    private static void enlarge(MemorySegment page, int clusters) {
        long at = MetadataPage.DESCRIPTORS_AT;
        while (page.get(ValueLayout.JAVA_BYTE, at) != Descriptor.EXTENT_TABLE) {
            at += Descriptor.HEADER_BYTES + page.get(LittleEndian.U32, at + 1);
        }
        page.set(LittleEndian.U64, at + Descriptor.HEADER_BYTES, clusters);
        page.set(LittleEndian.U32, at + Descriptor.HEADER_BYTES + 8, 0);
        page.set(LittleEndian.U32, at + Descriptor.HEADER_BYTES + 12, BlobMetadata.extentPageCount(clusters));
    }

    /** A device may go when the last write of a change is on it already. */
    @Test
    void aDeviceThatGoesWhileAVolumeGrowsEndsNothingElse() {
        for (int turns = 0; turns < 60; turns++) {
            SimDisk disk = disk(new SimDisk.Contents(), 64 * MIB);
            LvStore store = rig.create(disk, "pool" + turns, MIB);
            Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 4 * MIB, true, done));
            LvsRig.Outcome<Lvol> grown = rig.start(done -> store.resizeLvol(lvol, 8 * MIB, done));
            rig.hand.tickAll(turns);
            LvsRig.Outcome<Void> gone = rig.start(done -> rig.registry.unregister(disk, done));
            rig.hand.runUntil(() -> grown.ended);
            assertThat(store.state()).isEqualTo(LvStore.State.FAULTED);
            rig.<Void>ok(store::export);
            rig.hand.runUntil(() -> gone.ended);
        }
    }

    @Test
    void extentsByTheMillionAreReadInTheTimeThatTheyTake() throws FormatException {
        int pages = 2000;
        BlobMetadata blob = new BlobMetadata(1);
        BlobDecoder decoder = new BlobDecoder(blob, 1 << 24);
        MemorySegment page = MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES]);
        int pairs = 500;
        page.set(ValueLayout.JAVA_BYTE, MetadataPage.DESCRIPTORS_AT, (byte) Descriptor.EXTENT_RLE);
        page.set(LittleEndian.U32, MetadataPage.DESCRIPTORS_AT + 1, pairs * Descriptor.PAIR_BYTES);
        for (int i = 0; i < pairs; i++) {
            long at = MetadataPage.DESCRIPTORS_AT + Descriptor.HEADER_BYTES + (long) i * Descriptor.PAIR_BYTES;
            page.set(LittleEndian.U32, at, 2 * i + 1);
            page.set(LittleEndian.U32, at + 4, 1);
        }
        MemorySegment flags = MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES]);
        flags.set(ValueLayout.JAVA_BYTE, MetadataPage.DESCRIPTORS_AT, (byte) Descriptor.FLAGS);
        flags.set(LittleEndian.U32, MetadataPage.DESCRIPTORS_AT + 1, Descriptor.FLAGS_BYTES);
        decoder.chainPage(flags, 1);
        long startNs = System.nanoTime();
        for (int i = 0; i < pages; i++) {
            decoder.chainPage(page, 1);
        }
        decoder.endOfChain();
        assertThat(System.nanoTime() - startNs).isLessThan(60_000_000_000L);
        assertThat(blob.clusters).hasSize(pages * pairs);
        assertThat(blob.clusters[pairs + 3]).isEqualTo(7);
    }
}
