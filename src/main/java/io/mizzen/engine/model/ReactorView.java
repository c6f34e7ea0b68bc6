package io.mizzen.engine.model;

import java.util.List;

/**
 * One core's event loop.
 *
 * @param core CPU number
 * @param control whether this is the first (control) reactor
 * @param state INIT, RUNNING, DELAYED (idle, asleep) or SHUTDOWN
 * @param numaNode node of the core, 0 where there is one only
 * @param busyShare share of time in turns that found work, 0 to 1, since the start
 * @param idleNs time in turns that found none
 * @param sleepNs time asleep
 */
public record ReactorView(int core, boolean control, String state, PollMode pollMode, int numaNode,
                          long turns, long busyNs, long idleNs, long sleepNs,
                          double busyShare, long messages, long sleeps,
                          long wakeups, long stalls, List<MthreadView> mthreads) {

    /**
     * A unit of work of the reactor.
     *
     * @param messages messages run so far
     */
    public record MthreadView(int id, String name, long messages, List<PollerView> pollers,
                              List<PollGroupView> pollGroups) { }

    /**
     * A function that the reactor calls every turn, or every period.
     *
     * @param periodNs 0: every turn
     * @param runs calls so far
     * @param busyRuns calls that found work
     * @param busyShare busyRuns / runs, 0 to 1
     */
    public record PollerView(String name, long periodNs, long runs, long busyRuns, double busyShare) { }

    /** The sockets of one mthread, served together. */
    public record PollGroupView(String name, List<ConnectionView> connections) { }
}
