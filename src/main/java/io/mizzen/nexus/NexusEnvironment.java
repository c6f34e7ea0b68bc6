package io.mizzen.nexus;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.reactor.Mthread;
import io.mizzen.rebuild.WorkerChooser;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What a nexus needs from outside.
 *
 * @param home an mthread of the control reactor: owner of members and metadata
 * @param copier chooses where copying runs
 * @param wallClockMs milliseconds since 1970
 * @param identities each another one, never drawn before by anybody
 */
public record NexusEnvironment(BdevRegistry registry, Mthread home, WorkerChooser copier, LongSupplier wallClockMs,
        Supplier<UUID> identities, Events events) {
    /** Told of state changes, on the control reactor. */
    @FunctionalInterface
    public interface Events {
        /** One change, as {@code what key=value ...}. */
        void onEvent(Nexus nexus, String event);
    }
}
