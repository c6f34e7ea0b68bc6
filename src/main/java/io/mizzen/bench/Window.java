package io.mizzen.bench;

import io.mizzen.bdev.IoType;
import io.mizzen.util.HotPath;

/** The worst of a stretch of time, nanoseconds: of the I/Os that ended in it. One reactor's own while it is noted. */
final class Window {
    long readMaxNs;
    long writeMaxNs;
    /** Longest time in which no write ended. */
    long writeGapMaxNs;
    private long lastWriteEndNs;

    /** @param nowNs when the stretch begins: the first gap does too */
    Window(long nowNs) {
        lastWriteEndNs = nowNs;
    }

    @HotPath
    void note(int type, long startNs, long endNs) {
        if (type == IoType.READ) {
            readMaxNs = Math.max(readMaxNs, endNs - startNs);
        } else {
            writeMaxNs = Math.max(writeMaxNs, endNs - startNs);
            writeGapMaxNs = Math.max(writeGapMaxNs, endNs - lastWriteEndNs);
            lastWriteEndNs = endNs;
        }
    }

    /** The stretch ends: so does the last gap. */
    void end(long nowNs) {
        writeGapMaxNs = Math.max(writeGapMaxNs, nowNs - lastWriteEndNs);
    }

    /** Takes the worse of both. */
    void add(Window other) {
        readMaxNs = Math.max(readMaxNs, other.readMaxNs);
        writeMaxNs = Math.max(writeMaxNs, other.writeMaxNs);
        writeGapMaxNs = Math.max(writeGapMaxNs, other.writeGapMaxNs);
    }
}
