package io.mizzen.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Bytes written by hand from the specifications' figures, against the accessors. */
class NvmeCodecTest {
    private static MemorySegment bytes(String hex) {
        return MemorySegment.ofArray(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    private static MemorySegment zeros(int size) {
        return MemorySegment.ofArray(new byte[size]);
    }

    private static String hex(MemorySegment s, int at, int length) {
        return HexFormat.of().formatHex(s.asSlice(at, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
    }

    /** A write of 8 blocks at LBA 0x123456789A, FUA, data in the capsule. */
    @Test
    void submissionEntryFields() {
        MemorySegment s = bytes("01 40 3412 02000000 0000000000000000 0000000000000000"
                + "0000000000000000 00100000 000000 01 9a78563412000000 07000040 00000000 00000000 00000000");
        assertEquals(64, s.byteSize());
        assertEquals(Opcodes.NVM_WRITE, Sqe.opcode(s, 0));
        assertEquals(Sqe.PSDT_SGL, Sqe.psdt(s, 0));
        assertEquals(Sqe.FUSE_NONE, Sqe.fuse(s, 0));
        assertEquals(0x1234, Sqe.cid(s, 0));
        assertEquals(2, Sqe.nsid(s, 0));
        assertEquals(0x123456789AL, Sqe.startLba(s, 0));
        assertEquals(8, Sqe.blockCount(s, 0));
        assertEquals(Opcodes.CDW12_FUA, Sqe.cdw(s, 0, 12) & Opcodes.CDW12_FUA);
        assertEquals(SglDescriptor.IN_CAPSULE, SglDescriptor.typeByte(s, Sqe.sgl1(0)));
        assertEquals(4096, SglDescriptor.lengthBytes(s, Sqe.sgl1(0)));

        MemorySegment built = zeros(64);
        Sqe.opcode(built, 0, Opcodes.NVM_WRITE);
        Sqe.flags(built, 0, Sqe.PSDT_SGL << 6);
        Sqe.cid(built, 0, 0x1234);
        Sqe.nsid(built, 0, 2);
        SglDescriptor.set(built, Sqe.sgl1(0), SglDescriptor.IN_CAPSULE, 0, 4096);
        Sqe.startLba(built, 0, 0x123456789AL);
        Sqe.cdw(built, 0, 12, Opcodes.CDW12_FUA);
        Sqe.blockCount(built, 0, 8);
        assertEquals(-1, s.mismatch(built));
    }

    @Test
    void completionEntryFields() {
        MemorySegment s = bytes("78563412 00000000 0500 0300 ffee 05c1");
        assertEquals(0x12345678, Cqe.result(s, 0));
        assertEquals(5, Cqe.sqHead(s, 0));
        assertEquals(3, Cqe.sqId(s, 0));
        assertEquals(0xEEFF, Cqe.cid(s, 0));
        assertEquals(1, Cqe.phase(s, 0));
        assertEquals(0xC105 >>> 1, Cqe.status(s, 0));
        Cqe.status(s, 0, NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD));
        assertEquals("0480", hex(s, 14, 2));
        assertEquals(0, Cqe.phase(s, 0));
    }

    @Test
    void controllerFieldsLieWhereTheFigureSays() {
        MemorySegment s = zeros(4096);
        IdentifyController.serial(s, 0, "S1");
        IdentifyController.model(s, 0, "Mizzen");
        IdentifyController.mdts(s, 0, 8);
        IdentifyController.controllerId(s, 0, 0x0102);
        IdentifyController.controllerType(s, 0, IdentifyController.TYPE_IO);
        IdentifyController.kas(s, 0, 10);
        IdentifyController.maxCommands(s, 0, 128);
        IdentifyController.namespaceCount(s, 0, 7);
        IdentifyController.vwc(s, 0, 7);
        IdentifyController.sgls(s, 0, IdentifyController.SGLS_SUPPORTED | IdentifyController.SGLS_OFFSET
                | IdentifyController.SGLS_TRANSPORT);
        IdentifyController.subsystemNqn(s, 0, "nqn.2026-11.io.mizzen:x");
        IdentifyController.ioccsz(s, 0, 516);
        IdentifyController.ofcs(s, 0, 1);
        assertEquals("5331" + "20".repeat(18) + "4d697a7a656e", hex(s, 4, 26));
        assertEquals("08" + "0201", hex(s, 77, 3));
        assertEquals("01", hex(s, 111, 1));
        assertEquals("0a00", hex(s, 320, 2));
        assertEquals("8000" + "07000000", hex(s, 514, 6));
        assertEquals("07", hex(s, 525, 1));
        assertEquals("01003000", hex(s, 536, 4));
        assertEquals("6e716e2e", hex(s, 768, 4));
        assertEquals("04020000", hex(s, 1792, 4));
        assertEquals("0100", hex(s, 1804, 2));
        assertEquals("S1", IdentifyController.serial(s, 0));
    }

    @Test
    void namespaceFieldsAndIdentifiers() {
        MemorySegment s = zeros(4096);
        IdentifyNamespace.sizeBlocks(s, 0, 0x1122334455L);
        IdentifyNamespace.format(s, 0, 0, 12, 0);
        IdentifyNamespace.dlfeat(s, 0, 9);
        IdentifyNamespace.nguidHigh(s, 0, 0x0123456789ABCDEFL);
        IdentifyNamespace.eui64(s, 0, 0x0102030405060708L);
        assertEquals("5544332211000000", hex(s, 0, 8));
        assertEquals("09", hex(s, 33, 1));
        assertEquals("0123456789abcdef", hex(s, 104, 8));
        assertEquals("0102030405060708", hex(s, 120, 8));
        assertEquals("00000c00", hex(s, 128, 4));
        assertEquals(12, IdentifyNamespace.formatBlockShift(s, 0, IdentifyNamespace.formatInUse(s, 0)));

        MemorySegment list = zeros(4096);
        long next = NamespaceDescriptors.uuid(list, 0, 0x0123456789ABCDEFL, 0x1112131415161718L);
        next = NamespaceDescriptors.nguid(list, next, 1, 2);
        NamespaceDescriptors.commandSet(list, next, Identify.CSI_NVM);
        assertEquals("03100000" + "0123456789abcdef" + "1112131415161718" + "02100000", hex(list, 0, 24));
        assertEquals("0401000000" + "00", hex(list, 40, 6));
        assertEquals(20, NamespaceDescriptors.find(list, 0, NamespaceDescriptors.TYPE_NGUID));
        assertEquals(-1, NamespaceDescriptors.find(list, 0, NamespaceDescriptors.TYPE_EUI64));
        assertEquals(0x1112131415161718L, NamespaceDescriptors.low(list, 0));
    }

    @Test
    void connectCommandAndData() {
        MemorySegment s = zeros(64);
        Sqe.opcode(s, 0, Opcodes.FABRICS);
        FabricsCommand.type(s, 0, FabricsCommand.CONNECT);
        FabricsCommand.connect(s, 0, 3, 127, FabricsCommand.CATTR_NO_FLOW_CONTROL, 15_000);
        assertEquals("0000" + "0300" + "7f00" + "04" + "00" + "983a0000", hex(s, 40, 12));
        assertEquals(3, FabricsCommand.connectQueueId(s, 0));
        assertEquals(127, FabricsCommand.connectSqSize(s, 0));
        assertEquals(15_000, FabricsCommand.connectKeepAliveMs(s, 0));

        MemorySegment data = zeros(1024);
        ConnectData.set(data, 0, 0x0123456789ABCDEFL, 5, 0xFFFF, "nqn.2026-11.io.mizzen:a", "nqn.2014-08.org:h");
        assertEquals("0123456789abcdef" + "0000000000000005" + "ffff", hex(data, 0, 18));
        assertEquals("nqn.2026-11.io.mizzen:a", ConnectData.subsystemNqn(data, 0));
        assertEquals("nqn.2014-08.org:h", ConnectData.hostNqn(data, 0));
        assertEquals(5, ConnectData.hostIdLow(data, 0));
        data.asSlice(512, 256).fill((byte) 'n');
        assertNull(ConnectData.hostNqn(data, 0), "a name without terminator");
    }

    @Test
    void propertyGetAndSet() {
        MemorySegment s = zeros(64);
        FabricsCommand.property(s, 0, FabricsCommand.PROPERTY_8_BYTES, Properties.CAP, 0);
        assertEquals(1, FabricsCommand.propertySize(s, 0));
        FabricsCommand.property(s, 0, FabricsCommand.PROPERTY_4_BYTES, Properties.CC,
                Properties.ccEnable(Properties.CC_CSS_NVM));
        assertEquals("00000000" + "14000000" + "01004600", hex(s, 40, 12));
        int cc = (int) FabricsCommand.propertyValue(s, 0);
        assertTrue(Properties.ccEnabled(cc));
        assertEquals(64, Properties.ccSqeBytes(cc));
        assertEquals(16, Properties.ccCqeBytes(cc));
        assertEquals(4096, Properties.ccPageSizeBytes(cc));
        long cap = Properties.cap(128, 20);
        assertEquals(128, Properties.capEntriesMax(cap));
        assertEquals(10_000_000_000L, Properties.capTimeoutNs(cap));
        assertEquals(1, Properties.capCommandSets(cap));
        assertEquals(4, Properties.capDoorbellStrideBytes(cap));
        assertEquals(4096, Properties.capPageSizeMinBytes(cap));
    }

    @Test
    void discoveryEntry() {
        MemorySegment s = zeros(2048);
        DiscoveryLog.header(s, 0, 9, 1);
        DiscoveryLog.entry(s, 1024, DiscoveryLog.SUBTYPE_NVM, DiscoveryLog.ADRFAM_IPV6, "fd00::1", 4420, 2,
                "nqn.2026-11.io.mizzen:a", 32, 0);
        assertEquals("0900000000000000" + "0100000000000000" + "0000", hex(s, 0, 18));
        assertEquals("030202020200ffff20000000", hex(s, 1024, 12));
        assertEquals("34343230" + "20".repeat(28), hex(s, 1024 + 32, 32));
        assertEquals("66643030", hex(s, 1024 + 512, 4));
        assertEquals("fd00::1", DiscoveryLog.address(s, 1024));
        assertEquals("4420", DiscoveryLog.service(s, 1024));
        assertEquals("nqn.2026-11.io.mizzen:a", DiscoveryLog.subsystemNqn(s, 1024));
    }

    @Test
    void logPageFieldsAndEvents() {
        int cdw10 = LogPages.cdw10(LogPages.DISCOVERY, 4096, true);
        assertEquals(0x03FF_8070, cdw10);
        assertEquals(4096, LogPages.lengthBytes(cdw10, 0));
        assertEquals(0x1_0000L * 4 + 4096, LogPages.lengthBytes(cdw10, 1));
        assertTrue(LogPages.retainEvent(cdw10));
        assertEquals(0x00_04_00_02, AsyncEvents.NAMESPACE_ATTRIBUTES);
        assertEquals(0x00_70_F0_02, AsyncEvents.DISCOVERY_CHANGE);
        MemorySegment effects = zeros(4096);
        CommandEffectsLog.io(effects, 0, Opcodes.NVM_WRITE, 3);
        assertEquals("03000000", hex(effects, 1028, 4));
        MemorySegment firmware = zeros(512);
        FirmwareSlotLog.set(firmware, 0, "0.1.0");
        assertEquals("01", hex(firmware, 0, 1));
        assertEquals("302e312e30202020", hex(firmware, 8, 8));
    }

    @Test
    void namesAreChecked() {
        assertTrue(Text.isNqn("nqn.2014-08.org.nvmexpress:uuid:0f8fad5b-d9cb-469f-a165-70867728950e"));
        assertTrue(Text.isNqn(DiscoveryLog.NQN));
        assertTrue(Text.isNqn("nqn.2026-11.io.mizzen:" + "x".repeat(223 - 22)));
        assertFalse(Text.isNqn("nqn.2026-11.io.mizzen:" + "x".repeat(224 - 22)));
        assertFalse(Text.isNqn("nqn.2026-11."));
        assertFalse(Text.isNqn("nqn.2026/11.io.mizzen:a"));
        assertFalse(Text.isNqn("iqn.2026-11.io.mizzen:a"));
        assertFalse(Text.isNqn("nqn.2026-11.io mizzen:a"));
        assertFalse(Text.isNqn(""));
    }
}
