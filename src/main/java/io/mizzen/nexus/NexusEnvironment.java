package io.mizzen.nexus;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.reactor.Mthread;
import java.util.function.LongSupplier;

/**
 * What a nexus needs from outside.
 *
 * @param home an mthread of the control reactor: owner of members and metadata
 * @param copier where resynchronisation copies
 * @param wallClockMs milliseconds since 1970
 */
public record NexusEnvironment(BdevRegistry registry, Mthread home, Mthread copier, LongSupplier wallClockMs,
        Events events) {
    /** Told of state changes, on the control reactor. */
    @FunctionalInterface
    public interface Events {
        /** One change, as {@code what key=value ...}. */
        void onEvent(Nexus nexus, String event);
    }
}
