package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Identify controller data structure, CNS 01h, 4096 bytes (base specification 2.0, figure 275). Text is ASCII padded
 * with spaces; the subsystem name is UTF-8 padded with zeros.
 */
public final class IdentifyController {
    public static final int SIZE_BYTES = 4096;

    public static final int TYPE_IO = 1;
    public static final int TYPE_DISCOVERY = 2;
    public static final int OAES_NAMESPACE_ATTRIBUTES = 1 << 8;
    public static final int OAES_ANA_CHANGE = 1 << 11;
    public static final int OAES_DISCOVERY_CHANGE = 1 << 31;
    public static final int CTRATT_HOST_ID_128 = 1;
    public static final int CTRATT_TRAFFIC_KEEP_ALIVE = 1 << 6;
    public static final int CMIC_PORTS = 1;
    public static final int CMIC_CONTROLLERS = 1 << 1;
    public static final int CMIC_ANA = 1 << 3;
    public static final int LPA_COMMAND_EFFECTS = 1 << 1;
    public static final int LPA_EXTENDED = 1 << 2;
    /** OACS: shadow doorbells. */
    public static final int OACS_DOORBELL_BUFFERS = 1 << 8;
    public static final int ONCS_COMPARE = 1;
    public static final int ONCS_DATASET_MANAGEMENT = 1 << 2;
    public static final int ONCS_WRITE_ZEROES = 1 << 3;
    public static final int ONCS_SAVE_FIELD = 1 << 4;
    public static final int ONCS_RESERVATIONS = 1 << 5;
    public static final int ONCS_VERIFY = 1 << 7;
    public static final int VWC_PRESENT = 1;
    /** A flush with NSID FFFFFFFFh is refused. */
    public static final int VWC_BROADCAST_REFUSED = 2 << 1;
    /** A flush with NSID FFFFFFFFh flushes every namespace. */
    public static final int VWC_BROADCAST = 3 << 1;
    /** SGLs without alignment demands. */
    public static final int SGLS_SUPPORTED = 1;
    /** Address field of a data block may be an offset: data in the capsule. */
    public static final int SGLS_OFFSET = 1 << 20;
    /** The transport SGL data block descriptor. */
    public static final int SGLS_TRANSPORT = 1 << 21;

    private static final long SERIAL = 4;
    private static final long MODEL = 24;
    private static final long FIRMWARE = 64;
    private static final long CMIC = 76;
    private static final long MDTS = 77;
    private static final long CONTROLLER_ID = 78;
    private static final long VERSION = 80;
    private static final long RTD3E_MICROSECONDS = 88;
    private static final long OAES = 92;
    private static final long CTRATT = 96;
    private static final long CONTROLLER_TYPE = 111;
    private static final long CRDT1 = 128;
    private static final long OACS = 256;
    private static final long ACL = 258;
    private static final long AERL = 259;
    private static final long FRMW = 260;
    private static final long LPA = 261;
    private static final long ELPE = 262;
    private static final long KAS = 320;
    private static final long SQES = 512;
    private static final long CQES = 513;
    private static final long MAX_COMMANDS = 514;
    private static final long NAMESPACE_COUNT = 516;
    private static final long ONCS = 520;
    private static final long VWC = 525;
    private static final long SGLS = 536;
    private static final long NAMESPACES_ALLOWED_MAX = 540;
    private static final long SUBSYSTEM_NQN = 768;
    private static final long IOCCSZ = 1792;
    private static final long IORCSZ = 1796;
    private static final long ICDOFF = 1800;
    private static final long MSDBD = 1803;
    private static final long OFCS = 1804;

    private IdentifyController() {
    }

    public static String serial(MemorySegment s, long at) {
        return Text.padded(s, at + SERIAL, 20);
    }

    public static void serial(MemorySegment s, long at, String value) {
        Text.spacePadded(s, at + SERIAL, 20, value);
    }

    public static String model(MemorySegment s, long at) {
        return Text.padded(s, at + MODEL, 40);
    }

    public static void model(MemorySegment s, long at, String value) {
        Text.spacePadded(s, at + MODEL, 40, value);
    }

    public static String firmware(MemorySegment s, long at) {
        return Text.padded(s, at + FIRMWARE, 8);
    }

    public static void firmware(MemorySegment s, long at, String value) {
        Text.spacePadded(s, at + FIRMWARE, 8, value);
    }

