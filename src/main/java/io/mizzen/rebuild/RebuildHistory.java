package io.mizzen.rebuild;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The last jobs of a volume, bounded: the oldest goes first. Any thread. */
public final class RebuildHistory {
    public static final int CAPACITY_DEFAULT = 32;

    private final Deque<RebuildRecord> records = new ArrayDeque<>();
    private final int capacity;
    private long count;

    public RebuildHistory(int capacity) {
        assert capacity > 0;
        this.capacity = capacity;
    }

    public synchronized void add(RebuildRecord record) {
        if (records.size() == capacity) {
            records.removeFirst();
        }
        records.addLast(record);
        count++;
    }

    /** Oldest first. */
    public synchronized List<RebuildRecord> records() {
        return new ArrayList<>(records);
    }

    /** All jobs that ever ended, those that are forgotten too. */
    public synchronized long count() {
        return count;
    }
}
