package io.mizzen.sim;

import io.mizzen.nexus.MemberState;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/** A mirrored volume over its whole life: what carries it, what its hosts know, and the nexus of the machine that runs. */
final class SimVolume {
    /** Label V2: user data begins here on every child. */
    static final long DATA_OFFSET_BYTES = 4 << 20;

    private final int number;
    private long sizeBytes;
    private final int blockBytes;
    private final boolean volatileCache;
    private final History history;
    /** Everything that is or was a child. */
    final List<SimLeg> legs = new ArrayList<>();
    /** Null while no machine has it up. */
    Nexus nexus;
    private boolean legsDiffered;
    private SlowMembers newestSeen;
    private boolean cacheLost;
    private long joinedAtNs = Long.MIN_VALUE;
    private long blockedAtNs = Long.MIN_VALUE;
    /** I/Os of copies at its disks. */
    int copiesInFlight;

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

    /** Its nexus may have been made larger: hosts use it all. */
    void measure() {
        Checks.require(nexus.sizeBytes() >= sizeBytes, () -> "size: " + name() + " of " + sizeBytes + " bytes has " + nexus.sizeBytes());
        sizeBytes = nexus.sizeBytes();
        history.grow((int) (sizeBytes / blockBytes));
    }

    History history() {
        return history;
    }

    int number() {
        return number;
    }

    /** Legs that are children by what the disks say. */
    List<SimLeg> members() {
        SlowMembers newest = newestRecord();
        return newest == null ? List.copyOf(legs) : legs.stream().filter(leg -> {
            SlowMembers own = leg.members();
            return own != null && own.nexus().equals(uuid()) && newest.members().contains(own.self());
        }).toList();
    }

    /** The leg that carries a member, or null. */
    SimLeg legOf(UUID member) {
        for (SimLeg leg : legs) {
            SlowMembers own = leg.members();
            if (own != null && own.nexus().equals(uuid()) && own.self().equals(member)) {
                return leg;
            }
        }
        return null;
    }

    /** Whether reads may still depend on which leg answers. */
    boolean legsMayDiffer() {
        return nexus == null || nexus.suspectRegions() > 0 || copiesInFlight > 0;
    }

    /** The bare disks carry something already, each something else. */
    void fillBareLegs() {
        Set<Long> stamps = new HashSet<>();
        for (SimLeg leg : legs) {
            long stamp = leg.lvol() == null ? -1L - leg.disk().number : 0;
            stamps.add(stamp);
            for (int i = 0; i < history.blocks() && stamp != 0; i++) {
                leg.disk().media.write(DATA_OFFSET_BYTES / blockBytes + i, Stamps.data(stamp, i, 1, blockBytes), true);
            }
        }
        history.hold(stamps);
    }

    @Override
    public String toString() {
        return name();
    }

    /** Whether a leg may have failed since then. */
    boolean sourceMayFail(long sinceNs) {
        return legs.stream().anyMatch(leg -> leg.mayHaveFailed(sinceNs));
    }

    /** A command failed: no leg can have been there that is healthy, on a disk without a fault since it was sent. */
    void checkAvailability(HostCommand command, long sinceNs, int status) {
        if (joinedAtNs >= sinceNs || !command.isRead() && blockedAtNs >= sinceNs) {
            return;             // A leg has become healthy since; or a fault that an operator asked for could not be stored on the other legs.
        }
        if (command.isFlush() && cacheLost) {
            return;             // So hosts learn of it.
        }
        for (SimLeg leg : healthyLegs()) {
            Checks.require(leg.disk().wasPulled && !isPresent(leg) || isJoining(leg) || command.isFlush() && leg.mayTellLoss() || leg.mayHaveFailed(sinceNs), () -> "availability: " + command + " fails with status "
                    + Integer.toHexString(status) + " though " + leg + " is healthy");
        }
    }

    /** Whether the leg is about to be healthy: it is stored on some legs, and not yet in effect. */
    private boolean isJoining(SimLeg leg) {
        SlowMembers own = leg.members();
        return nexus != null && own != null && nexus.childStatuses().stream()
                .anyMatch(child -> child.health() == MemberState.SYNCING && child.memberUuid().equals(own.self()));
    }

    /** Whether the nexus uses the leg now. */
    private boolean isPresent(SimLeg leg) {
        SlowMembers own = leg.members();
        return nexus != null && own != null && nexus.childStatuses().stream()
                .anyMatch(child -> child.present() && child.memberUuid().equals(own.self()));
    }

    /** Something became of a child: what differing legs answered may be answered otherwise. */
    void onNexusEvent(String event, long nowNs) {
        if (event.startsWith("child-healthy") || event.startsWith("child-returned")) {
            joinedAtNs = nowNs;
        }
        cacheLost |= event.startsWith("cache-lost");
        if (event.startsWith("child-returned")) {
            history.onCacheLost();
        }
        if (event.startsWith("child-") || event.startsWith("resync-failed")) {
            history.onSourceLost();
        }
    }

    /** Called often: notes when the legs have become equal. */
    void watch(long nowNs) {
        if (nexus != null && nexus.state() == NexusState.FAULTED) {
            blockedAtNs = nowNs;
        }
        boolean now = legsMayDiffer();
        if (legsDiffered && !now) {
            history.onLegsEqual();
        }
        legsDiffered = now;
    }

    /** What the legs' records say, newest first wins; null if none has any. A pool on a disk that was pulled out is not readable. */
    SlowMembers newestRecord() {
        SlowMembers newest = newestSeen;
        for (SimLeg leg : legs) {
            SlowMembers one = leg.members();
            if (one != null && one.nexus().equals(uuid()) && (newest == null || one.generation() > newest.generation())) {
                newest = one;
            }
        }
        newestSeen = newest;
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
    void onAcknowledged(HostCommand command, long sentNs) {
        boolean durable = command.forcedUnitAccess || !volatileCache;
        List<SimLeg> healthy = healthyLegs();
        for (SimLeg leg : healthy) {
            if (leg.disk().wasOut(sentNs)) {
                continue;       // What its cache held may be gone since.
            }
            byte[] data = leg.read(DATA_OFFSET_BYTES + command.lba * blockBytes, command.count * blockBytes, durable);
            for (int i = 0; i < command.count; i++) {
                long held = Stamps.of(data, i * blockBytes, blockBytes, command.lba + i);
                Checks.require(held == command.stamp, "persist: " + command + " is acknowledged, but " + leg
                        + ", stored as healthy, holds " + held + " at block " + (command.lba + i));
            }
        }
        Checks.require(!healthy.isEmpty() || legs.stream().anyMatch(leg -> leg.disk().wasOut(sentNs)), "persist: " + command + " is acknowledged, but no leg is stored as healthy");
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
