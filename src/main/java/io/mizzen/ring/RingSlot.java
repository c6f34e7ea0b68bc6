package io.mizzen.ring;

/**
 * One operation that the kernel has. The slot's index and a generation are the entry's user data, so that a completion
 * that comes late, after the slot went to somebody else, is recognised.
 */
public final class RingSlot {
    final int index;
    int generation;
    boolean busy;
    CqeHandler handler;
    /** The operation's own. */
    public Object context;
    /** The operation's own. */
    public long value;

    RingSlot(int index) {
        this.index = index;
    }

    /** What the kernel gives back with the completion. */
    public long userData() {
        return (long) generation << 32 | index;
    }
}
