package io.mizzen.sim;

import io.mizzen.nexus.Nexus;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** A mirrored volume over its whole life: what carries it, what its hosts know, and the nexus of the machine that runs. */
final class SimVolume {
    /** Label V2: user data begins here on every child. */
    static final long DATA_OFFSET_BYTES = 4 << 20;

    private final int number;
    private final long sizeBytes;
    private final int blockBytes;
    private final boolean volatileCache;
    private final History history;
    /** Everything that is or was a child. */
    final List<SimLeg> legs = new ArrayList<>();
    /** Null while no machine has it up. */
    Nexus nexus;
    private boolean legsDiffered;

    SimVolume(int number, long sizeBytes, int blockBytes, boolean volatileCache) {
        this.number = number;
        this.sizeBytes = sizeBytes;
        this.blockBytes = blockBytes;
        this.volatileCache = volatileCache;
        this.history = new History(sizeBytes / blockBytes, volatileCache);
    }

    String name() {
        return "v" + number;
    }

    UUID uuid() {
        return new UUID(0x5EED, number);
    }

    String nqn() {
        return "nqn.2026-11.io.mizzen:" + uuid();
    }

    long sizeBytes() {
        return sizeBytes;
    }

    int blockBytes() {
        return blockBytes;
    }

    History history() {
        return history;
    }

    /** What the desired state says are its children. */
    List<SimLeg> members() {
        return List.copyOf(legs);
    }

    /** Whether reads may still depend on which leg answers. */
    boolean legsMayDiffer() {
        return nexus == null || nexus.suspectRegions() > 0;
    }

    /** Called often: notes when the legs have become equal. */
    void watch() {
        boolean now = legsMayDiffer();
        if (legsDiffered && !now) {
            history.onLegsEqual();
        }
        legsDiffered = now;
    }

    /** What the legs' records say, newest first wins; null if none has any. */
    SlowMembers newestRecord() {
        SlowMembers newest = null;
        for (SimLeg leg : legs) {
            SlowMembers one = leg.members();
            if (one != null && one.nexus().equals(uuid()) && (newest == null || one.generation() > newest.generation())) {
                newest = one;
            }
        }
        return newest;
    }

    /** Legs that the newest record counts as healthy. */
    List<SimLeg> healthyLegs() {
        SlowMembers newest = newestRecord();
        Checks.require(newest != null, "members: no leg of " + name() + " carries a record");
        List<SimLeg> healthy = new ArrayList<>();
        for (SimLeg leg : legs) {
            SlowMembers own = leg.members();
            if (own != null && own.nexus().equals(uuid()) && newest.isHealthy(own.self())) {
                healthy.add(leg);
            }
        }
        return healthy;
    }

    /**
     * A write was acknowledged to a host: every leg that is stored as healthy holds it, and there is one. Durably, where
     * that was promised.
     */
    void onAcknowledged(HostCommand command) {
        boolean durable = command.forcedUnitAccess || !volatileCache;
        List<SimLeg> healthy = healthyLegs();
        for (SimLeg leg : healthy) {
            byte[] data = leg.read(DATA_OFFSET_BYTES + command.lba * blockBytes, command.count * blockBytes, durable);
            for (int i = 0; i < command.count; i++) {
                long held = Stamps.of(data, i * blockBytes, blockBytes, command.lba + i);
                Checks.require(held == command.stamp, "persist: " + command + " is acknowledged, but " + leg
                        + ", stored as healthy, holds " + held + " at block " + (command.lba + i));
            }
        }
        Checks.require(!healthy.isEmpty(), "persist: " + command + " is acknowledged, but no leg is stored as healthy");
    }

    /** At rest: all healthy legs are equal, byte by byte, and hold what the history allows. */
    void checkMirror() {
        List<SimLeg> healthy = healthyLegs();
        Checks.require(!healthy.isEmpty(), "mirror: " + name() + " has no healthy leg");
        byte[] first = healthy.getFirst().read(DATA_OFFSET_BYTES, (int) sizeBytes, false);
        for (SimLeg other : healthy) {
            byte[] data = other.read(DATA_OFFSET_BYTES, (int) sizeBytes, false);
            int differs = java.util.Arrays.mismatch(first, data);
            Checks.require(differs < 0, "mirror: " + healthy.getFirst() + " and " + other + " of " + name()
                    + " differ at block " + differs / blockBytes);
        }
        for (int block = 0; block < history.blocks(); block++) {
            long stamp = Stamps.of(first, block * blockBytes, blockBytes, block);
            int at = block;
            Checks.require(history.mayHold(block, stamp),
                    () -> "mirror: " + name() + " holds " + stamp + ", but " + history.describe(at));
        }
    }
}
