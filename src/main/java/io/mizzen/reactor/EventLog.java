package io.mizzen.reactor;

import io.mizzen.util.HotPath;
import java.util.ArrayList;
import java.util.List;

/**
 * The last events of one reactor, for whoever looks at a stall or a crash. Written by its reactor; read by anybody,
 * who may see an entry half written. Names are constants, so recording allocates nothing.
 */
public final class EventLog {
    private static final int CAPACITY = 256;

    private final long[] times = new long[CAPACITY];
    private final String[] names = new String[CAPACITY];
    private final long[] firsts = new long[CAPACITY];
    private final long[] seconds = new long[CAPACITY];
    private int count;

    /** Records an event with two numbers of its own meaning. */
    @HotPath
    public void add(long nowNs, String name, long first, long second) {
        int index = count++ & (CAPACITY - 1);
        times[index] = nowNs;
        names[index] = name;
        firsts[index] = first;
        seconds[index] = second;
    }

    /** The newest events, oldest first, one line each; times are relative to {@code nowNs}. */
    public List<String> dump(long nowNs, int limit) {
        List<String> lines = new ArrayList<>();
        int end = count;
        for (int i = Math.max(0, end - Math.min(limit, CAPACITY)); i < end; i++) {
            int index = i & (CAPACITY - 1);
            lines.add("-" + (nowNs - times[index]) / 1_000 + "us " + names[index] + " " + firsts[index] + " "
                    + seconds[index]);
        }
        return lines;
    }
}
