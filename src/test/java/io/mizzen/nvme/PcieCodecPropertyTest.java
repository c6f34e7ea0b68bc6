package io.mizzen.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What only PCIe controllers need, against the figures' bytes and against its own inverse. */
class PcieCodecPropertyTest {
    private final MemorySegment s = MemorySegment.ofArray(new byte[4096]);

    private String hex(int at, int length) {
        return HexFormat.of().formatHex(s.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void queueFieldsAreTheirOwnInverse() {
        assertEquals(0x00FF_0003, QueueCommands.create(3, 256));
        assertEquals(0x0005_0003, QueueCommands.completionQueue(5));
        assertEquals(0x0000_0001, QueueCommands.completionQueue(-1));
        assertEquals(0x0007_0001, QueueCommands.submissionQueue(7));
        assertEquals(0x0003_0001, QueueCommands.count(2, 4));
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            int id = random.nextInt(0x10000);
            int entries = 1 + random.nextInt(0x10000);
            int cdw10 = QueueCommands.create(id, entries);
            assertEquals(id, QueueCommands.queueId(cdw10));
            assertEquals(entries, QueueCommands.entries(cdw10));
            assertEquals(id, QueueCommands.vector(QueueCommands.completionQueue(id)));
            assertEquals(id, QueueCommands.completionQueueId(QueueCommands.submissionQueue(id)));
            int other = 1 + random.nextInt(0x10000);
            assertEquals(Math.min(entries, other), QueueCommands.pairs(QueueCommands.count(entries, other)));
        }
    }

    @Test
    void rangesOfDatasetManagement() {
        DatasetRange.set(s, 16, 0x1122_3344_5566L, 0xFFFF_FFFFL);
        assertEquals("00000000" + "ffffffff" + "6655443322110000", hex(16, 16));
        assertEquals(0xFFFF_FFFFL, DatasetRange.blockCount(s, 16));
        assertEquals(0x1122_3344_5566L, DatasetRange.startLba(s, 16));
    }

    @Test
    void doorbellsLieInPairs() {
        assertEquals(0x00, Properties.doorbell(0, false, 4));
        assertEquals(0x04, Properties.doorbell(0, true, 4));
        assertEquals(0x18, Properties.doorbell(3, false, 4));
        assertEquals(0x70, Properties.doorbell(3, true, 16));
    }

    @Test
    void fieldsLieWhereTheFiguresSay() {
        IdentifyController.shutdownMicroseconds(s, 0, 0xFEDC_BA98L);
        assertEquals("98badcfe", hex(88, 4));
        assertEquals(0xFEDC_BA98L, IdentifyController.shutdownMicroseconds(s, 0));
        IdentifyNamespace.protection(s, 0, 3);
        assertEquals("03", hex(29, 1));
        assertEquals(3, IdentifyNamespace.protection(s, 0));
        s.fill((byte) 0);
        long next = NamespaceDescriptors.nguid(s, 0, 1, 2);
        NamespaceDescriptors.commandSet(s, next, 2);
        assertEquals(2, NamespaceDescriptors.commandSet(s, NamespaceDescriptors.find(s, 0, NamespaceDescriptors.TYPE_COMMAND_SET)));
    }
}
