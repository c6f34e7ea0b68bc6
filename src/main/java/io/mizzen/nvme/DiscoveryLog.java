package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_LONG;
import static io.mizzen.ffi.RawMemory.LE_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Discovery log page, 70h: a header of 1024 bytes, then entries of 1024 bytes (base specification 2.0, section
 * 5.16.1.23).
 */
public final class DiscoveryLog {
    public static final int HEADER_BYTES = 1024;
    public static final int ENTRY_BYTES = 1024;
    public static final String NQN = "nqn.2014-08.org.nvmexpress.discovery";

    public static final int TRTYPE_TCP = 3;
    public static final int ADRFAM_IPV4 = 1;
    public static final int ADRFAM_IPV6 = 2;
    public static final int SUBTYPE_REFERRAL = 1;
    public static final int SUBTYPE_NVM = 2;
    public static final int SUBTYPE_CURRENT_DISCOVERY = 3;
    /** TREQ: a secure channel is not required. */
    public static final int TREQ_NOT_REQUIRED = 2;
    /** EFLAGS: the discovery controller keeps connections that send keep alives. */
    public static final int EFLAGS_PERSISTENT = 1 << 1;
    public static final int EFLAGS_DUPLICATE = 1;

    private DiscoveryLog() {
    }

    public static void header(MemorySegment s, long at, long generation, long recordCount) {
        s.set(LE_LONG, at, generation);
        s.set(LE_LONG, at + 8, recordCount);
        s.set(LE_SHORT, at + 16, (short) 0);
    }

    public static long generation(MemorySegment s, long at) {
        return s.get(LE_LONG, at);
    }

    public static long recordCount(MemorySegment s, long at) {
        return s.get(LE_LONG, at + 8);
    }

    /** Fills an entry of zeros. */
    public static void entry(MemorySegment s, long at, int subtype, int adrfam, String address, int port, int portId,
            String subsystemNqn, int adminQueueEntries, int flags) {
        s.set(JAVA_BYTE, at, (byte) TRTYPE_TCP);
        s.set(JAVA_BYTE, at + 1, (byte) adrfam);
        s.set(JAVA_BYTE, at + 2, (byte) subtype);
        s.set(JAVA_BYTE, at + 3, (byte) TREQ_NOT_REQUIRED);
        s.set(LE_SHORT, at + 4, (short) portId);
        s.set(LE_SHORT, at + 6, (short) 0xFFFF);
        s.set(LE_SHORT, at + 8, (short) adminQueueEntries);
        s.set(LE_SHORT, at + 10, (short) flags);
        Text.spacePadded(s, at + 32, 32, Integer.toString(port));
        Text.zeroPadded(s, at + 256, 256, subsystemNqn);
        Text.spacePadded(s, at + 512, 256, address);
    }

    public static int subtype(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 2) & 0xFF;
    }

    public static int addressFamily(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 1) & 0xFF;
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 10) & 0xFFFF;
    }

    /** TRSVCID: the port. */
    public static String service(MemorySegment s, long at) {
        return Text.padded(s, at + 32, 32);
    }

    public static String subsystemNqn(MemorySegment s, long at) {
        return Text.padded(s, at + 256, 256);
    }

    /** TRADDR: the address. */
    public static String address(MemorySegment s, long at) {
        return Text.padded(s, at + 512, 256);
    }
}
