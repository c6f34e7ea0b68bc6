package io.mizzen.nvmf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.nvme.Sqe;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PduTest {
    private static MemorySegment zeros(int size) {
        return MemorySegment.ofArray(new byte[size]);
    }

    private static String hex(MemorySegment s, int at, int length) {
        return HexFormat.of().formatHex(s.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void initializeConnection() {
        MemorySegment s = zeros(128);
        s.fill((byte) 0xEE);
        IcPdu.request(s, 0, 0, 3, IcPdu.DIGEST_HEADER | IcPdu.DIGEST_DATA, 7);
        assertEquals("00008000" + "80000000" + "0000" + "03" + "03" + "07000000" + "00".repeat(112), hex(s, 0, 128));
        assertEquals(7, IcPdu.maxR2t(s, 0));
        IcPdu.response(s, 0, 0, IcPdu.DIGEST_DATA, 131072);
        assertEquals("01008000" + "80000000" + "0000" + "00" + "02" + "00000200" + "00".repeat(112), hex(s, 0, 128));
        assertEquals(131072, IcPdu.maxH2cDataBytes(s, 0));
    }

    @Test
    void readyToTransferAndData() {
        MemorySegment s = zeros(24);
        Pdu.set(s, 0, Pdu.TYPE_R2T, Pdu.FLAG_HEADER_DIGEST, Pdu.R2T_BYTES, 0, 28);
        DataPdu.set(s, 0, 0x1122, 0x3344, 0x0002_0000, 0x0001_0000);
        assertEquals("09011800" + "1c000000" + "2211" + "4433" + "00000200" + "00000100" + "00000000", hex(s, 0, 24));
        assertEquals(0x1122, DataPdu.cid(s, 0));
        assertEquals(0x3344, DataPdu.transferTag(s, 0));
        assertEquals(0x20000, DataPdu.offsetBytes(s, 0));
        assertEquals(0x10000, DataPdu.lengthBytes(s, 0));
    }

    @Test
    void termination() {
        MemorySegment s = zeros(24);
        TermPdu.set(s, 0, Pdu.TYPE_C2H_TERM_REQ, TermPdu.FES_HEADER_DIGEST_ERROR, 0xDEADBEEF, 8);
        assertEquals("03001800" + "20000000" + "0300" + "efbeadde" + "00".repeat(10), hex(s, 0, 24));
        assertEquals(TermPdu.FES_HEADER_DIGEST_ERROR, TermPdu.status(s, 0));
        assertEquals(0xDEADBEEF, TermPdu.information(s, 0));
    }

    @Test
    void headerLengthsByType() {
        assertEquals(128, Pdu.expectedHeaderBytes(Pdu.TYPE_IC_REQ));
        assertEquals(Pdu.HEADER_BYTES + Sqe.SIZE_BYTES, Pdu.expectedHeaderBytes(Pdu.TYPE_CAPSULE_CMD));
        assertEquals(24, Pdu.expectedHeaderBytes(Pdu.TYPE_H2C_DATA));
        int known = 0;
        for (int type = 0; type < 256; type++) {
            known += Pdu.expectedHeaderBytes(type) != 0 ? 1 : 0;
        }
        assertEquals(9, known);
    }

    /** What is written is read, whatever the values and the offset, and no byte outside the structure changes. */
    @Test
    void headersRoundTrip() {
        Random random = new Random(20261122);
        for (int i = 0; i < 10_000; i++) {
            MemorySegment s = zeros(96);
            s.fill((byte) 0x5A);
            int at = random.nextInt(64);
            int type = random.nextInt(256);
            int flags = random.nextInt(256);
            int offset = random.nextInt(256);
            int total = random.nextInt();
            int cid = random.nextInt(65536);
            int tag = random.nextInt(65536);
            int dataOffset = random.nextInt();
            int dataLength = random.nextInt();
            Pdu.set(s, at, type, flags, 24, offset, total);
            DataPdu.set(s, at, cid, tag, dataOffset, dataLength);
            assertEquals(type, Pdu.type(s, at));
            assertEquals(flags, Pdu.flags(s, at));
            assertEquals(24, Pdu.headerBytes(s, at));
            assertEquals(offset, Pdu.dataOffset(s, at));
            assertEquals(Integer.toUnsignedLong(total), Pdu.totalBytes(s, at));
            assertEquals(cid, DataPdu.cid(s, at));
            assertEquals(tag, DataPdu.transferTag(s, at));
            assertEquals(Integer.toUnsignedLong(dataOffset), DataPdu.offsetBytes(s, at));
            assertEquals(Integer.toUnsignedLong(dataLength), DataPdu.lengthBytes(s, at));
            for (int b = 0; b < 96; b++) {
                boolean inside = b >= at && b < at + 24;
                if (!inside) {
                    assertEquals(0x5A, s.get(ValueLayout.JAVA_BYTE, b));
                }
            }
        }
        assertTrue(Pdu.HLEN_MAX >= Pdu.IC_BYTES);
        assertFalse(Pdu.TERM_BYTES + Pdu.TERM_DATA_BYTES_MAX > 152);
    }
}
