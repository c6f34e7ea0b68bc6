package io.mizzen.testsupport;

import io.mizzen.nvme.Opcodes;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Random;
import java.util.UUID;

/**
 * A host that writes, zeroes and unmaps a volume over NVMe/TCP with many commands outstanding, knows what every block may
 * hold, and survives that the engine is killed: what was acknowledged must be there then, what was outstanding may be.
 * One thread.
 */
public final class VerifyingHost implements AutoCloseable {
    /** What is written and compared as one. */
    public static final int BLOCK_BYTES = 4096;
    private static final int OUTSTANDING_MAX = 16;
    private static final int WRITE_BLOCKS_MAX = 16;
    private static final int READ_BLOCKS = 32;
    private static final int CAPSULE_BYTES_MAX = 4096;
    private static final int LBA_SHIFT = 3;
    private static final int BLOCK_BITS = 24;
    private static final UUID HOST_ID = new UUID(1, 2);

    private final String nqn;
    private final int blocks;
    private final int clusterBlocks;
    private final Random random;
    /** What each block holds: the number of the write, 0 for zeroes. */
    private final long[] values;
    /** What it may hold as well: a write that was outstanding when the connection ended; -1: nothing else. */
    private final long[] others;
    private final Deque<Command> outstanding = new ArrayDeque<>();
    private NvmeTcpClient admin;
    private NvmeTcpClient io;
    private long lastValue;
    private long acknowledged;

    private record Command(int cid, int first, int end, long value) {
    }

    /** @param clusterBytes what unmaps are aligned to, mostly */
    public VerifyingHost(String nqn, long sizeBytes, long clusterBytes, long seed) {
        this.nqn = nqn;
        this.blocks = (int) (sizeBytes / BLOCK_BYTES);
        this.clusterBlocks = (int) (clusterBytes / BLOCK_BYTES);
        this.random = new Random(seed);
        this.values = new long[blocks];
        this.others = new long[blocks];
        Arrays.fill(others, -1);
    }

    /** Commands that changed something and were acknowledged. */
    public long acknowledged() {
        return acknowledged;
    }

    public void connect(int port) {
        InetSocketAddress address = new InetSocketAddress("127.0.0.1", port);
        admin = NvmeTcpClient.open(address).initialize(0, 0, 1);
        int controller = (int) connect(admin, 0, 0xffff).result() & 0xffff;
        admin.enable();
        io = NvmeTcpClient.open(address).initialize(0, 0, 1);
        connect(io, 1, controller);
    }

    private NvmeTcpClient.Reply connect(NvmeTcpClient client, int queue, int controller) {
        NvmeTcpClient.Reply reply = client.connect(queue, 32, controller, nqn,
                "nqn.2014-08.org.nvmexpress:uuid:0a0a0a0a-0000-4000-8000-0000000000f3", HOST_ID, 0, 0);
        require(reply.status() == 0, "connect to " + nqn + " failed with 0x" + Integer.toHexString(reply.status()));
        return reply;
    }

    /** Reads every block and compares; what it holds is what it must hold from here on. */
    public void verify() {
        for (int first = 0; first < blocks; first += READ_BLOCKS) {
            int count = Math.min(READ_BLOCKS, blocks - first);
            NvmeTcpClient.Reply reply = io.read(1, (long) first << LBA_SHIFT, count << LBA_SHIFT, BLOCK_BYTES >> LBA_SHIFT);
            require(reply.status() == 0, "a read failed with 0x" + Integer.toHexString(reply.status()));
            ByteBuffer data = ByteBuffer.wrap(reply.data()).order(ByteOrder.LITTLE_ENDIAN);
            for (int block = first; block < first + count; block++) {
                long value = valueOf(data, (block - first) * BLOCK_BYTES, block);
                require(value == values[block] || others[block] >= 0 && value == others[block], "block " + block + " holds " + value
                        + ", not " + values[block] + (others[block] < 0 ? "" : " or " + others[block]));
                values[block] = value;
                others[block] = -1;
            }
        }
    }

    private static long valueOf(ByteBuffer data, int from, int block) {
        long tag = data.getLong(from);
        for (int i = 8; i < BLOCK_BYTES; i += 8) {
            require(data.getLong(from + i) == tag, "block " + block + " is not one write's");
        }
        require(tag == 0 || (tag & (1 << BLOCK_BITS) - 1) == block, "block " + block + " holds another block's data");
        return tag >> BLOCK_BITS;
    }

    /** Sends so many commands, and leaves the last of them outstanding. */
    public void send(int commands) {
        for (int i = 0; i < commands; i++) {
            if (outstanding.size() == OUTSTANDING_MAX) {
                takeOldest();
            }
            sendOne();
        }
    }

    private void takeOldest() {
        Command command = outstanding.peek();
        NvmeTcpClient.Reply reply = io.await(command.cid);
        outstanding.remove();
        require(reply.status() == 0, "a command failed with 0x" + Integer.toHexString(reply.status()));
        Arrays.fill(values, command.first, command.end, command.value);
        acknowledged++;
    }

    private void sendOne() {
        int kind = random.nextInt(10);
        int most = kind < 7 ? WRITE_BLOCKS_MAX : 2 * clusterBlocks;
        int first = random.nextInt(blocks);
        int count = 1 + random.nextInt(most);
        if (kind >= 8) {
            first = first / clusterBlocks * clusterBlocks;
            count = clusterBlocks * (1 + random.nextInt(2));
        }
        int end = Math.min(blocks, first + count);
        for (Command other : outstanding) {
            if (first < other.end && other.first < end) {
                return;
            }
        }
        long lba = (long) first << LBA_SHIFT;
        int lbas = end - first << LBA_SHIFT;
        if (kind < 7) {
            long value = ++lastValue;
            byte[] data = data(first, end, value);
            add(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, lba, lbas, 0), data, data.length <= CAPSULE_BYTES_MAX, 0), first,
                    end, value);
        } else if (kind < 8) {
            add(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE_ZEROES, 1, lba, lbas, 0), null, false, 0), first, end, 0);
        } else {
            byte[] range = new byte[16];
            ByteBuffer.wrap(range).order(ByteOrder.LITTLE_ENDIAN).putInt(4, lbas).putLong(8, lba);
            add(io.submit(NvmeTcpClient.sqe(Opcodes.NVM_DATASET_MANAGEMENT, 1, 0, Opcodes.CDW11_DSM_DEALLOCATE), range, true, 0),
                    first, end, 0);
        }
    }

    private void add(int cid, int first, int end, long value) {
        outstanding.add(new Command(cid, first, end, value));
    }

    private static byte[] data(int first, int end, long value) {
        ByteBuffer data = ByteBuffer.allocate((end - first) * BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int block = first; block < end; block++) {
            for (int i = 0; i < BLOCK_BYTES; i += 8) {
                data.putLong(value << BLOCK_BITS | block);
            }
        }
        return data.array();
    }

    /** The engine is gone: takes the answers that still came, and notes what was outstanding. */
    public void onKilled() {
        try {
            while (!outstanding.isEmpty()) {
                takeOldest();
            }
        } catch (NvmeTcpClient.EndedException | UncheckedIOException ended) {
            for (Command command : outstanding) {
                Arrays.fill(others, command.first, command.end, command.value);
            }
        }
        outstanding.clear();
        close();
    }

    /** Waits for all answers. */
    public void drain() {
        while (!outstanding.isEmpty()) {
            takeOldest();
        }
    }

    @Override
    public void close() {
        if (io != null) {
            io.close();
            io = null;
        }
        if (admin != null) {
            admin.close();
            admin = null;
        }
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }
}
