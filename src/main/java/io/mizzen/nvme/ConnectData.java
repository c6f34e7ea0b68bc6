package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_LONG;
import static io.mizzen.ffi.RawMemory.LE_SHORT;

import java.lang.foreign.MemorySegment;

/** Data of the connect command, 1024 bytes (base specification 2.0, section 6.3). */
public final class ConnectData {
    public static final int SIZE_BYTES = 1024;
    public static final int HOST_ID = 0;
    public static final int CNTLID = 16;
    public static final int SUBNQN = 256;
    public static final int HOSTNQN = 512;

    private ConnectData() {
    }

    /** Bytes 0 to 7 of the host identifier, the first byte most significant, as a UUID prints them. */
    public static long hostIdHigh(MemorySegment s, long at) {
        return Long.reverseBytes(s.get(LE_LONG, at));
    }

    public static long hostIdLow(MemorySegment s, long at) {
        return Long.reverseBytes(s.get(LE_LONG, at + 8));
    }

    public static int controllerId(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + CNTLID) & 0xFFFF;
    }

    /** Subsystem NQN; null when it is not a terminated, well-formed name. */
    public static String subsystemNqn(MemorySegment s, long at) {
        return Text.nqn(s, at + SUBNQN);
    }

    public static String hostNqn(MemorySegment s, long at) {
        return Text.nqn(s, at + HOSTNQN);
    }

    /** Fills the whole structure. */
    public static void set(MemorySegment s, long at, long hostIdHigh, long hostIdLow, int controllerId,
            String subsystemNqn, String hostNqn) {
        s.asSlice(at, SIZE_BYTES).fill((byte) 0);
        s.set(LE_LONG, at, Long.reverseBytes(hostIdHigh));
        s.set(LE_LONG, at + 8, Long.reverseBytes(hostIdLow));
        s.set(LE_SHORT, at + CNTLID, (short) controllerId);
        Text.zeroPadded(s, at + SUBNQN, 256, subsystemNqn);
        Text.zeroPadded(s, at + HOSTNQN, 256, hostNqn);
    }
}
