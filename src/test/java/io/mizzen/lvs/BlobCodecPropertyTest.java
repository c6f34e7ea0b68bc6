package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the encoder writes, the decoder and the independent slow decoder read back; no damage passes unseen or throws. */
class BlobCodecPropertyTest {
    private static final long MIB = 1 << 20;
    private static final int CLUSTERS = 20_000;

    private static Geometry geometry() throws FormatException {
        return Geometry.forNewStore(CLUSTERS * MIB, 512, MIB, 5);
    }

    private static BlobMetadata randomBlob(Random random, int root, boolean table, Geometry g, int[] nextCluster, int[] nextPage) {
        BlobMetadata blob = new BlobMetadata(root);
        boolean thin = random.nextBoolean();
        blob.extentTable = table;
        blob.invalidFlags = (thin ? BlobFlags.THIN_PROVISIONED : 0) | (table ? BlobFlags.EXTENT_TABLE : 0);
        blob.xattrs.add(Xattr.ofText("name", "v" + root, 64));
        blob.xattrs.add(Xattr.ofText("uuid", "00000000-0000-4000-8000-" + String.format("%012d", root), 37));
        for (int i = random.nextInt(8); i > 0; i--) {
            byte[] value = new byte[random.nextInt(1800)];
            random.nextBytes(value);
            (random.nextBoolean() ? blob.xattrs : blob.internalXattrs).add(new Xattr("foreign" + i, value));
        }
        blob.resizeArrays(1 + random.nextInt(random.nextInt(3) == 0 ? 3000 : 600));
        double density = thin ? random.nextDouble() : 1;
        for (int i = 0; i < blob.clusters.length; i++) {
            if (random.nextDouble() < density) {
                nextCluster[0] += random.nextInt(4) == 0 ? 2 : 1;
                blob.clusters[i] = nextCluster[0];
                if (table && blob.extentPages[i / 512] == 0) {
                    blob.extentPages[i / 512] = nextPage[0]++;
                }
            }
        }
        assertThat(nextCluster[0]).isLessThan(g.totalClusterCount());
        return blob;
    }

    private static MemorySegment[] store(Random random, Geometry g, List<BlobMetadata> blobs) throws FormatException {
        MemorySegment[] pages = new MemorySegment[g.metadataPageCount()];
        int[] nextCluster = {g.metadataClusterCount() - 1};
        int[] nextPage = {100};
        BlobMetadata superBlob = new BlobMetadata(0);
        superBlob.extentTable = true;
        superBlob.invalidFlags = BlobFlags.EXTENT_TABLE;
        superBlob.xattrs.add(Xattr.ofText("name", "pool", 5));
        superBlob.xattrs.add(Xattr.ofText("uuid", "00000000-0000-4000-8000-000000000000", 37));
        blobs.add(superBlob);
        for (int root = 1; root <= 5; root++) {
            blobs.add(randomBlob(random, root, random.nextInt(3) > 0, g, nextCluster, nextPage));
        }
        for (BlobMetadata blob : blobs) {
            List<MemorySegment> chain = BlobEncoder.encode(blob);
            blob.chainPages = new int[chain.size() - 1];
            for (int i = 0; i < blob.chainPages.length; i++) {
                blob.chainPages[i] = nextPage[0]++;
            }
            BlobEncoder.link(chain, blob.chainPages);
            pages[blob.rootPage] = chain.get(0);
            for (int i = 0; i < blob.chainPages.length; i++) {
                pages[blob.chainPages[i]] = chain.get(i + 1);
            }
            for (int i = 0; i < blob.extentPages.length; i++) {
                if (blob.extentPages[i] != 0) {
                    pages[blob.extentPages[i]] = BlobEncoder.extentPage(blob, i);
                }
            }
        }
        return pages;
    }

