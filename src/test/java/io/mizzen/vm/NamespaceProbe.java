package io.mizzen.vm;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.engine.EngineConfig;
import io.mizzen.engine.Workbench;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.TestIo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Runs in a guest: shows that namespaces of a drive hold for the kernel what the engine wrote, and the other way round, every
 * byte of it and nothing else. Each 8 bytes say their place, their namespace and who wrote them.
 *
 * <pre>
 * NamespaceProbe fill FILE NSID         the kernel's side writes all of it
 * NamespaceProbe drive ADDRESS NSID...  the engine reads all of these namespaces, writes and zeroes parts of all at once, and
 *                                       reads all again: extents of one block, around the largest transfer and several of it,
 *                                       first and last blocks, at odd blocks and from odd dwords of memory
 * NamespaceProbe check FILE NSID        the kernel's side reads all of it
 * </pre>
 */
public final class NamespaceProbe {
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int[] MEMORY_OFFSETS = {0, 4, 512, 2052, 4092};
    private static final int[] TRANSFER_BYTES = {8 << 10, 32 << 10};
    private static final long MEMORY_BYTES = 96L << 20;
    private static final long TIMEOUT_SECONDS = 900;
    private static final int KERNEL = 1;
    private static final int ENGINE = 2;
    private static final int ZEROES = 3;

    /** Blocks in a row, and whose data they have in the end. */
    private record Extent(long firstBlock, int blocks, int writer) {
    }

    private NamespaceProbe() {
    }

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "fill" -> fill(Path.of(arguments[1]), Integer.parseInt(arguments[2]));
            case "check" -> check(Path.of(arguments[1]), Integer.parseInt(arguments[2]));
            case "drive" -> drive(arguments[1], List.of(arguments).subList(2, arguments.length).stream().map(Integer::parseInt).toList());
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static long word(long byteOffset, int nsid, int writer) {
        return writer == ZEROES ? 0 : (byteOffset + 1) * 0x9E3779B97F4A7C15L ^ nsid * 0xC2B2AE3D27D4EB4FL ^ (long) writer << 56;
    }

    /** Extents that cover the namespace; those of a round are the same in every run. */
    private static List<Extent> plan(int nsid, long blocks, int blockBytes, int round) {
        Random random = new Random(31L * nsid + round);
        List<Extent> extents = new ArrayList<>();
        for (long at = 0; at < blocks; ) {
            int transfer = TRANSFER_BYTES[random.nextInt(TRANSFER_BYTES.length)] / blockBytes;
            int length = switch (random.nextInt(6)) {
                case 0 -> 1;
                case 1 -> transfer - 1;
                case 2 -> transfer;
                case 3 -> transfer + 1;
                case 4 -> transfer * (2 + random.nextInt(5)) + 1;
                default -> 1 + random.nextInt(3 * transfer);
            };
            length = (int) Math.clamp(length, 1, blocks - at);
            boolean edge = at == 0 || at + length == blocks;
            extents.add(new Extent(at, length, edge ? ENGINE : 1 + random.nextInt(3)));
            at += length;
        }
        return extents;
    }

    // --- the kernel's side -------------------------------------------------------------------------

