package io.mizzen.sim;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;

/** What happened, in order: hashed, the last lines kept, printed if asked. Two runs of a seed have the same hash. */
final class Trace {
    private static final int KEPT = 60;
    private static final long FNV_PRIME = 0x100000001b3L;

    private final boolean prints;
    private final Deque<String> last = new ArrayDeque<>();
    private LongSupplier clock = () -> 0;
    private long hash = 0xcbf29ce484222325L;
    private long count;

    Trace(boolean prints) {
        this.prints = prints;
    }

    void useClock(LongSupplier nowNs) {
        clock = nowNs;
    }

    /** A rare event. */
    void event(String text) {
        long nowNs = clock.getAsLong();
        mix(nowNs);
        for (int i = 0; i < text.length(); i++) {
            mix(text.charAt(i));
        }
        String line = String.format("%,15d %s", nowNs / 1000, text);
        last.add(line);
        if (last.size() > KEPT) {
            last.remove();
        }
        if (prints) {
            System.out.println(line);
        }
    }

    /** A frequent one: numbers only, and words if somebody reads them. */
    void io(String what, int disk, int type, long offset, long count, int status) {
        mix(clock.getAsLong());
        mix((long) disk << 40 ^ (long) type << 32 ^ status);
        mix(offset * 31 + count);
        if (prints) {
            System.out.printf("%,15d   disk%d %s %s %d+%d%s%n", clock.getAsLong() / 1000, disk, what,
                    io.mizzen.bdev.IoType.name(type), offset, count, status == 0 ? "" : " status 0x" + Integer.toHexString(status));
        }
    }

    /** For readers only. */
    void detail(String what, Object subject) {
        if (prints) {
            System.out.printf("%,15d     %s %s%n", clock.getAsLong() / 1000, what, subject);
        }
    }

    private void mix(long value) {
        hash = (hash ^ value) * FNV_PRIME;
        count++;
    }

    long hash() {
        return hash;
    }

    long count() {
        return count;
    }

    Iterable<String> last() {
        return last;
    }
}
