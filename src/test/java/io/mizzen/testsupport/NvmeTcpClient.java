package io.mizzen.testsupport;

import io.mizzen.nvme.ConnectData;
import io.mizzen.nvme.Cqe;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Properties;
import io.mizzen.nvme.SglDescriptor;
import io.mizzen.nvme.Sqe;
import io.mizzen.nvmf.DataPdu;
import io.mizzen.nvmf.IcPdu;
import io.mizzen.nvmf.Pdu;
import io.mizzen.nvmf.TermPdu;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * An NVMe/TCP host for tests: one connection, blocking. Does what a host may do, several R2Ts per command and digests
 * included, and lets a test write whatever bytes it likes. Checks what the target sends.
 */
public final class NvmeTcpClient implements AutoCloseable {
    /** How bytes travel. */
    public interface Transport extends AutoCloseable {
        void write(byte[] bytes);

        /** Exactly so many bytes, or null when the connection has ended before. */
        byte[] read(int count);

        /** Bytes that can be read without waiting; for {@link NvmeTcpClient#poll()}. */
        default int arrived() {
            throw new UnsupportedOperationException("this transport waits");
        }

        /** Whether the connection has ended; for {@link NvmeTcpClient#poll()}. */
        default boolean isClosed() {
            throw new UnsupportedOperationException("this transport waits");
        }

        @Override
        void close();
    }

    /** The connection ended. */
    public static final class EndedException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        /** Fatal error status and information of the target's termination request; -1 without one. */
        public final int fatalStatus;
        public final int information;

