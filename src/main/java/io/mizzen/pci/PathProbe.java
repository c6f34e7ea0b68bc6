package io.mizzen.pci;

import io.mizzen.ffi.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Whether a path is there, asked again and again without making objects: a reactor looks four times a second. Any thread. */
final class PathProbe {
    private final MemorySegment path;

    PathProbe(Path path) {
        this.path = Libc.cString(Arena.ofAuto(), path.toString());
    }

    boolean exists() {
        return Libc.exists(path.address());
    }
}
