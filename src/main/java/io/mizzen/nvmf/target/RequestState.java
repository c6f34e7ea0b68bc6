package io.mizzen.nvmf.target;

/**
 * States of a {@link Request}. Plain ints: they are compared per I/O.
 *
 * <pre>
 * FREE → RECEIVING → (AWAITING_RESUME →) (AWAITING_BUFFER → (TRANSFERRING →)) (AWAITING_RESUME | AWAITING_IO →) EXECUTING
 *                    → RESPONDING → FREE
 *            asynchronous events: RECEIVING → PARKED → RESPONDING
 * </pre>
 */
final class RequestState {
    static final int FREE = 0;
    /** The capsule's data arrives; ended by its last byte. */
    static final int RECEIVING = 1;
    /** No buffer was free; ended by one that is released, or by the retry timer. */
    static final int AWAITING_BUFFER = 2;
    /** The host was asked for data; ended by the last H2CData. */
    static final int TRANSFERRING = 3;
    /** The subsystem is paused; ended by its resume. */
    static final int AWAITING_RESUME = 4;
    /** No I/O record was free; ended by the retry timer. */
    static final int AWAITING_IO = 5;
    /** The bdev or the control reactor has it; ended by its completion. */
    static final int EXECUTING = 6;
    /** An asynchronous event request; ended by an event, an abort or a reset. */
    static final int PARKED = 7;
    /** The response is queued or being sent; ended by the send's completion. */
    static final int RESPONDING = 8;
    static final int COUNT = 9;

    private static final int[] NEXT = new int[COUNT];

    static {
        NEXT[FREE] = bits(RECEIVING);
        NEXT[RECEIVING] = bits(AWAITING_BUFFER, TRANSFERRING, AWAITING_RESUME, AWAITING_IO, EXECUTING, PARKED,
                RESPONDING, FREE);
        NEXT[AWAITING_BUFFER] = bits(TRANSFERRING, AWAITING_RESUME, AWAITING_IO, EXECUTING, RESPONDING, FREE);
        NEXT[TRANSFERRING] = bits(AWAITING_RESUME, AWAITING_IO, EXECUTING, RESPONDING, FREE);
        NEXT[AWAITING_RESUME] = bits(AWAITING_RESUME, AWAITING_BUFFER, TRANSFERRING, AWAITING_IO, EXECUTING, RESPONDING,
                FREE);
        NEXT[AWAITING_IO] = bits(AWAITING_RESUME, AWAITING_IO, EXECUTING, RESPONDING, FREE);
        NEXT[EXECUTING] = bits(RESPONDING, FREE);
        NEXT[PARKED] = bits(RESPONDING, FREE);
        NEXT[RESPONDING] = bits(FREE);
    }

    private RequestState() {
    }

    private static int bits(int... states) {
        int mask = 0;
        for (int state : states) {
            mask |= 1 << state;
        }
        return mask;
    }

    static boolean allowed(int from, int to) {
        return (NEXT[from] & 1 << to) != 0;
    }
}
