package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.NvmeTcpClient;
import java.net.InetSocketAddress;
import java.util.UUID;

/** A host of one subsystem, with digests, that writes and reads. */
final class LoadHost implements AutoCloseable {
    static final int BLOCK_BYTES = 512;
    private static final String NQN = "nqn.2014-08.org.nvmexpress:uuid:0a0a0a0a-0000-4000-8000-0000000000f1";
    private static final UUID ID = UUID.fromString("0a0a0a0a-0000-4000-8000-0000000000f1");
    private static final int DIGESTS = 3;
    private static final int ENTRIES = 32;
    private static final int LARGE_BLOCKS = (128 << 10) / BLOCK_BYTES;
    private final NvmeTcpClient admin;
    private final NvmeTcpClient io;
    private long lba;

    LoadHost(int port, String subsystem) {
        admin = client(port);
        NvmeTcpClient.Reply reply = connect(admin, subsystem, 0, 0xffff);
        assertThat(reply.status()).isZero();
        admin.enable();
        io = client(port);
        assertThat(connect(io, subsystem, 1, (int) reply.result() & 0xffff).status()).isZero();
    }

    /** A connection that is no queue yet. */
    static NvmeTcpClient client(int port) {
        return NvmeTcpClient.open(new InetSocketAddress("127.0.0.1", port)).initialize(0, DIGESTS, 1);
    }

    static NvmeTcpClient.Reply connect(NvmeTcpClient client, String subsystem, int queueId, int controllerId) {
        return client.connect(queueId, ENTRIES, controllerId, subsystem, NQN, ID, 0, 0);
    }

    void writeAndRead() {
        lba = (lba + 8) % 8192;
        assertThat(io.write(1, lba, new byte[8 * BLOCK_BYTES], BLOCK_BYTES, true).status()).isZero();
        assertThat(io.read(1, lba, 8, BLOCK_BYTES).status()).isZero();
    }

    /** Writes once; returns the command's status. */
    int write() {
        return io.write(1, lba, new byte[BLOCK_BYTES], BLOCK_BYTES, true).status();
    }

    /** Reads once; whoever answers. */
    void read() {
        assertThat(io.read(1, 0, 8, BLOCK_BYTES).status()).isZero();
    }

    /** Begins as many reads of 128 KiB as its queue holds and waits for no answer. */
    void beginLargeReads() {
        for (int i = 0; i < ENTRIES - 1; i++) {
            io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 0, LARGE_BLOCKS, 0), null, false, LARGE_BLOCKS * BLOCK_BYTES);
        }
    }

    /** Begins a write and waits for no answer. */
    int beginWrite() {
        return io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 1, 0), new byte[BLOCK_BYTES], true, 0);
    }

    /** Waits for the answer to that write, which is that it succeeded. */
    void endWrite(int id) {
        assertThat(io.await(id).status()).isZero();
    }

    /** Writes once with a data digest that is wrong; returns the command's status. */
    int writeDamaged() {
        io.spoilNextDataDigest = true;
        return io.write(1, lba, new byte[BLOCK_BYTES], BLOCK_BYTES, true).status();
    }

    @Override
    public void close() {
        io.close();
        admin.close();
    }
}