        EndedException(int fatalStatus, int information) {
            super("connection ended, status " + fatalStatus + ", information " + information);
            this.fatalStatus = fatalStatus;
            this.information = information;
        }
    }

    /** What a command came to. */
    public record Reply(int cid, int status, long result, int sqHead, byte[] data, boolean inDataPdu) {
        public int code() {
            return status & 0x7FF;
        }

        public boolean doNotRetry() {
            return (status & 1 << 14) != 0;
        }
    }

    private static final class Pending {
        byte[] out;
        byte[] in;
        int received;
    }

    private final Transport transport;
    private final Map<Integer, Pending> pending = new HashMap<>();
    private final Map<Integer, Reply> replies = new HashMap<>();
    private int nextCid = 1;
    private boolean headerDigest;
    private boolean dataDigest;
    private int alignment = 4;
    private int maxH2cData;
    private int r2tsInFlightMax;
    private int r2tsSeen;
    private byte[] commonHeader;
    private boolean initialized;
    /** Longest H2CData PDU to send; 0: what the target allows. */
    public int h2cDataLimit;
    /** Spoil the digest of the next data sent. */
    public boolean spoilNextDataDigest;
    /** Do not answer R2Ts. */
    public boolean ignoreR2t;

    public NvmeTcpClient(Transport transport) {
        this.transport = transport;
    }

    /** Over a real socket. */
    public static NvmeTcpClient open(InetSocketAddress address) {
        return new NvmeTcpClient(new SocketTransport(address));
    }

    public Transport transport() {
        return transport;
    }

    public int maxH2cData() {
        return maxH2cData;
    }

    public int r2tsSeen() {
        return r2tsSeen;
    }

    public boolean hasHeaderDigest() {
        return headerDigest;
    }

    public boolean hasDataDigest() {
        return dataDigest;
    }

    // --- handshake ------------------------------------------------------------------------------------------

    /** ICReq and ICResp; {@code maxR2t} counts from one. */
    public NvmeTcpClient initialize(int hpda, int digests, int maxR2t) {
        startInitialize(hpda, digests, maxR2t);
        onInitialized(MemorySegment.ofArray(readPdu()));
        return this;
    }

    /** Sends ICReq and does not wait: {@link #isInitialized()} tells when ICResp has been polled. */
    public void startInitialize(int hpda, int digests, int maxR2t) {
        byte[] request = new byte[Pdu.IC_BYTES];
        IcPdu.request(MemorySegment.ofArray(request), 0, 0, hpda, digests, maxR2t - 1);
        transport.write(request);
        r2tsInFlightMax = maxR2t;
        alignment = (hpda + 1) * 4;
    }

    public boolean isInitialized() {
        return initialized;
    }

    private void onInitialized(MemorySegment response) {
        check(!initialized, "one ICResp");
        check(Pdu.type(response, 0) == Pdu.TYPE_IC_RESP, "ICResp");
        initialized = true;
        check(IcPdu.alignment(response, 0) == 0, "CPDA 0");
        headerDigest = (IcPdu.digests(response, 0) & IcPdu.DIGEST_HEADER) != 0;
        dataDigest = (IcPdu.digests(response, 0) & IcPdu.DIGEST_DATA) != 0;
        maxH2cData = (int) IcPdu.maxH2cDataBytes(response, 0);
        check(maxH2cData >= 4096 && maxH2cData % 4 == 0, "MAXH2CDATA");
    }

    /** Sends a plain ICReq and does not wait. */
    public void sendInitialize() {
        byte[] request = new byte[Pdu.IC_BYTES];
        IcPdu.request(MemorySegment.ofArray(request), 0, 0, 0, 0, 0);
        transport.write(request);
    }

    public Reply connect(int queueId, int entries, int controllerId, String subsystemNqn, String hostNqn, UUID hostId,
            int attributes, int keepAliveMs) {
        return await(startConnect(queueId, entries, controllerId, subsystemNqn, hostNqn, hostId, attributes, keepAliveMs));
    }

    /** Sends the connect command and does not wait; returns its id. */
    public int startConnect(int queueId, int entries, int controllerId, String subsystemNqn, String hostNqn, UUID hostId,
            int attributes, int keepAliveMs) {
        byte[] sqe = fabrics(FabricsCommand.CONNECT);
        FabricsCommand.connect(MemorySegment.ofArray(sqe), 0, queueId, entries - 1, attributes, keepAliveMs);
        byte[] data = new byte[ConnectData.SIZE_BYTES];
        ConnectData.set(MemorySegment.ofArray(data), 0, hostId.getMostSignificantBits(), hostId.getLeastSignificantBits(),
                controllerId, subsystemNqn, hostNqn);
        return submit(sqe, data, true, 0);
    }

    /** Enables the controller and waits for it, as a host does after connecting the admin queue. */
    public NvmeTcpClient enable() {
        check(setProperty(Properties.CC, Properties.ccEnable(Properties.CC_CSS_NVM)).status() == 0, "CC written");
        check((getProperty(Properties.CSTS, 0).result() & Properties.CSTS_RDY) != 0, "CSTS.RDY");
        return this;
    }

    public Reply getProperty(int offset, int size) {
        byte[] sqe = fabrics(FabricsCommand.PROPERTY_GET);
        FabricsCommand.property(MemorySegment.ofArray(sqe), 0, size, offset, 0);
        return await(submit(sqe, null, false, 0));
    }

    public Reply setProperty(int offset, long value) {
        return await(startSetProperty(offset, value));
    }

    /** Sends the command and does not wait; returns its id. */
    public int startSetProperty(int offset, long value) {
        byte[] sqe = fabrics(FabricsCommand.PROPERTY_SET);
        FabricsCommand.property(MemorySegment.ofArray(sqe), 0, 0, offset, value);
        return submit(sqe, null, false, 0);
    }

    public static byte[] fabrics(int type) {
        byte[] sqe = new byte[64];
        Sqe.opcode(MemorySegment.ofArray(sqe), 0, Opcodes.FABRICS);
        FabricsCommand.type(MemorySegment.ofArray(sqe), 0, type);
        return sqe;
    }

    // --- commands -------------------------------------------------------------------------------------------

    /** A command with dwords 10 to 15. */
    public static byte[] sqe(int opcode, int nsid, int... cdw) {
        byte[] sqe = new byte[64];
        MemorySegment s = MemorySegment.ofArray(sqe);
        Sqe.opcode(s, 0, opcode);
        Sqe.flags(s, 0, Sqe.PSDT_SGL << 6);
        Sqe.nsid(s, 0, nsid);
        for (int i = 0; i < cdw.length; i++) {
            Sqe.cdw(s, 0, 10 + i, cdw[i]);
        }
        return sqe;
    }

    /** Read, write, compare or write zeroes. */
    public static byte[] io(int opcode, int nsid, long lba, int blocks, int control) {
        byte[] sqe = sqe(opcode, nsid);
        Sqe.startLba(MemorySegment.ofArray(sqe), 0, lba);
        Sqe.cdw(MemorySegment.ofArray(sqe), 0, 12, control);
        Sqe.blockCount(MemorySegment.ofArray(sqe), 0, blocks);
        return sqe;
    }

    public Reply identify(int cns, int nsid) {
        return await(submit(sqe(Opcodes.ADMIN_IDENTIFY, nsid, cns), null, false, 4096));
    }

    public Reply read(int nsid, long lba, int blocks, int blockSize) {
        return await(submit(io(Opcodes.NVM_READ, nsid, lba, blocks, 0), null, false, blocks * blockSize));
    }

    public Reply write(int nsid, long lba, byte[] data, int blockSize, boolean inCapsule) {
        return await(submit(io(Opcodes.NVM_WRITE, nsid, lba, data.length / blockSize, 0), data, inCapsule, 0));
    }

    public Reply admin(int opcode, int nsid, int... cdw) {
        return await(submit(sqe(opcode, nsid, cdw), null, false, 0));
    }

    /** Sends a command; returns its id. The descriptor is set according to the data. */
    public int submit(byte[] sqe, byte[] out, boolean inCapsule, int inBytes) {
        MemorySegment s = MemorySegment.ofArray(sqe);
        int length = out != null ? out.length : inBytes;
        SglDescriptor.set(s, Sqe.sgl1(0), out != null && inCapsule ? SglDescriptor.IN_CAPSULE : SglDescriptor.TRANSPORT,
                0, length);
        return submitAsIs(sqe, out, inCapsule, inBytes);
    }

    /** Sends a command with the descriptor that it has. */
    public int submitAsIs(byte[] sqe, byte[] out, boolean inCapsule, int inBytes) {
        while (pending.containsKey(nextCid & 0xFFFF)) {
            nextCid++;
        }
        int cid = nextCid++ & 0xFFFF;
        Sqe.cid(MemorySegment.ofArray(sqe), 0, cid);
        Pending command = new Pending();
        command.out = out;
        command.in = new byte[inBytes];
        pending.put(cid, command);
        byte[] data = inCapsule ? out : null;
        transport.write(pdu(Pdu.TYPE_CAPSULE_CMD, 0, sqe, data));
        return cid;
    }

    /** A PDU with its digests: {@code body} follows the common header. */
    public byte[] pdu(int type, int flags, byte[] body, byte[] data) {
        int headerBytes = Pdu.HEADER_BYTES + body.length;
        int hd = headerDigest ? 4 : 0;
        boolean withData = data != null && data.length > 0;
        int offset = withData ? headerBytes + hd : 0;
        int dd = withData && dataDigest ? 4 : 0;
        int total = withData ? offset + data.length + dd : headerBytes + hd;
        byte[] bytes = new byte[total];
        MemorySegment s = MemorySegment.ofArray(bytes);
        Pdu.set(s, 0, type, flags | (headerDigest ? Pdu.FLAG_HEADER_DIGEST : 0) | (dd != 0 ? Pdu.FLAG_DATA_DIGEST : 0),
                headerBytes, offset, total);
        System.arraycopy(body, 0, bytes, Pdu.HEADER_BYTES, body.length);
        if (headerDigest) {
            putInt(bytes, headerBytes, crc(bytes, 0, headerBytes));
        }
        if (withData) {
            System.arraycopy(data, 0, bytes, offset, data.length);
            if (dd != 0) {
                int crc = crc(data, 0, data.length);
                putInt(bytes, offset + data.length, spoilNextDataDigest ? ~crc : crc);
                spoilNextDataDigest = false;
            }
        }
        return bytes;
    }

    /** Reads PDUs until the command has its reply. */
    public Reply await(int cid) {
        while (!replies.containsKey(cid)) {
            onPdu(readPdu());
        }
        return replies.remove(cid);
    }

    /**
     * Handles one PDU if it has arrived whole; never waits.
     *
     * @return whether there was one
     * @throws EndedException when the connection has ended
     */
    public boolean poll() {
        if (commonHeader == null && transport.arrived() >= Pdu.HEADER_BYTES) {
            commonHeader = transport.read(Pdu.HEADER_BYTES);
        }
        boolean whole = commonHeader != null
                && transport.arrived() >= Pdu.totalBytes(MemorySegment.ofArray(commonHeader), 0) - Pdu.HEADER_BYTES;
        if (!whole && transport.isClosed()) {
            throw new EndedException(-1, 0);
        }
        if (whole) {
            onPdu(readPdu());
        }
        return whole;
    }

    /** The reply, once; null while there is none. */
    public Reply takeReply(int cid) {
        return replies.remove(cid);
    }

    /** Whether the command has been answered, as far as read. */
    public boolean isAnswered(int cid) {
        return replies.containsKey(cid);
    }

    private void onPdu(byte[] pdu) {
        MemorySegment s = MemorySegment.ofArray(pdu);
        int type = Pdu.type(s, 0);
        switch (type) {
            case Pdu.TYPE_CAPSULE_RESP -> {
                int cid = Cqe.cid(s, 8);
                Pending command = pending.remove(cid);
                check(command != null, "response to a command that is out");
                int status = Cqe.status(s, 8);
                check(status != 0 || command.received == command.in.length, "all data before a good response");
                replies.put(cid, new Reply(cid, status, Cqe.result64(s, 8), Cqe.sqHead(s, 8), command.in, false));
            }
            case Pdu.TYPE_C2H_DATA -> onData(s, pdu);
            case Pdu.TYPE_IC_RESP -> onInitialized(s);
            case Pdu.TYPE_R2T -> {
                r2tsSeen++;
                if (!ignoreR2t) {
                    transfer(DataPdu.cid(s, 0), DataPdu.transferTag(s, 0), (int) DataPdu.offsetBytes(s, 0),
                            (int) DataPdu.lengthBytes(s, 0));
                }
            }
            default -> throw new AssertionError("PDU of type " + type);
        }
    }

    private void onData(MemorySegment s, byte[] pdu) {
        int cid = DataPdu.cid(s, 0);
        Pending command = pending.get(cid);
        check(command != null, "data for a command that is out");
        int offset = Pdu.dataOffset(s, 0);
        int length = (int) DataPdu.lengthBytes(s, 0);
        check(offset % alignment == 0, "data aligned as asked");
        check(DataPdu.offsetBytes(s, 0) == command.received, "data in order");
        check(offset + length + (dataDigest ? 4 : 0) == pdu.length, "data length");
        System.arraycopy(pdu, offset, command.in, command.received, length);
        command.received += length;
        if (dataDigest) {
            check(crc(pdu, offset, length) == getInt(pdu, offset + length), "data digest");
        }
        int flags = Pdu.flags(s, 0);
        check(((flags & Pdu.FLAG_LAST) != 0) == (command.received == command.in.length), "LAST on the last data");
        if ((flags & Pdu.FLAG_SUCCESS) != 0) {
            pending.remove(cid);
            replies.put(cid, new Reply(cid, 0, 0, -1, command.in, true));
        }
    }

    private void transfer(int cid, int tag, int offset, int length) {
        Pending command = pending.get(cid);
        check(command != null && offset + length <= command.out.length, "R2T within the command's data");
        int limit = h2cDataLimit != 0 ? h2cDataLimit : maxH2cData;
        for (int sent = 0; sent < length;) {
            int piece = Math.min(limit, length - sent);
            transport.write(h2cData(cid, tag, offset + sent, java.util.Arrays.copyOfRange(command.out, offset + sent,
                    offset + sent + piece), sent + piece == length));
            sent += piece;
        }
    }

    public byte[] h2cData(int cid, int tag, int offset, byte[] data, boolean last) {
        byte[] body = new byte[16];
        byte[] header = new byte[24];
        DataPdu.set(MemorySegment.ofArray(header), 0, cid, tag, offset, data.length);
        System.arraycopy(header, 8, body, 0, 16);
        return pdu(Pdu.TYPE_H2C_DATA, last ? Pdu.FLAG_LAST : 0, body, data);
    }

    /** One PDU as it came, its digests checked; ends with {@link EndedException} when the target ends the connection. */
    public byte[] readPdu() {
        byte[] common = commonHeader != null ? commonHeader : transport.read(Pdu.HEADER_BYTES);
        commonHeader = null;
        if (common == null) {
            throw new EndedException(-1, 0);
        }
        MemorySegment s = MemorySegment.ofArray(common);
        int total = (int) Pdu.totalBytes(s, 0);
        int type = Pdu.type(s, 0);
        check(total >= Pdu.headerBytes(s, 0) && total < 1 << 24, "PLEN");
        check(Pdu.headerBytes(s, 0) == Pdu.expectedHeaderBytes(type), "HLEN");
        byte[] rest = transport.read(total - Pdu.HEADER_BYTES);
        if (rest == null) {
            throw new EndedException(-1, 0);
        }
        byte[] pdu = new byte[total];
        System.arraycopy(common, 0, pdu, 0, common.length);
        System.arraycopy(rest, 0, pdu, common.length, rest.length);
        if (type == Pdu.TYPE_C2H_TERM_REQ) {
            throw new EndedException(TermPdu.status(MemorySegment.ofArray(pdu), 0),
                    TermPdu.information(MemorySegment.ofArray(pdu), 0));
        }
        if (headerDigest && type != Pdu.TYPE_IC_RESP) {
            int headerBytes = Pdu.headerBytes(s, 0);
            check((Pdu.flags(s, 0) & Pdu.FLAG_HEADER_DIGEST) != 0, "header digest flag");
            check(crc(pdu, 0, headerBytes) == getInt(pdu, headerBytes), "header digest");
        }
        return pdu;
    }

    /** Reads until the target has ended the connection; says how. */
    public EndedException awaitEnd() {
        try {
            while (true) {
                onPdu(readPdu());
            }
        } catch (EndedException e) {
            return e;
        }
    }

    public void write(byte[] bytes) {
        transport.write(bytes);
    }

    @Override
    public void close() {
        transport.close();
    }

    // --- bytes -----------------------------------------------------------------------------------------------

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError("the target did not keep the protocol: " + what);
        }
    }

    public static int crc(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    private static int getInt(byte[] bytes, int at) {
        return MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_INT_UNALIGNED, at);
    }

    private static void putInt(byte[] bytes, int at, int value) {
        MemorySegment.ofArray(bytes).set(ValueLayout.JAVA_INT_UNALIGNED, at, value);
    }

    private static final class SocketTransport implements Transport {
        private static final int TIMEOUT_MS = 120_000;
        private final Socket socket;

        SocketTransport(InetSocketAddress address) {
            try {
                socket = new Socket(address.getAddress(), address.getPort());
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(TIMEOUT_MS);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void write(byte[] bytes) {
            try {
                socket.getOutputStream().write(bytes);
            } catch (IOException e) {
                return;         // The target may have closed already; the next read tells.
            }
        }

        @Override
        public byte[] read(int count) {
            try {
                byte[] bytes = socket.getInputStream().readNBytes(count);
                return bytes.length == count ? bytes : null;
            } catch (java.net.SocketTimeoutException e) {
                throw new UncheckedIOException(e);
            } catch (IOException e) {
                return null;
            }
        }

        @Override
        public void close() {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
