package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.util.OperationException;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Pools opened to be looked at only: nothing is ever written, and what is sound is served whatever else is damaged. */
class LvStoreReadOnlyTest {
    private static final long MIB = 1 << 20;
    private static final long DISK_BYTES = 24 * MIB;
    private static final LvStores.Expected READ_ONLY = new LvStores.Expected(null, null, false, true);

    private final LvsRig rig = new LvsRig(7);
    private int diskCount;

    private SimDisk disk(SimDisk.Contents contents, int blockSize, long sizeBytes) {
        return rig.register(new SimDisk("disk" + diskCount++, blockSize, sizeBytes, contents, true, new Random(1)));
    }

    /** Volumes "a" thick and "b" thin, whose clusters begin with their names; unclean unless exported. */
    private SimDisk.Contents pool(boolean exported) {
        SimDisk disk = disk(new SimDisk.Contents(), 512, DISK_BYTES);
        LvStore store = rig.create(disk, "pool", MIB);
        for (String name : List.of("a", "b")) {
            Lvol lvol = rig.<Lvol>ok(done -> store.createLvol(name, null, 4 * MIB, name.equals("b"), done));
            LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
            for (int cluster = 0; cluster < 4; cluster++) {
                assertThat(handle.write(cluster * MIB, pattern(name, cluster))).isZero();
            }
            assertThat(handle.flush()).isZero();
            handle.close();
        }
        SimDisk.Contents left = disk.current().copy();
        rig.<Void>ok(store::export);
        return exported ? disk.current() : left;
    }

    private static byte[] pattern(String name, int cluster) {
        byte[] data = new byte[512];
        Arrays.fill(data, (byte) (name.charAt(0) + cluster));
        return data;
    }

    private static void flip(SimDisk.Contents contents, long atByte, int bit) {
        byte[] raw = contents.read(atByte, 1);
        raw[0] ^= (byte) (1 << bit);
        contents.write(atByte, raw, 0, 1);
    }

    /** Whatever is served reads back; and the disk is as it was. */
    private void checkServed(LvStore store) {
        for (Lvol lvol : store.lvols()) {
            if (lvol.usable()) {
                LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
                for (int cluster = 0; cluster < 4; cluster++) {
                    assertThat(handle.read(cluster * MIB, 512)).as("%s %d", lvol, cluster).isEqualTo(pattern(lvol.name(), cluster));
                }
                handle.close();
            }
        }
    }

    @Test
    void nothingIsWrittenAndNothingCanBeChanged() {
        for (boolean exported : new boolean[] {true, false}) {
            SimDisk disk = disk(pool(exported), 512, DISK_BYTES);
            LvStore store = rig.<LvStore>ok(done -> rig.stores.load(disk, READ_ONLY, done));
            assertThat(store.readOnly()).isTrue();
            assertThat(store.problems()).isEmpty();
            assertThat(store.lvols()).hasSize(2).allMatch(Lvol::usable);
            checkServed(store);
            LvsRig.Handle handle = rig.open(store.findLvol("b").bdev(), 0);
            for (int type : List.of(IoType.WRITE, IoType.WRITE_ZEROES, IoType.UNMAP)) {
                assertThat(Status.code(handle.io(type, 0, 4096, 0))).isEqualTo(Status.NAMESPACE_WRITE_PROTECTED);
            }
            handle.close();
            assertThat(catchThrowableOfType(OperationException.class, () -> rig.registry.open(store.findLvol("b").bdev(), "host", true, null)))
                    .hasMessageContaining("imported without it");
            assertThat(rig.<Lvol>refused(done -> store.createLvol("c", null, MIB, true, done)).code()).isEqualTo("pool-read-only");
            assertThat(rig.<LvStore>refused(store::grow).code()).isEqualTo("pool-read-only");
            assertThat(rig.<Void>refused(store::destroy).code()).isEqualTo("pool-read-only");
            rig.<Void>ok(store::export);
            assertThat(disk.writeCount).isZero();
            assertThat(disk.isOpen()).isFalse();
        }
    }

    @Test
    void aFlippedBitAnywhereInTheMetadataLeavesTheOtherVolumesReadable() {
        Random random = new Random(4);
        int salvaged = 0;
        for (boolean exported : new boolean[] {true, false}) {
            SimDisk.Contents pool = pool(exported);
            SlowDecoder decoder = new SlowDecoder(pool);
            List<Integer> used = List.copyOf(decoder.usedPages);
            for (int i = 0; i < 240; i++) {
                long page = i % 4 == 0 ? i / 4 % 4 : decoder.metadataStart + used.get(random.nextInt(used.size()));
                long at = page * 4096 + (i % 3 == 0 ? random.nextInt(100) : random.nextInt(4096));
                SimDisk.Contents damaged = pool.copy();
                flip(damaged, at, random.nextInt(8));
                SimDisk disk = disk(damaged, 512, DISK_BYTES);
                LvsRig.Outcome<LvStore> outcome = rig.run(done -> rig.stores.load(disk, READ_ONLY, done));
                if (outcome.failure == null) {
                    checkServed(outcome.value);
                    long served = outcome.value.lvols().stream().filter(Lvol::usable).count();
                    assertThat(served).as("byte %d of page %d", at % 4096, page).isGreaterThanOrEqualTo(1);
                    assertThat(served == 2 || !outcome.value.problems().isEmpty()).isTrue();
                    salvaged += served == 1 ? 1 : 0;
                    rig.<Void>ok(outcome.value::export);
                } else {
                    assertThat(page).as(outcome.failure.toString()).isZero();       // Without a super block there is nothing.
                }
                assertThat(disk.writeCount).isZero();
                assertThat(disk.isOpen()).isFalse();
            }
        }
        assertThat(salvaged).isGreaterThan(50);
    }

