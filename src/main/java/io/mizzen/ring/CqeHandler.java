package io.mizzen.ring;

/** Receives the completions of an operation, on the ring's reactor. */
@FunctionalInterface
public interface CqeHandler {
    /**
     * {@code result} is that of the system call, or a negative errno. The slot is free afterwards, unless {@code more}
     * completions of the same operation follow.
     *
     * @param flags the entry's flags
     */
    void onCqe(RingSlot slot, int result, int flags, boolean more);
}
