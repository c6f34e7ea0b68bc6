package io.mizzen.lvs;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The pool images made by SPDK: unpacks one with the zstd tool, tells what the manifest says of it. */
final class FixtureImages {
    static final List<String> NAMES = List.of("lvs_c1m_b512_clean", "lvs_c1m_b512_unclean", "lvs_c4m_b4096_clean",
            "lvs_c4m_b4096_unclean", "lvs_c1m_b4096_runs_clean", "lvs_c1m_b512_runs_unclean");

    private static final Map<String, Path> IMAGES = new HashMap<>();

    private FixtureImages() {
    }

    /** The unpacked image: made once for all tests of this JVM, removed with it. Not to be written. */
    static synchronized Path image(String name) throws IOException, InterruptedException {
        Path image = IMAGES.get(name);
        if (image == null) {
            Path packed = Files.createTempFile(name, ".img.zst");
            image = Files.createTempFile(name, ".img");
            image.toFile().deleteOnExit();
            try (InputStream in = FixtureImages.class.getResourceAsStream("/lvs/" + name + ".img.zst")) {
                Files.copy(in, packed, StandardCopyOption.REPLACE_EXISTING);
            }
            Process zstd = new ProcessBuilder("zstd", "-q", "-d", "-f", "--long=28", "--sparse", packed.toString(), "-o",
                    image.toString()).inheritIO().start();
            int result = zstd.waitFor();
            Files.delete(packed);
            if (result != 0) {
                throw new IOException("zstd ended with " + result);
            }
            IMAGES.put(name, image);
        }
        return image;
    }

    static JsonNode manifest(String name) throws IOException {
        try (InputStream in = FixtureImages.class.getResourceAsStream("/lvs/manifest.json")) {
            for (JsonNode image : new ObjectMapper().readTree(in).get("images")) {
                if (image.get("file").asString().equals(name + ".img.zst")) {
                    return image;
                }
            }
        }
        throw new IOException("the manifest does not know " + name);
    }

    static MemorySegment read(FileChannel file, long atBytes, int sizeBytes) {
        byte[] raw = new byte[sizeBytes];
        try {
            ByteBuffer buffer = ByteBuffer.wrap(raw);
            while (buffer.hasRemaining() && file.read(buffer, atBytes + buffer.position()) > 0) {
                continue;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return MemorySegment.ofArray(raw);
    }

    static FileChannel open(Path image) throws IOException {
        return FileChannel.open(image, StandardOpenOption.READ);
    }
}