    @Test
    void ofATruncatedPoolIsReadWhatIsThere() {
        SimDisk.Contents pool = pool(true);
        for (long left : new long[] {6 * MIB, 2 * MIB, 65536}) {
            SimDisk.Contents cut = pool.copy();
            cut.write(left, null, 0, DISK_BYTES - left);
            SimDisk disk = disk(cut, 512, left);
            OperationException refused = rig.<LvStore>refused(done -> rig.stores.load(disk, LvStores.Expected.any(), done));
            assertThat(refused.code()).isEqualTo("pool-device-truncated");
            LvStore store = rig.<LvStore>ok(done -> rig.stores.load(disk, READ_ONLY, done));
            assertThat(store.problems().getFirst()).contains(Long.toString(DISK_BYTES - left), Long.toString(left));
            if (left == 6 * MIB) {
                LvsRig.Handle handle = rig.open(store.findLvol("a").bdev(), 0);
                assertThat(handle.read(0, 512)).isEqualTo(pattern("a", 0));
                handle.close();
                LvsRig.Handle lost = rig.open(store.findLvol("b").bdev(), 0);
                assertThat(lost.io(IoType.READ, 3 * MIB, 512, 0)).isNotZero();
                lost.close();
            }
            rig.<Void>ok(store::export);
            assertThat(disk.writeCount).isZero();
        }
    }

    @Test
    void whatIsNoPoolOrOfANewerFormatIsRefusedReadOnlyToo() {
        SimDisk nothing = disk(new SimDisk.Contents(), 512, DISK_BYTES);
        assertThat(rig.<LvStore>refused(done -> rig.stores.load(nothing, READ_ONLY, done)).code()).isEqualTo("pool-signature-missing");
        SimDisk.Contents pool = pool(true);
        byte[] raw = pool.read(0, 4096);
        raw[8] = 4;
        MetadataPage.updateCrc(java.lang.foreign.MemorySegment.ofArray(raw), 0);
        pool.write(0, raw, 0, 4096);
        SimDisk newer = disk(pool, 512, DISK_BYTES);
        assertThat(rig.<LvStore>refused(done -> rig.stores.load(newer, READ_ONLY, done)).code()).isEqualTo("pool-format-unsupported");
    }

    /** Of SPDK's own pools: one volume's root is damaged, the others read as they were made. */
    @ParameterizedTest
    @ValueSource(strings = {"lvs_c1m_b512_clean", "lvs_c4m_b4096_unclean"})
    void volumesOfSpdkBesideADamagedOneAreServed(String name) throws Exception {
        JsonNode manifest = FixtureImages.manifest(name);
        SimDisk.Contents contents;
        try (FileChannel file = FixtureImages.open(FixtureImages.image(name))) {
            contents = SimDisk.load(file);
        }
        SlowDecoder decoder = new SlowDecoder(contents);
        int served = 0;
        int damaged = 0;
        SimDisk disk = disk(contents, manifest.get("base_bdev_block_size").asInt(), 256 * MIB);
        for (int page : decoder.usedPages) {
            long at = (decoder.metadataStart + page) * 4096L + 100;
            flip(disk.current(), at, 3);
            assertThat(rig.<LvStore>refused(done -> rig.stores.load(disk, LvStores.Expected.any(), done)).getMessage()).contains("page");
            LvStore store = rig.<LvStore>ok(done -> rig.stores.load(disk, READ_ONLY, done));
            for (JsonNode volume : manifest.get("volumes")) {
                Lvol lvol = store.findLvol(volume.get("name").asString());
                if (lvol == null || !lvol.usable()) {
                    damaged++;
                } else if (served++ % 8 == 0) {
                    assertThat(sha256(lvol)).as("%s with page %d damaged", lvol, page).isEqualTo(volume.get("sha256").asString());
                }
            }
            rig.<Void>ok(store::export);
            assertThat(disk.writeCount).isZero();
            flip(disk.current(), at, 3);
        }
        assertThat(served).isPositive();
        assertThat(damaged).isPositive();
    }

    private String sha256(Lvol lvol) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
        for (long at = 0; at < lvol.sizeBytes(); at += MIB) {
            digest.update(handle.read(at, (int) Math.min(MIB, lvol.sizeBytes() - at)));
        }
        handle.close();
        return HexFormat.of().formatHex(digest.digest());
    }
}
