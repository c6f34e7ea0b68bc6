package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;

import java.lang.foreign.MemorySegment;

/**
 * List of up to 1024 namespace ids, ascending, ended by 0: active namespaces (CNS 02h and 07h) and the changed namespace
 * list log page, 04h (base specification 2.0, sections 4.4.2 and 5.16.1.5).
 */
public final class NamespaceList {
    public static final int SIZE_BYTES = 4096;
    public static final int ENTRIES_MAX = 1024;

    private NamespaceList() {
    }

    public static int get(MemorySegment s, long at, int index) {
        return s.get(LE_INT, at + index * 4L);
    }

    public static void set(MemorySegment s, long at, int index, int nsid) {
        assert index >= 0;
        assert index < ENTRIES_MAX;
        s.set(LE_INT, at + index * 4L, nsid);
    }
}
