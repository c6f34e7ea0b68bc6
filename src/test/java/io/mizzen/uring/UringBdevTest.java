package io.mizzen.uring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.ring.ReactorRing;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The uring bdev on a real file, a real ring and a real reactor. */
class UringBdevTest {
    private static final long SIZE_BYTES = 8L << 20;

    @TempDir
    Path directory;

    private final RealReactors real = new RealReactors(2, 50_000);
    private final BdevRegistry registry = new BdevRegistry();
    private Path path;
    private UringBdev bdev;
    private Descriptor descriptor;
    private IoChannel channel;
    private DmaBuffer buffer;

    @BeforeEach
    void open() {
        path = directory.resolve("disk");
        UringFile file = UringFile.open(path, new UringFile.Options(0, true, SIZE_BYTES));
        bdev = new UringBdev("u0", UUID.randomUUID(), file);
        real.run(0, () -> {
            registry.register(bdev);
            bdev.watch(real.reactor(0).mthread());
            descriptor = registry.open(bdev, "test", true, TestIo.ignoring());
            channel = descriptor.openChannel(real.reactor(0).mthread());
            buffer = real.pools().large().cache(0).tryAcquire();
        });
    }

    @AfterEach
    void close() {
        CompletableFuture<Void> gone = new CompletableFuture<>();
        real.run(0, () -> {
            buffer.close();
            channel.close();
            descriptor.close();
            registry.unregister(bdev, (value, failure) -> gone.complete(null));
        });
        real.await(gone);
        real.close();
    }

    private int io(int type, long offsetBlocks, long blocks, long address, int flags) {
        CompletableFuture<Integer> status = new CompletableFuture<>();
        real.run(0, () -> {
            BdevIo io = channel.tryAcquire();
            io.prepare(type, offsetBlocks, blocks, address, address == 0 ? -1 : buffer.regionIndex(), done -> {
                status.complete(done.status());
                done.release();
            });
            io.flags = flags;
            channel.submit(io);
        });
        return real.await(status);
    }

    private byte[] onDisk(long offset, int length) throws IOException {
        try (RandomAccessFile raw = new RandomAccessFile(path.toFile(), "r")) {
            byte[] bytes = new byte[length];
            raw.seek(offset);
            raw.readFully(bytes);
            return bytes;
        }
    }

    private void fill(int seed) {
        for (int i = 0; i < buffer.sizeBytes(); i++) {
            RawMemory.putByte(buffer.address() + i, (byte) (i * 7 + (i >> 8) + seed));
        }
    }

