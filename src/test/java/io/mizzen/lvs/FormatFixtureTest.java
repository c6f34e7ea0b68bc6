package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** The codec against pools that SPDK's own target made. */
class FormatFixtureTest {
    static Stream<String> images() {
        return FixtureImages.NAMES.stream();
    }

    @ParameterizedTest
    @MethodSource("images")
    void readsEveryVolumeOfAPoolMadeBySpdk(String name) throws Exception {
        JsonNode manifest = FixtureImages.manifest(name);
        try (FileChannel file = FixtureImages.open(FixtureImages.image(name))) {
            Geometry g = geometry(file, manifest);
            MetadataReplay.Result result = MetadataReplay.recover(g, pages(file, g), Long.MAX_VALUE);
            JsonNode store = manifest.get("lvstore");
            assertThat(g.dataClusterCount()).isEqualTo(store.get("total_data_clusters").asInt());
            int clean = g.totalClusterCount() - result.usedClusters().cardinality();
            assertThat(clean).isEqualTo(store.get("free_clusters").asInt());
            for (JsonNode volume : manifest.get("volumes")) {
                BlobMetadata blob = byName(result.blobs(), volume.get("name").asString());
                assertThat(blob.xattr("uuid").text()).isEqualTo(volume.get("uuid").asString());
                assertThat(blob.clusters.length * g.clusterSizeBytes()).isEqualTo(volume.get("size").asLong());
                assertThat(Arrays.stream(blob.clusters).filter(cluster -> cluster != BlobMetadata.UNALLOCATED).count())
                    .isEqualTo(volume.get("num_allocated_clusters").asInt());
                assertThat(blob.thin()).isEqualTo(volume.get("thin_provision").asBoolean());
                assertThat(blob.internalXattr("SNAP") != null).isEqualTo(volume.get("clone").asBoolean());
                if (!volume.get("thin_provision").asBoolean()) {
                    assertThat(sha256(file, g, blob)).isEqualTo(volume.get("sha256").asString());
                }
            }
            assertThat(result.blobs()).hasSize(manifest.get("volumes").size() + 1);
        }
    }

    @ParameterizedTest
    @MethodSource("images")
    void masksOfACleanPoolAgreeWithItsPages(String name) throws Exception {
        JsonNode manifest = FixtureImages.manifest(name);
        try (FileChannel file = FixtureImages.open(FixtureImages.image(name))) {
            Geometry g = geometry(file, manifest);
            if (name.endsWith("_clean")) {
                MetadataReplay.Masks masks = masks(file, g);
                MetadataReplay.Result result = MetadataReplay.verify(g, pages(file, g), masks, Long.MAX_VALUE);
                assertThat(result.usedBlobIds()).isEqualTo(masks.usedBlobIds());
            } else {
                assertThatThrownBy(() -> MetadataReplay.verify(g, pages(file, g), masks(file, g), Long.MAX_VALUE)).isInstanceOf(FormatException.class);
            }
        }
    }

    private static MetadataReplay.Masks masks(FileChannel file, Geometry g) throws FormatException {
        return new MetadataReplay.Masks(
                mask(file, g.usedPageMaskStart(), g.usedPageMaskPages(), MetadataMask.TYPE_USED_PAGES, g.metadataPages()),
                mask(file, g.usedClusterMaskStart(), g.usedClusterMaskPages(), MetadataMask.TYPE_USED_CLUSTERS,
                        g.totalClusterCount()),
                mask(file, g.usedBlobIdMaskStart(), g.usedBlobIdMaskPages(), MetadataMask.TYPE_USED_BLOBIDS,
                        g.metadataPages()));
    }

    @ParameterizedTest
    @MethodSource("images")
    void encodesWhatItReadAsSpdkWroteIt(String name) throws Exception {
        JsonNode manifest = FixtureImages.manifest(name);
        try (FileChannel file = FixtureImages.open(FixtureImages.image(name))) {
            Geometry g = geometry(file, manifest);
            PageSource pages = pages(file, g);
            MetadataReplay.Result result = MetadataReplay.recover(g, pages, Long.MAX_VALUE);
            for (BlobMetadata blob : result.blobs()) {
                List<MemorySegment> chain = BlobEncoder.encode(blob);
                BlobEncoder.link(chain, blob.chainPages);
                assertThat(chain).hasSize(1);
                assertThat(chain.get(0).mismatch(pages.page(blob.rootPage))).isEqualTo(-1);
                for (int i = 0; i < blob.extentPages.length; i++) {
                    MemorySegment found = pages.page(blob.extentPages[i]);
                    MemorySegment written = BlobEncoder.extentPage(blob, i);
                    if (MetadataPage.blobId(found, 0) == blob.id()) {   // A snapshot took its extent page from its origin.
                        assertThat(written.mismatch(found)).isEqualTo(-1);
                    }
                }
            }
            MemorySegment superBlock = FixtureImages.read(file, 0, SuperBlock.SIZE_BYTES);
            MemorySegment written = MemorySegment.ofArray(new byte[SuperBlock.SIZE_BYTES]);
            SuperBlock.write(written, 0, g, SuperBlock.superBlobId(superBlock, 0), SuperBlock.clean(superBlock, 0));
            assertThat(written.mismatch(superBlock)).isEqualTo(-1);
            assertThat(Geometry.forNewStore(file.size(), g.ioUnitBytes(), g.clusterSizeBytes(), 100)).isEqualTo(g);
        }
    }

    private static Geometry geometry(FileChannel file, JsonNode manifest) throws FormatException {
        MemorySegment s = FixtureImages.read(file, 0, SuperBlock.SIZE_BYTES);
        assertThat(SuperBlock.hasSignature(s, 0)).isTrue();
        assertThat(SuperBlock.crcMatches(s, 0)).isTrue();
        assertThat(SuperBlock.version(s, 0)).isEqualTo(3);
        assertThat(SuperBlock.type(s, 0)).isEqualTo("LVOLSTORE");
        assertThat(SuperBlock.clean(s, 0)).isEqualTo(manifest.get("state").asString().equals("clean"));
        return Geometry.ofSuperBlock(s, 0, 256L << 20, manifest.get("base_bdev_block_size").asInt());
    }

    private static PageSource pages(FileChannel file, Geometry g) {
        return index -> {
            MemorySegment page = FixtureImages.read(file, g.metadataPageAtBytes(index), MetadataPage.SIZE_BYTES);
            return page.mismatch(MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES])) < 0 ? null : page;
        };
    }

    private static BitSet mask(FileChannel file, long start, long pages, int type, long bits) throws FormatException {
        int sizeBytes = (int) pages * MetadataPage.SIZE_BYTES;
        return MetadataMask.read(FixtureImages.read(file, start * MetadataPage.SIZE_BYTES, sizeBytes), 0, sizeBytes, type, bits,
                "fixture");
    }

    private static BlobMetadata byName(List<BlobMetadata> blobs, String name) {
        return blobs.stream().filter(b -> b.xattr("name").text().equals(name)).findFirst().orElseThrow();
    }

    private static String sha256(FileChannel file, Geometry g, BlobMetadata blob) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int cluster : blob.clusters) {
            MemorySegment data = FixtureImages.read(file, cluster * g.clusterSizeBytes(), (int) g.clusterSizeBytes());
            digest.update(data.asByteBuffer());
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
