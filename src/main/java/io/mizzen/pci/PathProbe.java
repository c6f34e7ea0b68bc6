package io.mizzen.pci;

import io.mizzen.ffi.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Whether a path is there, asked again and again without making objects: a reactor looks four times a second. Any thread. */
final class PathProbe {
    private static final int AT_FDCWD = -100;
    /** sizeof(struct statx). */
    private static final int STATX_BYTES = 256;

    private final MemorySegment path;
    private final MemorySegment answer;

    PathProbe(Path path) {
        this.path = Libc.cString(Arena.ofAuto(), path.toString());
        this.answer = Arena.ofAuto().allocate(STATX_BYTES, 8);
    }

    boolean exists() {
        return Libc.statx(AT_FDCWD, path.address(), 0, 0, answer.address()) == 0;
    }
}
