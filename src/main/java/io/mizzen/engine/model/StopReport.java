package io.mizzen.engine.model;

import java.util.List;

/**
 * How an ordered stop went.
 *
 * @param clean everything below happened within the deadline
 * @param steps the steps in order, each with what it took
 */
public record StopReport(boolean clean, List<Step> steps) {
    /**
     * One step of the sequence.
     *
     * @param outcome "done", or what went wrong
     */
    public record Step(String name, long durationNs, String outcome) { }
}
