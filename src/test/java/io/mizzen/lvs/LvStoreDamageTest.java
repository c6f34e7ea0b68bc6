package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Damaged, foreign and newer pools are refused with what is wrong, and nothing is written to them. */
class LvStoreDamageTest {
    private static final long MIB = 1 << 20;
    private static final long DISK_BYTES = 32 * MIB;

    private final LvsRig rig = new LvsRig(5);
    private int diskCount;

    private SimDisk disk(SimDisk.Contents contents, long sizeBytes) {
        return rig.register(new SimDisk("disk" + diskCount++, 512, sizeBytes, contents, false, new Random(1)));
    }

    /** A pool with a thick volume "a" and a thin one "b" that holds some clusters; unclean unless exported. */
    private SimDisk.Contents pool(boolean exported) {
        SimDisk disk = disk(new SimDisk.Contents(), DISK_BYTES);
        LvStore store = rig.create(disk, "pool", MIB);
        rig.<Lvol>ok(done -> store.createLvol("a", null, 4 * MIB, false, done));
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("b", null, 9 * MIB, true, done));
        LvsRig.Handle handle = rig.open(thin.bdev(), 0);
        assertThat(handle.write(2 * MIB, new byte[65536])).isZero();
        assertThat(handle.write(7 * MIB, new byte[4096])).isZero();
        handle.close();
        SimDisk.Contents contents = exported ? null : disk.current().copy();
        rig.<Void>ok(store::export);
        return exported ? disk.current() : contents;
    }

    private static void flip(SimDisk.Contents contents, long atByte, int bit) {
        byte[] raw = contents.read(atByte, 1);
        raw[0] ^= (byte) (1 << bit);
        contents.write(atByte, raw, 0, 1);
    }

    private OperationException refused(SimDisk.Contents contents) {
        SimDisk disk = disk(contents, DISK_BYTES);
        LvsRig.Outcome<LvStore> outcome = rig.run(done -> rig.stores.load(disk, LvStores.Expected.any(), done));
        if (outcome.failure == null) {
            rig.<Void>ok(outcome.value::export);
            return null;
        }
        assertThat(disk.writeCount).isZero();
        assertThat(disk.isOpen()).isFalse();
        return outcome.failure;
    }

    private OperationException refusedAfter(SimDisk.Contents pool, Consumer<SimDisk.Contents> damage) {
        SimDisk.Contents damaged = pool.copy();
        damage.accept(damaged);
        return refused(damaged);
    }

    /** Changes the super block or a page and makes its CRC right again. */
    private static void edit(SimDisk.Contents contents, long pageAtBytes, Consumer<MemorySegment> change) {
        byte[] raw = contents.read(pageAtBytes, 4096);
        MemorySegment page = MemorySegment.ofArray(raw);
        change.accept(page);
        MetadataPage.updateCrc(page, 0);
        contents.write(pageAtBytes, raw, 0, 4096);
    }

    @Test
    void aFlippedBitInTheSuperBlockIsRefusedOrIsTheCleanMark() {
        Random random = new Random(1);
        for (boolean exported : new boolean[] {true, false}) {
            SimDisk.Contents pool = pool(exported);
            for (int i = 0; i < 150; i++) {
                int at = i < 100 ? i : random.nextInt(4096);
                int bit = random.nextInt(8);
                OperationException failure = refusedAfter(pool, c -> flip(c, at, bit));
                if (at < 8) {
                    assertThat(failure.kind()).isEqualTo(ErrorKind.NOT_FOUND);
                } else if (at < 16 || at >= 20) {
                    assertThat(failure.code()).as("byte %d", at).isEqualTo("pool-super-block-corrupt");
                }
            }
            assertThat(refusedAfter(pool, c -> flip(c, 16, 0))).isNull();   // Torn while the mark changed: recovered.
        }
    }

    @Test
    void aFlippedBitInAMaskOfACleanPoolIsRefusedAndRebuiltOnRequest() {
        SimDisk.Contents pool = pool(true);
        SlowDecoder decoder = new SlowDecoder(pool);
        for (int maskPage = 1; maskPage <= 3; maskPage++) {
            int bits = maskPage == 2 ? decoder.totalClusters : decoder.metadataPages;
            for (int bit = 0; bit < bits; bit += 3) {
                long at = maskPage * 4096L + 5 + bit / 8;
                int within = bit % 8;
                OperationException failure = refusedAfter(pool, c -> flip(c, at, within));
                assertThat(failure).as("mask page %d bit %d", maskPage, bit).isNotNull();
                assertThat(failure.kind()).isEqualTo(ErrorKind.DATA_LOSS);
            }
        }
        SimDisk.Contents damaged = pool.copy();
        flip(damaged, 2 * 4096 + 5 + 1, 0);
        SimDisk disk = disk(damaged, DISK_BYTES);
        LvStore store = rig.<LvStore>ok(done -> rig.stores.load(disk, new LvStores.Expected(null, null, true), done));
        assertThat(store.freeClusterCount()).isEqualTo(decoder.freeClusters());
    }

    @Test
    void aFlippedBitInAMetadataPageInUseIsRefused() {
        Random random = new Random(2);
        for (boolean exported : new boolean[] {true, false}) {
            SimDisk.Contents pool = pool(exported);
            SlowDecoder decoder = new SlowDecoder(pool);
            List<Integer> used = List.copyOf(decoder.usedPages);
            for (int i = 0; i < 200; i++) {
                long page = decoder.metadataStart + used.get(random.nextInt(used.size()));
                int at = i % 2 == 0 ? random.nextInt(24) : random.nextInt(4096);
                int bit = random.nextInt(8);
                OperationException failure = refusedAfter(pool, c -> flip(c, page * 4096 + at, bit));
                if (failure == null) {
                    // The redo page holds this very page: its damage is repaired.
                    assertThat(exported).isFalse();
                    continue;
                }
                assertThat(failure.kind()).isEqualTo(ErrorKind.DATA_LOSS);
                assertThat(failure.getMessage()).contains("page");
            }
        }
    }

    /** Super block, masks and every page, in use or not, whatever the bit: refused, or nothing is lost by it. */
    @Test
    void aFlippedBitAnywhereIsRefusedOrDoesNoHarm() {
        Random random = new Random(6);
        int refused = 0;
        for (boolean exported : new boolean[] {true, false}) {
            SimDisk.Contents pool = pool(exported);
            SlowDecoder sound = new SlowDecoder(pool);
            long end = (sound.metadataStart + sound.metadataPages) * 4096L;
            for (int i = 0; i < 700; i++) {
                SimDisk.Contents damaged = pool.copy();
                flip(damaged, i % 2 == 0 ? random.nextLong(end) : random.nextLong(end / 512) * 512 + random.nextInt(40), random.nextInt(8));
                SimDisk disk = disk(damaged, DISK_BYTES);
                LvsRig.Outcome<LvStore> outcome = rig.run(done -> rig.stores.load(disk, LvStores.Expected.any(), done));
                if (outcome.failure != null) {
                    assertThat(outcome.failure.kind()).isIn(ErrorKind.DATA_LOSS, ErrorKind.NOT_FOUND, ErrorKind.FAILED_PRECONDITION);
                    assertThat(disk.writeCount).isZero();
                    refused++;
                    continue;
                }
                rig.<Void>ok(outcome.value::export);
                SlowDecoder after = new SlowDecoder(disk.current());
                assertThat(after.clean).isTrue();
                assertThat(after.volumes.keySet()).isEqualTo(sound.volumes.keySet());
                assertThat(after.freeClusters()).isEqualTo(sound.freeClusters());
                sound.volumes.forEach((name, volume) -> assertThat(after.volumes.get(name).clusters).isEqualTo(volume.clusters));
            }
        }
        assertThat(refused).isBetween(100, 1300);
    }

    @Test
    void ofWhateverIsLeftOfATruncatedPoolNothingIsWritten() {
        SimDisk.Contents pool = pool(true);
        for (long left = 4096; left < DISK_BYTES; left += left < MIB ? 4096 * 7 : MIB - 4096) {
            SimDisk.Contents cut = pool.copy();
            cut.write(left, null, 0, DISK_BYTES - left);
            SimDisk disk = disk(cut, left);
            OperationException failure = rig.<LvStore>refused(done -> rig.stores.load(disk, LvStores.Expected.any(), done));
            assertThat(failure.code()).as("%d bytes", left).isEqualTo("pool-device-truncated");
            assertThat(failure.getMessage()).contains(Long.toString(left));
            assertThat(disk.writeCount).isZero();
        }
    }

    @Test
    void otherDevicesAreRefusedWithTheirOwnReason() {
        SimDisk.Contents pool = pool(true);
        assertThat(refused(new SimDisk.Contents()).code()).isEqualTo("pool-signature-missing");
        SimDisk small = disk(pool, DISK_BYTES - MIB);
        assertThat(rig.<LvStore>refused(done -> rig.stores.load(small, LvStores.Expected.any(), done)).code())
                .isEqualTo("pool-device-truncated");
        assertThat(refusedAfter(pool, c -> edit(c, 0, s -> s.set(LittleEndian.U32, 8, 4))).code())
                .isEqualTo("pool-format-unsupported");
        assertThat(refusedAfter(pool, c -> edit(c, 0, s -> s.set(LittleEndian.U32, 56, 0x58585858))).code())
                .isEqualTo("pool-type-foreign");
        assertThat(refusedAfter(pool, c -> edit(c, 0, s -> s.set(LittleEndian.U32, 28, 12345))).code())
                .isEqualTo("pool-super-block-corrupt");
        assertThat(refusedAfter(pool, c -> edit(c, 0, s -> s.set(LittleEndian.U64, 20, 77L))).code())
                .isEqualTo("pool-metadata-corrupt");
        SimDisk other = disk(pool, DISK_BYTES);
        LvStores.Expected named = new LvStores.Expected("another", null, false);
        assertThat(rig.<LvStore>refused(done -> rig.stores.load(other, named, done)).code()).isEqualTo("pool-name-mismatch");
        assertThat(other.writeCount).isZero();
    }

    @Test
    void anExtentPageThatNamesAnotherVolumesClusterIsRefused() {
        SimDisk.Contents pool = pool(false);
        SlowDecoder decoder = new SlowDecoder(pool);
        int stolen = decoder.volumes.get("a").clusters.get(1);
        int page = -1;
        for (int p : decoder.usedPages) {
            byte[] raw = pool.read((decoder.metadataStart + p) * 4096, 4096);
            if (raw[16] == Descriptor.EXTENT_PAGE && MemorySegment.ofArray(raw).get(LittleEndian.U32, 25 + 8) != 0
                    && MemorySegment.ofArray(raw).get(LittleEndian.U32, 25) == 0) {
                page = p;
            }
        }
        long at = (decoder.metadataStart + page) * 4096;
        OperationException failure = refusedAfter(pool, c -> edit(c, at, s -> s.set(LittleEndian.U32, 25 + 8, stolen)));
        assertThat(failure.code()).isEqualTo("pool-cluster-owned-twice");
        assertThat(failure.getMessage()).contains("cluster " + stolen);
    }

    @Test
    void aVolumeWithUnknownFlagsIsListedRefusedAndKept() {
        SimDisk.Contents pool = pool(false);
        SlowDecoder decoder = new SlowDecoder(pool);
        long root = (decoder.metadataStart + decoder.volumes.get("b").root) * 4096;
        for (int word = 0; word < 3; word++) {
            int at = 21 + 8 * word + 5;
            SimDisk.Contents changed = pool.copy();
            edit(changed, root, s -> s.set(ValueLayout.JAVA_BYTE, at, (byte) 1));
            SimDisk disk = disk(changed, DISK_BYTES);
            LvStore store = rig.load(disk);
            Lvol lvol = store.findLvol("b");
            assertThat(lvol.features()).contains(LvolFeature.UNKNOWN);
            assertThat(lvol.usable()).isFalse();
            assertThat(lvol.bdev()).isNull();
            assertThat(store.freeClusterCount()).isEqualTo(decoder.freeClusters());
            assertThat(rig.<Void>refused(done -> store.destroyLvol(lvol, done)).code()).isEqualTo("replica-unsupported");
            rig.<Void>ok(store::export);
            assertThat(disk.current().read(root, 4096)).isEqualTo(changed.read(root, 4096));
        }
    }

    @Test
    void foreignAttributesSurviveARewrite() throws FormatException {
        SimDisk.Contents pool = pool(false);
        SlowDecoder decoder = new SlowDecoder(pool);
        int root = (int) decoder.volumes.get("a").root;
        BlobMetadata blob = new BlobMetadata(root);
        BlobDecoder reader = new BlobDecoder(blob, decoder.totalClusters);
        long at = (decoder.metadataStart + root) * 4096;
        reader.chainPage(MemorySegment.ofArray(pool.read(at, 4096)), root);
        reader.endOfChain();
        blob.xattrs.add(new Xattr("io-engine.entity_id", "somebody".getBytes()));
        byte[] binary = new byte[300];
        new Random(4).nextBytes(binary);
        blob.xattrs.add(new Xattr("binary", binary));
        List<MemorySegment> chain = BlobEncoder.encode(blob);
        BlobEncoder.link(chain, new int[0]);
        pool.write(at, (byte[]) chain.getFirst().heapBase().orElseThrow(), 0, 4096);
        SimDisk disk = disk(pool, DISK_BYTES);
        LvStore store = rig.load(disk);
        rig.<Lvol>ok(done -> store.resizeLvol(store.findLvol("a"), 6 * MIB, done));
        SlowDecoder.Volume after = new SlowDecoder(disk.current()).volumes.get("a");
        assertThat(after.clusters).hasSize(6);
        assertThat(after.xattrs.get("binary")).isEqualTo(binary);
        assertThat(new String(after.xattrs.get("io-engine.entity_id"))).isEqualTo("somebody");
    }

    @Test
    void aFailedCommitFaultsThePoolAndLosesNothing() {
        for (int writes = 0; writes < 12; writes++) {
            SimDisk disk = disk(pool(false), DISK_BYTES);
            LvStore store = rig.load(disk);
            disk.writesUntilFailure = writes;
            LvsRig.Outcome<Lvol> outcome = rig.run(done -> store.createLvol("late", null, 2 * MIB, false, done));
            disk.writesUntilFailure = -1;
            if (outcome.failure == null) {
                assertThat(writes).isGreaterThan(3);
            } else if (store.state() == LvStore.State.FAULTED) {
                assertThat(rig.<Lvol>refused(done -> store.createLvol("more", null, MIB, true, done)).code())
                        .isEqualTo("pool-faulted");
            } else {
                assertThat(store.findLvol("late")).isNull();
                rig.<Lvol>ok(done -> store.createLvol("late", null, 2 * MIB, false, done));
            }
            LvsRig.Handle handle = rig.open(store.findLvol("a").bdev(), 1);
            assertThat(handle.write(MIB, new byte[4096])).isZero();
            handle.close();
            rig.<Void>ok(store::export);
            LvStore again = rig.load(disk);
            assertThat(again.findLvol("a")).isNotNull();
            assertThat(again.findLvol("b").allocatedClusterCount()).isEqualTo(2);
            assertThat(again.findLvol("late") == null || again.findLvol("late").sizeBytes() == 2 * MIB).isTrue();
            rig.<Void>ok(again::export);
        }
    }

    @Test
    void aFailedAllocationFailsItsWriteAndNoOther() {
        SimDisk disk = disk(pool(false), DISK_BYTES);
        LvStore store = rig.load(disk);
        LvsRig.Handle handle = rig.open(store.findLvol("b").bdev(), 1);
        disk.failType = IoType.WRITE_ZEROES;
        assertThat(handle.write(4 * MIB, new byte[4096])).isEqualTo(Status.WRITE_FAULT);
        disk.failType = -1;
        assertThat(store.state()).isEqualTo(LvStore.State.ONLINE);
        assertThat(handle.write(4 * MIB, new byte[4096])).isZero();
        disk.failType = IoType.WRITE;
        assertThat(handle.write(5 * MIB, new byte[4096])).isEqualTo(Status.WRITE_FAULT);
        disk.failType = -1;
        assertThat(store.state()).isEqualTo(LvStore.State.FAULTED);
        assertThat(handle.write(2 * MIB, new byte[4096])).isZero();
        assertThat(handle.write(6 * MIB, new byte[4096])).isEqualTo(Status.WRITE_FAULT);
        assertThat(handle.read(5 * MIB, 4096)).isEqualTo(new byte[4096]);
    }

    /** They are taken until the next import, which an export must not make impossible by storing that. */
    @Test
    void pagesThatCouldNotBeFreedAreFreedByTheNextImport() {
        SimDisk disk = disk(pool(false), DISK_BYTES);
        LvStore store = rig.load(disk);
        Lvol thick = rig.<Lvol>ok(done -> store.createLvol("thick", null, 2 * MIB, false, done));
        disk.failType = IoType.WRITE_ZEROES;
        rig.<Lvol>ok(done -> store.resizeLvol(thick, 4 * MIB, done));
        disk.failType = -1;
        assertThat(store.state()).isEqualTo(LvStore.State.ONLINE);
        rig.<Void>ok(store::export);
        LvStore again = rig.load(disk);
        assertThat(again.recovered()).isTrue();
        assertThat(again.findLvol("thick").sizeBytes()).isEqualTo(4 * MIB);
        rig.<Void>ok(again::export);
        assertThat(rig.load(disk).recovered()).isFalse();
    }

    /** Replaces the root page of a volume by what the encoder makes of a changed copy. */
    private static void rewrite(SimDisk.Contents pool, String name, Consumer<BlobMetadata> change) throws FormatException {
        SlowDecoder decoder = new SlowDecoder(pool);
        SlowDecoder.Volume v = decoder.volumes.get(name);
        int root = (int) v.root;
        BlobMetadata blob = new BlobMetadata(root);
        BlobDecoder reader = new BlobDecoder(blob, decoder.totalClusters);
        long at = (decoder.metadataStart + root) * 4096;
        reader.chainPage(MemorySegment.ofArray(pool.read(at, 4096)), root);
        reader.endOfChain();
        blob.clusters = v.clusters.stream().mapToInt(Integer::intValue).toArray();
        change.accept(blob);
        List<MemorySegment> chain = BlobEncoder.encode(blob);
        BlobEncoder.link(chain, new int[0]);
        pool.write(at, (byte[]) chain.getFirst().heapBase().orElseThrow(), 0, 4096);
    }

    @Test
    void volumesWithRunLengthExtentsAreUsedAndStaySo() throws FormatException {
        SimDisk.Contents pool = pool(false);
        for (String name : List.of("a", "b")) {
            rewrite(pool, name, blob -> {
                blob.extentTable = false;
                blob.extentPages = new int[0];
                blob.invalidFlags &= ~BlobFlags.EXTENT_TABLE;
            });
        }
        SimDisk disk = disk(pool, DISK_BYTES);
        LvStore store = rig.load(disk);
        byte[] data = new byte[8192];
        new Random(6).nextBytes(data);
        LvsRig.Handle handle = rig.open(store.findLvol("b").bdev(), 1);
        assertThat(handle.write(4 * MIB - 4096, data)).isZero();
        int free = store.freeClusterCount();
        assertThat(handle.write(5 * MIB, data)).isZero();
        assertThat(handle.io(IoType.UNMAP, 5 * MIB, MIB, 0)).isZero();
        assertThat(store.freeClusterCount()).isEqualTo(free);
        assertThat(handle.read(5 * MIB, data.length)).isEqualTo(new byte[data.length]);
        handle.close();
        rig.<Lvol>ok(done -> store.resizeLvol(store.findLvol("b"), 12 * MIB, done));
        rig.<Lvol>ok(done -> store.resizeLvol(store.findLvol("a"), 2 * MIB, done));
        rig.<Lvol>ok(done -> store.resizeLvol(store.findLvol("a"), 7 * MIB, done));
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.volumes.get("b").clusters).hasSize(12);
        assertThat(store.findLvol("b").allocatedClusterCount()).isEqualTo(4);
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
        assertThat(store.findLvol("a").blob().extentTable).isFalse();
        rig.<Void>ok(store::export);
        LvStore loaded = rig.load(disk);
        LvsRig.Handle again = rig.open(loaded.findLvol("b").bdev(), 0);
        assertThat(again.read(4 * MIB - 4096, data.length)).isEqualTo(data);
    }

    /** The page that a redo copy is of may be another's by now: torn in its turn, it is not what the copy says. */
    @Test
    void aRedoCopyIsUsedOnceOnly() {
        SimDisk first = disk(pool(false), DISK_BYTES);
        LvStore store = rig.load(first);
        rig.<Lvol>ok(done -> store.createLvol("new", null, MIB, true, done));
        SimDisk.Contents cut = first.current().copy();
        rig.<Void>ok(store::export);
        SlowDecoder decoder = new SlowDecoder(cut);
        long at = (decoder.metadataStart + decoder.volumes.get("new").root) * 4096;
        byte[] other = cut.read((decoder.metadataStart + decoder.volumes.get("a").root) * 4096, 512);
        other[16] = Descriptor.EXTENT_PAGE;
        cut.write(at, null, 0, 4096);           // The power failed before its root was written: it is not there.
        SimDisk second = disk(cut, DISK_BYTES);
        LvStore recovered = rig.load(second);
        assertThat(recovered.findLvol("new")).isNull();
        SimDisk.Contents again = second.current().copy();
        rig.<Void>ok(recovered::export);
        again.write(at, other, 0, 512);         // And once more, with its page half written for another volume.
        LvStore last = rig.load(disk(again, DISK_BYTES));
        assertThat(last.lvols()).extracting(Lvol::name).containsExactlyInAnyOrder("a", "b");
        assertThat(last.freeClusterCount()).isEqualTo(decoder.freeClusters());
    }

    /** SPDK writes a grown extent page before the root: a crash between them leaves clusters behind the end. */
    @Test
    void anExtentPageThatOverhangsIsTrimmedOnRecoveryOnly() throws FormatException {
        for (String name : List.of("a", "b")) {
            SimDisk.Contents pool = pool(false);
            int size = name.equals("a") ? 3 : 5;
            rewrite(pool, name, blob -> blob.clusters = Arrays.copyOf(blob.clusters, size));
            SimDisk disk = disk(pool, DISK_BYTES);
            LvStore store = rig.load(disk);
            assertThat(store.findLvol(name).clusterCount()).isEqualTo(size);
            assertThat(store.freeClusterCount()).isEqualTo(store.clusterCount() - 5);
            SlowDecoder decoder = new SlowDecoder(disk.current());
            assertThat(decoder.volumes.get(name).clusters).hasSize(size);
            assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
            rig.<Void>ok(store::export);
        }
        SimDisk.Contents exported = pool(true);
        rewrite(exported, "a", blob -> blob.clusters = Arrays.copyOf(blob.clusters, 3));
        OperationException corrupt = refused(exported);
        assertThat(corrupt.code()).isEqualTo("pool-metadata-corrupt");
        assertThat(corrupt).as("the way out").hasMessageContaining("\"readOnly\": true");
    }

    /** What of it is not known cannot be changed, so its page goes on to name them: nobody else gets them, now or after an import. */
    @Test
    void whatHangsOverOfAVolumeThatIsNotServedIsNobodyElses() throws FormatException {
        SimDisk.Contents pool = pool(false);
        int overhanging = new SlowDecoder(pool).volumes.get("a").clusters.get(3);
        rewrite(pool, "a", blob -> {
            blob.clusters = Arrays.copyOf(blob.clusters, 3);
            blob.metadataReadOnlyFlags |= 1L << 40;
        });
        SimDisk disk = disk(pool, DISK_BYTES);
        LvStore store = rig.load(disk);
        assertThat(store.findLvol("a").usable()).isFalse();
        assertThat(store.freeClusterCount()).isEqualTo(store.clusterCount() - 6);
        Lvol rest = rig.<Lvol>ok(done -> store.createLvol("rest", null, store.freeBytes(), false, done));
        assertThat(rest.blob().clusters).doesNotContain(overhanging);
        rig.<Void>ok(store::export);
        LvStore again = rig.load(disk);
        assertThat(again.recovered()).isFalse();
        assertThat(again.freeClusterCount()).isZero();
        rig.<Void>ok(again::export);
    }

    @Test
    void whatHoldsThePoolsAttributesIsNotRewrittenWithoutWhatIsUnknown() {
        SimDisk.Contents pool = pool(true);
        SlowDecoder decoder = new SlowDecoder(pool);
        long at = decoder.metadataStart * 4096;
        edit(pool, at, page -> {
            long next = MetadataPage.DESCRIPTORS_AT;
            while (page.get(ValueLayout.JAVA_BYTE, next) != 0) {
                next += Descriptor.HEADER_BYTES + page.get(LittleEndian.U32, next + 1);
            }
            page.set(ValueLayout.JAVA_BYTE, next, (byte) 77);
            page.set(LittleEndian.U32, next + 1, 8);
        });
        SimDisk disk = disk(pool, DISK_BYTES);
        LvStore store = rig.load(disk);
        OperationException refused = rig.<Void>refused(done -> store.setCommitLimit(200, done));
        assertThat(refused.code()).isEqualTo("pool-metadata-unknown");
        assertThat(refused.kind()).isEqualTo(ErrorKind.FAILED_PRECONDITION);
        assertThat(store.commitLimitPercent()).isZero();
        rig.<Lvol>ok(done -> store.createLvol("more", null, MIB, true, done));
        rig.<Void>ok(store::export);
        assertThat(disk.current().read(at, 4096)).isEqualTo(pool.read(at, 4096));
    }

    /** Shortens the extent page that describes so many clusters, as SPDK leaves it where a clone has grown and got a snapshot's. */
    private static void shorten(SimDisk.Contents pool, int from, int to) {
        SlowDecoder decoder = new SlowDecoder(pool);
        for (int used : decoder.usedPages) {
            long at = (decoder.metadataStart + used) * 4096;
            edit(pool, at, page -> {
                if (page.get(ValueLayout.JAVA_BYTE, 16) == Descriptor.EXTENT_PAGE && page.get(LittleEndian.U32, 17) == 4 + 4 * from) {
                    page.set(LittleEndian.U32, 17, 4 + 4 * to);
                    page.asSlice(25 + 4L * to, 4L * (from - to)).fill((byte) 0);
                }
            });
        }
    }

    @Test
    void anExtentPageThatEndsBeforeAThinVolumeIsReadAndCompleted() throws FormatException {
        for (boolean exported : new boolean[] {true, false}) {
            SimDisk.Contents pool = pool(exported);
            shorten(pool, 9, 8);
            SimDisk disk = disk(pool, DISK_BYTES);
            LvStore store = rig.load(disk);
            Lvol thin = store.findLvol("b");
            assertThat(thin.clusterCount()).isEqualTo(9);
            assertThat(thin.allocatedClusterCount()).isEqualTo(2);
            int free = store.freeClusterCount();
            LvsRig.Handle handle = rig.open(thin.bdev(), 0);
            assertThat(handle.write(8 * MIB, new byte[4096])).isZero();
            handle.close();
            assertThat(store.freeClusterCount()).isEqualTo(free - 1);
            rig.<Void>ok(store::export);
            LvStore again = rig.load(disk);
            assertThat(again.findLvol("b").blob().shortExtentPages).as("on the disk").isNull();
            rig.<Void>ok(again::export);
        }
        SimDisk.Contents thick = pool(true);
        shorten(thick, 4, 3);
        assertThat(refused(thick)).hasMessageContaining("describes 3 of 4 clusters");
    }

    @Test
    void aPoolWhoseMetadataNeedsMoreHeapThanThereIsIsRefused() {
        SimDisk.Contents pool = pool(false);
        SimDisk disk = disk(pool, DISK_BYTES);
        for (long heapBytes : new long[] {2 * MetadataPage.SIZE_BYTES, MIB}) {
            io.mizzen.bdev.Descriptor descriptor = rig.hand.call(0, () -> rig.registry.open(disk, "test", false, VolumeHandle.NO_LISTENER));
            BaseDevice device = rig.hand.call(0, () -> new BaseDevice(descriptor, rig.control(), new StoreListener()));
            LvsRig.Outcome<StoreReader.Found> outcome = rig.run(done -> new StoreReader(device, false, false, (read, total) -> true,
                    heapBytes, (found, refused, status) -> done.complete(found, refused == null ? null : refused.toOperation())).start());
            if (heapBytes == MIB) {
                assertThat(outcome.failure).isNull();
                assertThat(outcome.value.replay().blobs()).hasSize(3);
            } else {
                assertThat(outcome.failure.code()).isEqualTo("pool-memory-insufficient");
                assertThat(outcome.failure.kind()).isEqualTo(ErrorKind.RESOURCE_EXHAUSTED);
                assertThat(outcome.failure).as("the way out").hasMessageContaining("larger heap");
            }
            rig.hand.on(0, device::close);
        }
        assertThat(disk.writeCount).isZero();
    }

    @Test
    void aDeviceThatCannotUnmapAfterAllGetsItsHeadZeroed() {
        SimDisk.Contents old = new SimDisk.Contents();
        byte[] junk = new byte[(int) DISK_BYTES];
        new Random(9).nextBytes(junk);
        old.write(0, junk, 0, DISK_BYTES);
        SimDisk disk = rig.register(new SimDisk("promises", 512, DISK_BYTES, old, true, new Random(1)));
        disk.failType = IoType.UNMAP;
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 12 * MIB, false, done));
        LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
        assertThat(handle.read(0, (int) (8 * MIB))).isEqualTo(new byte[(int) (8 * MIB)]);
        handle.close();
        int free = store.freeClusterCount();
        rig.<Void>ok(done -> store.destroyLvol(lvol, done));
        assertThat(store.freeClusterCount()).isEqualTo(free + 12);
    }
}