    private static void fill(Path file, int nsid) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long size = channel.size();
            for (long at = 0; at < size; at += CHUNK_BYTES) {
                chunk.clear();
                for (int i = 0; i < CHUNK_BYTES; i += 8) {
                    chunk.putLong(i, word(at + i, nsid, KERNEL));
                }
                while (chunk.hasRemaining()) {
                    channel.write(chunk, at + chunk.position());
                }
            }
            channel.force(true);
            System.out.println("filled " + size + " bytes of namespace " + nsid);
        }
    }

    private static void check(Path file, int nsid) throws IOException {
        int blockBytes = Integer.parseInt(Files.readString(
                Path.of("/sys/block", file.getFileName().toString(), "queue/logical_block_size")).strip());
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            for (Extent extent : plan(nsid, size / blockBytes, blockBytes, 0)) {
                ByteBuffer bytes = ByteBuffer.allocate(extent.blocks * blockBytes).order(ByteOrder.LITTLE_ENDIAN);
                long start = extent.firstBlock * blockBytes;
                while (bytes.hasRemaining() && channel.read(bytes, start + bytes.position()) > 0) {
                    continue;
                }
                for (int i = 0; i < bytes.capacity(); i += 8) {
                    require(nsid, start + i, bytes.getLong(i), word(start + i, nsid, extent.writer));
                }
            }
            System.out.println("checked " + size + " bytes of namespace " + nsid);
        }
    }

    private static void require(int nsid, long byteOffset, long found, long expected) {
        if (found != expected) {
            throw new AssertionError("namespace " + nsid + " has at byte " + byteOffset + " " + Long.toHexString(found)
                    + ", not " + Long.toHexString(expected));
        }
    }

    // --- the engine's side -------------------------------------------------------------------------

    private static void drive(String address, List<Integer> nsids) throws Exception {
        EngineConfig defaults = EngineConfig.defaults();
        Workbench bench = Workbench.start(defaults.withMemory(new EngineConfig.Memory(MEMORY_BYTES, true, false, false))
                .withNvmf(defaults.nvmf().withAddresses(List.of())));
        try {
            List<CompletableFuture<Void>> runs = new ArrayList<>();
            for (int nsid : nsids) {
                Namespace namespace = new Namespace(bench, "pcie:///" + address + "?ns=" + nsid, nsid);
                CompletableFuture<Void> run = new CompletableFuture<>();
                Thread.ofPlatform().start(() -> {
                    try {
                        namespace.exchange();
                        run.complete(null);
                    } catch (Throwable failure) {
                        run.completeExceptionally(failure);
                    }
                });
                runs.add(run);
            }
            for (CompletableFuture<Void> run : runs) {
                run.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            }
        } finally {
            bench.stop();
        }
    }

    /** A namespace and one I/O at a time to it. */
    private static final class Namespace {
        private final int nsid;
        private final Workbench bench;
        private final Descriptor descriptor;
        private final Bdev bdev;
        private final int blockBytes;
        private final Mthread mthread;
        private final IoChannel channel;
        private final DmaMemory.Block memory;
        private final Random random;

        Namespace(Workbench bench, String uri, int nsid) throws Exception {
            this.bench = bench;
            this.nsid = nsid;
            this.random = new Random(nsid);
            BdevView view = bench.engine().createBdev(new BdevSpec(uri)).get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            this.descriptor = bench.onControl("open", TIMEOUT_SECONDS,
                    done -> done.ok(bench.open(view.name(), "probe", true, TestIo.ignoring())));
            this.bdev = descriptor.bdev();
            this.blockBytes = bdev.blockSizeBytes();
            this.mthread = bench.reactors().getFirst().mthread();
            this.memory = bench.allocate(CHUNK_BYTES, 0);
            CompletableFuture<IoChannel> opened = new CompletableFuture<>();
            mthread.post(() -> opened.complete(descriptor.openChannel(mthread)));
            this.channel = opened.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        }

        void exchange() throws Exception {
            for (Extent extent : plan(nsid, bdev.blockCount(), blockBytes, 1)) {
                read(extent.firstBlock, extent.blocks, KERNEL);
            }
            for (Extent extent : plan(nsid, bdev.blockCount(), blockBytes, 0)) {
                write(extent);
            }
            for (Extent extent : plan(nsid, bdev.blockCount(), blockBytes, 0)) {
                read(extent.firstBlock, extent.blocks, extent.writer);
            }
            io(IoType.FLUSH, 0, 0, 0);
            CompletableFuture<Void> closed = new CompletableFuture<>();
            mthread.post(() -> {
                channel.close();
                closed.complete(null);
            });
            closed.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            bench.<Void>onControl("close", TIMEOUT_SECONDS, done -> {
                descriptor.close();
                done.ok(null);
            });
            System.out.println("driven " + bdev.name() + " of " + bdev.sizeBytes() + " bytes in blocks of " + blockBytes);
        }

        private long buffer() {
            return memory.address() + MEMORY_OFFSETS[random.nextInt(MEMORY_OFFSETS.length)];
        }

        private void write(Extent extent) throws Exception {
            long address = buffer();
            long start = extent.firstBlock * blockBytes;
            if (extent.writer == ENGINE) {
                for (int i = 0; i < extent.blocks * blockBytes; i += 8) {
                    RawMemory.putLong(address + i, word(start + i, nsid, ENGINE));
                }
                io(IoType.WRITE, extent.firstBlock, extent.blocks, address);
            } else if (extent.writer == ZEROES) {
                io(IoType.WRITE_ZEROES, extent.firstBlock, extent.blocks, 0);
            }
        }

        private void read(long firstBlock, int blocks, int writer) throws Exception {
            long address = buffer();
            RawMemory.zero(address, (long) blocks * blockBytes);
            io(IoType.READ, firstBlock, blocks, address);
            for (int i = 0; i < blocks * blockBytes; i += 8) {
                long at = firstBlock * blockBytes + i;
                require(nsid, at, RawMemory.getLong(address + i), word(at, nsid, writer));
            }
        }

        private void io(int type, long firstBlock, int blocks, long address) throws Exception {
            CompletableFuture<Integer> ended = new CompletableFuture<>();
            mthread.post(() -> {
                BdevIo io = channel.tryAcquire();
                io.prepare(type, firstBlock, blocks, address, memory.regionIndex(), done -> {
                    int status = done.status();
                    done.release();
                    ended.complete(status);
                });
                channel.submit(io);
            });
            int status = ended.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            if (status != Status.SUCCESS) {
                throw new AssertionError("I/O " + type + " of " + blocks + " blocks at " + firstBlock + " of namespace " + nsid
                        + ": " + Status.describe(status));
            }
        }
    }
}
