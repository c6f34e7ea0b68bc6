package io.mizzen.nexus;

import java.util.Objects;
import java.util.UUID;

/**
 * One member as the metadata records it. Immutable.
 *
 * @param uuid names the member on its own child, whatever the child's bdev is called
 * @param lastHealthyGeneration the newest generation in which it was healthy; a copy on the member itself that is newer
 *     than this means that it lived on without the others
 * @param changedAtMs when its state last changed, milliseconds since 1970
 */
record Member(UUID uuid, MemberState state, FaultReason reason, long lastHealthyGeneration, long changedAtMs) {
    Member {
        Objects.requireNonNull(uuid);
        Objects.requireNonNull(state);
        Objects.requireNonNull(reason);
    }

    boolean isHealthy() {
        return state == MemberState.HEALTHY;
    }
}
