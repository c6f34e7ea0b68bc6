package io.mizzen.engine;

import io.mizzen.uring.BlockDevices;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;

/** Trees like {@code /sys/block}, {@code /proc} and {@code /dev} in a directory, with files in the place of disks. */
final class FakeDisks {
    private final Path root;

    FakeDisks(Path root) {
        this.root = root;
        put("proc/self/mountinfo", "22 1 0:20 / / rw - overlay overlay rw\n");
        put("proc/swaps", "Filename Type Size Used Priority\n");
        directory("dev");
    }

    BlockDevices disks() {
        return new BlockDevices(root, root.resolve("proc"), root.resolve("dev"));
    }

    /** @param numberOf as in {@link BlockDevices} */
    BlockDevices disks(Function<Path, String> numberOf) {
        return new BlockDevices(root, root.resolve("proc"), root.resolve("dev"), numberOf);
    }

    Path file(String name) {
        return root.resolve("dev").resolve(name);
    }

    /** A disk of so many MiB, all zeroes. */
    FakeDisks disk(String name, String device, int sizeMb) {
        put("block/" + name + "/size", Long.toString((long) sizeMb << 11));
        put("block/" + name + "/dev", device);
        put("block/" + name + "/ro", "0");
        put("block/" + name + "/queue/logical_block_size", "512");
        put("block/" + name + "/device/model", "Model of " + name + "   ");
        put("block/" + name + "/device/serial", "Serial of " + name + "   ");
        directory("block/" + name + "/holders");
        put("dev/" + name, "");
        write(name, ((long) sizeMb << 20) - 1, new byte[1]);
        return this;
    }

    FakeDisks partition(String disk, String name, String device) {
        put("block/" + disk + "/" + name + "/partition", "1");
        put("block/" + disk + "/" + name + "/dev", device);
        directory("block/" + disk + "/" + name + "/holders");
        return this;
    }

    /** The disk is a namespace of a controller. */
    FakeDisks namespaceOf(String controller, String name) {
        directory("class/nvme/" + controller + "/" + name);
        return this;
    }

    FakeDisks mount(String device, String source, String target) {
        append("proc/self/mountinfo", "30 22 " + device + " / " + target + " rw,relatime shared:1 - ext4 " + source + " rw\n");
        return this;
    }

    FakeDisks swap(String file) {
        append("proc/swaps", file + " partition 1024 0 -2\n");
        return this;
    }

    FakeDisks unmountAll() {
        put("proc/self/mountinfo", "");
        put("proc/swaps", "");
        return this;
    }

    /** A device mapper or other disk that holds one. */
    FakeDisks holder(String directory, String holder, String mapperUuid, String mapperName) {
        directory("block/" + directory + "/holders/" + holder);
        if (mapperUuid != null) {
            put("block/" + holder + "/dm/uuid", mapperUuid);
            put("block/" + holder + "/dm/name", mapperName);
        }
        return this;
    }

    FakeDisks attribute(String name, String value) {
        put("block/" + name, value);
        return this;
    }

    FakeDisks text(String disk, long offset, String text) {
        write(disk, offset, text.getBytes(StandardCharsets.ISO_8859_1));
        return this;
    }

    private void write(String disk, long offset, byte[] bytes) {
        try (var channel = Files.newByteChannel(file(disk), StandardOpenOption.WRITE)) {
            channel.position(offset).write(java.nio.ByteBuffer.wrap(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void directory(String path) {
        try {
            Files.createDirectories(root.resolve(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void put(String path, String value) {
        try {
            Files.createDirectories(root.resolve(path).getParent());
            Files.writeString(root.resolve(path), value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void append(String path, String value) {
        try {
            Files.writeString(root.resolve(path), value, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