    @Test
    void whatIsWrittenIsReadBack() throws FormatException {
        Geometry g = geometry();
        for (int seed = 0; seed < 40; seed++) {
            List<BlobMetadata> blobs = new ArrayList<>();
            MemorySegment[] pages = store(new Random(seed), g, blobs);
            MetadataReplay.Result result = MetadataReplay.recover(g, i -> pages[i], Long.MAX_VALUE);
            assertThat(result.strayPageCount()).isZero();
            SimDisk.Contents disk = new SimDisk.Contents();
            MemorySegment superBlock = MemorySegment.ofArray(new byte[4096]);
            SuperBlock.write(superBlock, 0, g, blobs.getFirst().id(), false);
            disk.write(0, superBlock.toArray(ValueLayout.JAVA_BYTE), 0, 4096);
            for (int i = 0; i < pages.length; i++) {
                if (pages[i] != null) {
                    disk.write(g.metadataPageAtBytes(i), pages[i].toArray(ValueLayout.JAVA_BYTE), 0, 4096);
                }
            }
            SlowDecoder slow = new SlowDecoder(disk);
            assertThat(slow.usedPages).hasSize(result.usedPages().cardinality());
            assertThat(slow.usedClusters).hasSize(result.usedClusters().cardinality());
            for (int i = 0; i < blobs.size(); i++) {
                BlobMetadata wrote = blobs.get(i);
                BlobMetadata read = result.blobs().get(i);
                assertThat(read.clusters).isEqualTo(wrote.clusters);
                assertThat(read.extentPages).isEqualTo(wrote.extentPages);
                assertThat(read.chainPages).isEqualTo(wrote.chainPages);
                assertThat(read.xattrs).isEqualTo(wrote.xattrs);
                assertThat(read.internalXattrs).isEqualTo(wrote.internalXattrs);
                assertThat(read.extentTable).isEqualTo(wrote.extentTable);
                if (i > 0) {
                    assertThat(slow.volumes.get("v" + i).clusters).isEqualTo(Arrays.stream(wrote.clusters).boxed().toList());
                }
            }
        }
    }

    @Test
    void aFlippedBitInAUsedPageIsRefused() throws FormatException {
        Geometry g = geometry();
        Random random = new Random(5);
        for (int i = 0; i < 400; i++) {
            if (i % 20 == 0) {
                random = new Random(i);
            }
            List<BlobMetadata> blobs = new ArrayList<>();
            MemorySegment[] pages = store(new Random(i / 20), g, blobs);
            int page;
            do {
                page = random.nextInt(pages.length);
            } while (pages[page] == null);
            int bit = random.nextInt(4096 * 8);
            flip(pages[page], bit);
            FormatException refused = null;
            try {
                MetadataReplay.recover(g, index -> pages[index], Long.MAX_VALUE);
            } catch (FormatException e) {
                refused = e;
            }
            assertThat(refused).as("page %d bit %d", page, bit).isNotNull();
        }
    }

    /** A page may be damaged by somebody who computes CRCs: it is refused or read, never an exception of another kind. */
    @Test
    void damageBehindAValidCrcNeverEscapesAsACrash() throws FormatException {
        Geometry g = geometry();
        Random random = new Random(11);
        int refused = 0;
        for (int i = 0; i < 1500; i++) {
            List<BlobMetadata> blobs = new ArrayList<>();
            MemorySegment[] pages = store(new Random(i / 75), g, blobs);
            int page;
            do {
                page = random.nextInt(pages.length);
            } while (pages[page] == null);
            for (int n = 1 + random.nextInt(3); n > 0; n--) {
                int at = random.nextInt(10) == 0 ? random.nextInt(4092) : random.nextInt(120);
                pages[page].set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt());
            }
            MetadataPage.updateCrc(pages[page], 0);
            try {
                MetadataReplay.recover(g, index -> pages[index], Long.MAX_VALUE);
            } catch (FormatException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(500);
    }

    private static void flip(MemorySegment page, int bit) {
        byte old = page.get(ValueLayout.JAVA_BYTE, bit / 8);
        page.set(ValueLayout.JAVA_BYTE, bit / 8, (byte) (old ^ 1 << bit % 8));
    }
}
