package io.mizzen.bdev;

import io.mizzen.util.HotPath;

/** First in, first out, linked through {@link BdevIo#queueNext}; an I/O waits in at most one. One reactor's own. */
public final class IoQueue {
    private BdevIo head;
    private BdevIo tail;
    private int size;

    @HotPath
    public void add(BdevIo io) {
        assert io.queueNext == null;
        if (tail == null) {
            head = io;
        } else {
            tail.queueNext = io;
        }
        tail = io;
        size++;
    }

    /** The oldest, or null. */
    @HotPath
    public BdevIo poll() {
        BdevIo io = head;
        if (io != null) {
            head = io.queueNext;
            io.queueNext = null;
            if (head == null) {
                tail = null;
            }
            size--;
        }
        return io;
    }

    /** The oldest, which stays; or null. */
    @HotPath
    public BdevIo peek() {
        return head;
    }

    @HotPath
    public boolean isEmpty() {
        return head == null;
    }

    @HotPath
    public int size() {
        return size;
    }

    /** Moves everything from another queue to the end of this one. */
    @HotPath
    public void addAll(IoQueue other) {
        if (other.head == null) {
            return;
        }
        if (tail == null) {
            head = other.head;
        } else {
            tail.queueNext = other.head;
        }
        tail = other.tail;
        size += other.size;
        other.head = null;
        other.tail = null;
        other.size = 0;
    }
}