    /** CMIC: bit 0 several ports, bit 1 several controllers, bit 3 ANA. */
    public static void cmic(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + CMIC, (byte) value);
    }

    /** MDTS: largest transfer as a power of two of the minimum page size; 0 = no limit. */
    public static int mdts(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + MDTS) & 0xFF;
    }

    public static void mdts(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + MDTS, (byte) value);
    }

    public static int controllerId(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + CONTROLLER_ID) & 0xFFFF;
    }

    public static void controllerId(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + CONTROLLER_ID, (short) value);
    }

    public static int version(MemorySegment s, long at) {
        return s.get(LE_INT, at + VERSION);
    }

    public static void version(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + VERSION, value);
    }

    /** OAES: optional asynchronous events. */
    public static int oaes(MemorySegment s, long at) {
        return s.get(LE_INT, at + OAES);
    }

    public static void oaes(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + OAES, value);
    }

    /** CTRATT: bit 0 128-bit host identifier, bit 6 traffic based keep alive. */
    public static void ctratt(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + CTRATT, value);
    }

    /** CNTRLTYPE: 1 I/O, 2 discovery, 3 administrative. */
    public static int controllerType(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + CONTROLLER_TYPE) & 0xFF;
    }

    public static void controllerType(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + CONTROLLER_TYPE, (byte) value);
    }

    /** Command retry delay of that number, 1 to 3, in 100 ms. */
    public static int crdt(MemorySegment s, long at, int number) {
        return s.get(LE_SHORT, at + CRDT1 + 2L * (number - 1)) & 0xFFFF;
    }

    public static void crdt(MemorySegment s, long at, int number, int value) {
        s.set(LE_SHORT, at + CRDT1 + 2L * (number - 1), (short) value);
    }

    /** RTD3E: how long an orderly shutdown may take, microseconds; 0: not said. */
    public static long shutdownMicroseconds(MemorySegment s, long at) {
        return s.get(LE_INT, at + RTD3E_MICROSECONDS) & 0xFFFF_FFFFL;
    }

    public static void shutdownMicroseconds(MemorySegment s, long at, long value) {
        s.set(LE_INT, at + RTD3E_MICROSECONDS, (int) value);
    }

    /** OACS: optional admin commands. */
    public static int oacs(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + OACS) & 0xFFFF;
    }

    public static void oacs(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + OACS, (short) value);
    }

    /** Abort command limit, counted from zero. */
    public static int acl(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + ACL) & 0xFF;
    }

    public static void acl(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + ACL, (byte) value);
    }

    /** Asynchronous event request limit, counted from zero. */
    public static int aerl(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + AERL) & 0xFF;
    }

    public static void aerl(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + AERL, (byte) value);
    }

    /** Firmware updates: bit 0 slot 1 read only, 3:1 slots. */
    public static void frmw(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + FRMW, (byte) value);
    }

    /** LPA: bit 0 SMART per namespace, 1 command effects, 2 extended data (offsets). */
    public static void lpa(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + LPA, (byte) value);
    }

    /** Error log entries, counted from zero. */
    public static int elpe(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + ELPE) & 0xFF;
    }

    public static void elpe(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + ELPE, (byte) value);
    }

    /** Keep alive granularity in 100 ms; 0 = not supported. */
    public static int kas(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + KAS) & 0xFFFF;
    }

    public static void kas(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + KAS, (short) value);
    }

    /** Submission queue entry size: required (3:0), largest (7:4). */
    public static int sqes(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + SQES) & 0xFF;
    }

    public static void sqes(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + SQES, (byte) value);
    }

    public static void cqes(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + CQES, (byte) value);
    }

    /** MAXCMD: outstanding commands of a queue; mandatory for fabrics. */
    public static int maxCommands(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + MAX_COMMANDS) & 0xFFFF;
    }

    public static void maxCommands(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + MAX_COMMANDS, (short) value);
    }

    /** NN: largest namespace id. */
    public static int namespaceCount(MemorySegment s, long at) {
        return s.get(LE_INT, at + NAMESPACE_COUNT);
    }

    public static void namespaceCount(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + NAMESPACE_COUNT, value);
    }

    /** ONCS: optional NVM commands. */
    public static int oncs(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + ONCS) & 0xFFFF;
    }

    public static void oncs(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + ONCS, (short) value);
    }

    /** VWC: bit 0 a volatile write cache is present, 2:1 flush to NSID FFFFFFFFh. */
    public static int vwc(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + VWC) & 0xFF;
    }

    public static void vwc(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + VWC, (byte) value);
    }

    /** SGLS: SGL support. */
    public static int sgls(MemorySegment s, long at) {
        return s.get(LE_INT, at + SGLS);
    }

    public static void sgls(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + SGLS, value);
    }

    /** MNAN. */
    public static void namespacesAllowedMax(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + NAMESPACES_ALLOWED_MAX, value);
    }

    public static String subsystemNqn(MemorySegment s, long at) {
        return Text.padded(s, at + SUBSYSTEM_NQN, 256);
    }

    public static void subsystemNqn(MemorySegment s, long at, String value) {
        Text.zeroPadded(s, at + SUBSYSTEM_NQN, 256, value);
    }

    /** IOCCSZ: I/O command capsule size in 16 bytes. */
    public static int ioccsz(MemorySegment s, long at) {
        return s.get(LE_INT, at + IOCCSZ);
    }

    public static void ioccsz(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + IOCCSZ, value);
    }

    /** IORCSZ: I/O response capsule size in 16 bytes. */
    public static int iorcsz(MemorySegment s, long at) {
        return s.get(LE_INT, at + IORCSZ);
    }

    public static void iorcsz(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + IORCSZ, value);
    }

    /** In-capsule data offset in 16 bytes after the command. */
    public static int icdoff(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + ICDOFF) & 0xFFFF;
    }

    /** SGL data block descriptors in a capsule. */
    public static void msdbd(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + MSDBD, (byte) value);
    }

    /** OFCS: bit 0 disconnect command. */
    public static void ofcs(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + OFCS, (short) value);
    }
}
