package io.mizzen.rebuild;

import io.mizzen.bdev.Bdev;
import java.util.List;

/**
 * What a job is to do.
 *
 * @param volume the bdev whose ranges are locked, and whose hosts' latency back-off looks at
 * @param source the leg that is believed
 * @param destinations the others, one or more
 * @param plan what is copied
 * @param foreground what hosts do with the volume meanwhile
 */
public record RebuildSpec(RebuildKind kind, Bdev volume, RebuildLeg source, List<RebuildLeg> destinations,
        RebuildPlan plan, RebuildSettings settings, ForegroundLoad foreground) {
    public RebuildSpec {
        destinations = List.copyOf(destinations);
        assert !destinations.isEmpty();
    }

    /** With the volume's own counters as the foreground. */
    public RebuildSpec(RebuildKind kind, Bdev volume, RebuildLeg source, List<RebuildLeg> destinations,
            RebuildPlan plan, RebuildSettings settings) {
        this(kind, volume, source, destinations, plan, settings, volume::stats);
    }
}
