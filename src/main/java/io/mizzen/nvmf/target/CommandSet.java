package io.mizzen.nvmf.target;

/** What a queue's commands mean. One instance per kind of queue; the state is the request's and the connection's. */
interface CommandSet {
    /** Says which data the command moves (direction and bytes of the request), or why it is refused. */
    int prepare(Request request);

    /** Whether the command must wait until the subsystem goes on; it is asked before it takes a buffer. */
    default boolean isHeld(Request request) {
        return false;
    }

    /** The data, if the host sends any, is in memory; so is a buffer for what the host gets. Ends in a completion. */
    void execute(Request request);
}