    private byte[] pattern(int seed, int from, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) ((from + i) * 7 + (from + i >> 8) + seed);
        }
        return bytes;
    }

    @Test
    void readsAndWritesReachTheFile() throws IOException {
        int block = bdev.blockSizeBytes();
        fill(3);
        assertEquals(0, io(IoType.WRITE, 16, 8, buffer.address(), 0));
        assertEquals(0, io(IoType.WRITE, 24, 1, buffer.address() + block, BdevIo.FLAG_FUA));
        assertArrayEquals(pattern(3, 0, 8 * block), onDisk(16L * block, 8 * block));
        assertArrayEquals(pattern(3, block, block), onDisk(24L * block, block));
        RawMemory.zero(buffer.address(), buffer.sizeBytes());
        assertEquals(0, io(IoType.READ, 16, 8, buffer.address(), 0));
        byte[] read = new byte[8 * block];
        for (int i = 0; i < read.length; i++) {
            read[i] = RawMemory.getByte(buffer.address() + i);
        }
        assertArrayEquals(pattern(3, 0, read.length), read);
        assertEquals(0, io(IoType.FLUSH, 0, 0, 0, 0));
        assertEquals(0, io(IoType.COMPARE, 16, 8, buffer.address(), 0));
        assertEquals(Status.COMPARE_FAILURE | Status.DNR, io(IoType.COMPARE, 17, 8, buffer.address(), 0));
    }

    @Test
    void theDiskStartsBeforeTheTurnEnds() throws IOException {
        int block = bdev.blockSizeBytes();
        fill(9);
        List<CompletableFuture<Integer>> statuses = new ArrayList<>();
        long early = real.call(0, () -> {
            long before = ReactorRing.of(real.reactor(0)).stats().submissions();
            for (int i = 0; i < 10; i++) {
                CompletableFuture<Integer> status = new CompletableFuture<>();
                statuses.add(status);
                BdevIo io = channel.tryAcquire();
                io.prepare(IoType.WRITE, i, 1, buffer.address() + (long) i * block, buffer.regionIndex(), done -> {
                    status.complete(done.status());
                    done.release();
                });
                channel.submit(io);
            }
            return ReactorRing.of(real.reactor(0)).stats().submissions() - before;
        });
        assertTrue(early >= 5 && early < 10, early + " of 10 were handed over while they were prepared");
        for (CompletableFuture<Integer> status : statuses) {
            assertEquals(0, real.await(status));
        }
        assertArrayEquals(pattern(9, 0, 10 * block), onDisk(0, 10 * block));
    }

    @Test
    void zeroingAndUnmapLeaveZeroes() throws IOException {
        int block = bdev.blockSizeBytes();
        fill(5);
        assertEquals(0, io(IoType.WRITE, 0, 64, buffer.address(), 0));
        assertEquals(0, io(IoType.WRITE_ZEROES, 8, 8, 0, BdevIo.FLAG_FUA));
        assertTrue(bdev.supports(IoType.UNMAP), "the file system of the test punches holes");
        assertEquals(0, io(IoType.UNMAP, 32, 16, 0, 0));
        byte[] disk = onDisk(0, 64 * block);
        byte[] expected = pattern(5, 0, 64 * block);
        Arrays.fill(expected, 8 * block, 16 * block, (byte) 0);
        Arrays.fill(expected, 32 * block, 48 * block, (byte) 0);
        assertArrayEquals(expected, disk);
    }

    @Test
    void aFileCutShortIsAReadErrorNotSilence() throws IOException {
        try (RandomAccessFile raw = new RandomAccessFile(path.toFile(), "rw")) {
            raw.setLength(4096);
        }
        assertEquals(Status.UNRECOVERED_READ_ERROR, io(IoType.READ, SIZE_BYTES / 2 / bdev.blockSizeBytes(), 8,
                buffer.address(), 0));
    }

    @Test
    void growthIsNoticedAndUsable() throws IOException {
        try (RandomAccessFile raw = new RandomAccessFile(path.toFile(), "rw")) {
            raw.setLength(SIZE_BYTES * 2);
        }
        assertTrue(real.call(0, bdev::rescan) || bdev.sizeBytes() == SIZE_BYTES * 2, "the poller may have been first");
        assertEquals(SIZE_BYTES * 2, bdev.sizeBytes());
        assertEquals(0, io(IoType.WRITE, bdev.blockCount() - 8, 8, buffer.address(), 0));
    }

    /** Only the file that this opening made, and that still has its name. */
    @Test
    void aFileThatWasMadeForNothingGoes() throws IOException {
        Path made = directory.resolve("made");
        UringFile.Options odd = new UringFile.Options(1000, true, SIZE_BYTES);
        assertEquals("invalid-block-size", assertThrows(OperationException.class, () -> UringFile.open(made, odd)).code());
        assertFalse(Files.exists(made));
        Files.write(made, new byte[4096]);
        assertThrows(OperationException.class, () -> UringFile.open(made, odd));
        assertTrue(Files.exists(made), "it was there before");
        UringFile there = UringFile.open(made, new UringFile.Options(0, true, SIZE_BYTES));
        there.discard();
        there.close();
        assertTrue(Files.exists(made), "it was there before");
        Path moved = directory.resolve("moved");
        UringFile file = UringFile.open(moved, new UringFile.Options(0, true, SIZE_BYTES));
        Files.move(moved, directory.resolve("elsewhere"));
        Files.writeString(moved, "another");
        file.discard();
        file.close();
        assertEquals("another", Files.readString(moved));
    }

    @Test
    void aFileIsCreatedAndGrownOnlyOnRequestAndOpenedOnce() throws IOException {
        Path missing = directory.resolve("missing");
        assertEquals("disk-not-found", assertThrows(OperationException.class,
                () -> UringFile.open(missing, new UringFile.Options(0, false, 1 << 20))).code());
        assertFalse(Files.exists(missing));
        OperationException inUse = assertThrows(OperationException.class, () -> UringFile.open(path, new UringFile.Options(0, false, 0)));
        assertEquals("disk-in-use", inUse.code());
        assertTrue(inUse.getMessage().contains("in this engine under another path, or in another engine"), inUse.getMessage());
        assertEquals("not-a-disk", assertThrows(OperationException.class,
                () -> UringFile.open(Path.of("/dev/null"), new UringFile.Options(0, false, 0))).code());
        assertThrows(OperationException.class, () -> UringFile.open(directory, new UringFile.Options(0, false, 0)));
        Path small = Files.write(directory.resolve("small"), new byte[8192]);
        try (UringFile file = UringFile.open(small, new UringFile.Options(512, false, 0))) {
            assertEquals(8192, file.sizeBytes());
        }
        assertEquals("invalid-block-size", assertThrows(OperationException.class,
                () -> UringFile.open(small, new UringFile.Options(1024, false, 0))).code());
        Path empty = Files.createFile(directory.resolve("empty"));
        assertEquals("device-too-small", assertThrows(OperationException.class,
                () -> UringFile.open(empty, new UringFile.Options(0, false, 0))).code());
    }

    @Test
    void signaturesOfOthersAreFound() throws IOException {
        assertEquals(List.of(), DiskSignature.inspect(bdev.file()));
        byte[] head = new byte[1 << 20];
        head[510] = 0x55;
        head[511] = (byte) 0xAA;
        head[450] = (byte) 0x83;
        head[446] = (byte) 0x80;
        assertEquals("mbr", DiskSignature.inspect(head, new byte[8192]).getFirst().word());
        Path disk = directory.resolve("ext4");
        try (RandomAccessFile raw = new RandomAccessFile(disk.toFile(), "rw")) {
            raw.setLength(16 << 20);
        }
        for (String[] maker : new String[][] {{"mkfs.ext4", "-qF"}, {"mkswap", "-f"}}) {
            Process process;
            try {
                process = new ProcessBuilder(maker[0], maker[1], disk.toString()).redirectErrorStream(true).start();
            } catch (IOException e) {
                continue;               // Not installed here; the other one is tried.
            }
            process.getInputStream().readAllBytes();
            assertEquals(0, process.onExit().join().exitValue());
            try (UringFile file = UringFile.open(disk, new UringFile.Options(512, false, 0))) {
                String expected = maker[0].equals("mkswap") ? "swap" : "ext";
                assertTrue(DiskSignature.inspect(file).stream().anyMatch(f -> f.word().equals(expected)), maker[0]);
            }
        }
    }
}
