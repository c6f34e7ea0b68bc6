package io.mizzen.util;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4) of native memory by raw address, without allocation: views of whole windows
 * of the address space are made once each and kept. The sum is the finished one (seed and final inversion of all ones).
 * One thread.
 */
public final class Crc32c {
    private static final int WINDOW_SHIFT = 30;
    private static final int WINDOW_VIEW_BYTES = Integer.MAX_VALUE - 15;
    private static final int WINDOW_COUNT = 32;
    /** Longest range of one call: it fits into the view of the window where it begins. */
    public static final int LENGTH_MAX_BYTES = (1 << WINDOW_SHIFT) - 16;

    private final CRC32C sum = new CRC32C();
    private final long[] windows = new long[WINDOW_COUNT];
    private final ByteBuffer[] views = new ByteBuffer[WINDOW_COUNT];
    private int windowCount;
    private int evictNext;
    private int lastWindow;

    /** The sum of a range. */
    @HotPath
    public int of(long address, int lengthBytes) {
        sum.reset();
        update(address, lengthBytes);
        return value();
    }

    /** Begins a sum over several ranges. */
    @HotPath
    public void reset() {
        sum.reset();
    }

    /** Adds a range. */
    @HotPath
    public void update(long address, int lengthBytes) {
        assert lengthBytes >= 0;
        assert lengthBytes <= LENGTH_MAX_BYTES;
        ByteBuffer view = view(address >>> WINDOW_SHIFT);
        int begin = (int) (address & (1L << WINDOW_SHIFT) - 1);
        view.limit(begin + lengthBytes);
        view.position(begin);
        sum.update(view);
        view.limit(WINDOW_VIEW_BYTES);
    }

    /** The sum of all ranges since {@link #reset}. */
    @HotPath
    public int value() {
        return (int) sum.getValue();
    }

    @HotPath
    private ByteBuffer view(long window) {
        if (windows[lastWindow] == window && views[lastWindow] != null) {
            return views[lastWindow];
        }
        for (int i = 0; i < windowCount; i++) {
            if (windows[i] == window) {
                lastWindow = i;
                return views[i];
            }
        }
        return addWindow(window);
    }

    private ByteBuffer addWindow(long window) {
        int index;
        if (windowCount < WINDOW_COUNT) {
            index = windowCount++;
        } else {
            index = evictNext;
            evictNext = (evictNext + 1) % WINDOW_COUNT;
        }
        windows[index] = window;
        views[index] = MemorySegment.ofAddress(window << WINDOW_SHIFT).reinterpret(WINDOW_VIEW_BYTES).asByteBuffer();
        lastWindow = index;
        return views[index];
    }
}
