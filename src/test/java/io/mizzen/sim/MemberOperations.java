package io.mizzen.sim;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoLimit;
import io.mizzen.bdev.IoLimits;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.nexus.MemberState;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusState;
import io.mizzen.nexus.RebuildStatus;
import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.util.Completion;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.BiConsumer;

/** What operators do with the children of a volume, its rebuilds and its limits; and how they make it whole again. */
final class MemberOperations {
    private static final int ATTEMPTS_MAX = 60;
    private static final long ATTEMPT_NS = 1_000_000_000L;

    private final Scenario scenario;
    private final Random random;
    private final Operations operations;

    MemberOperations(Scenario scenario, Operations operations) {
        this.operations = operations;
        this.scenario = scenario;
        this.random = scenario.random;
    }

    private SimVolume anyVolume() {
        return scenario.volumes.get(random.nextInt(scenario.volumes.size()));
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    /** An operation on a child picked at random, by name. */
    private void onChild(String what, BiConsumer<Nexus, ChildOrder> operation) {
        SimVolume volume = anyVolume();
        ChildStatus child = any(volume.nexus.childStatuses());
        String name = child.bdev() == null ? child.memberUuid().toString() : child.bdev();
        scenario.<Void>operate(what + " " + volume.name() + " " + name,
                done -> operation.accept(volume.nexus, new ChildOrder(name, done)));
    }

    private record ChildOrder(String name, Completion<Void> done) {
    }

    void fault() {
        onChild("fault", (nexus, order) -> nexus.faultChild(order.name(), order.done()));
    }

    void offline() {
        onChild("offline", (nexus, order) -> nexus.offlineChild(order.name(), order.done()));
    }

    void remove() {
        SimVolume volume = anyVolume();
        if (volume.nexus.childStatuses().size() > 2) {
            onChild("remove", (nexus, order) -> nexus.removeChild(order.name(), order.done()));
        }
    }

    void steerRebuild() {
        switch (random.nextInt(6)) {
            case 0 -> onChild("pause rebuild", (nexus, order) -> nexus.pauseRebuild(order.name(), order.done()));
            case 1 -> onChild("resume rebuild", (nexus, order) -> nexus.resumeRebuild(order.name(), order.done()));
            case 2 -> onChild("stop rebuild", (nexus, order) -> nexus.stopRebuild(order.name(), order.done()));
            case 3 -> onChild("start rebuild", (nexus, order) -> nexus.startRebuild(order.name(), order.done()));
            case 4 -> onChild("verify", (nexus, order) -> nexus.verifyChild(order.name(), order.done()));
            default -> tune(anyVolume());
        }
    }

    /** Small windows and slow rates, so that hosts get between them. */
    void tune(SimVolume volume) {
        RebuildSettings settings = RebuildSettings.DEFAULTS.withSegments(1 + random.nextInt(3),
                RebuildSettings.PIECE_BYTES * (1 + random.nextInt(3))).withBackOff(random.nextBoolean())
                .withRate(random.nextInt(3) == 0 ? 16 << 20 : RebuildSettings.UNLIMITED);
        scenario.machine.hand.on(0, () -> volume.nexus.setRebuildSettings(settings));
    }

    /** A leg that is out comes back. */
    void online() {
        SimVolume volume = anyVolume();
        SimLeg leg = any(volume.legs);
        if (online(volume, leg) && random.nextBoolean()) {
            scenario.turns(random.nextInt(300));
            operations.failSource();
        }
    }

    boolean online(SimVolume volume, SimLeg leg) {
        Bdev bdev = scenario.machine.bdev(leg);
        return bdev != null && scenario.<Void>operate("online " + volume.name() + " " + leg,
                done -> volume.nexus.onlineChild(bdev, done)).failure() == null;
    }

    /** A leg that is none, or that was removed, becomes one. */
    void add() {
        SimVolume volume = anyVolume();
        SimLeg.StoredDisk disk = any(scenario.stored);
        SimLeg leg = volume.legs.stream().filter(one -> one.disk() == disk).findFirst().orElse(null);
        if (leg == null) {
            leg = new SimLeg(disk, disk.pool == null ? null : "r" + volume.number());
            if (disk.pool == null && scenario.volumes.size() > 1) {
                return;                 // It may be the other volume's.
            }
            volume.legs.add(leg);
        }
        add(volume, leg);
    }

    private void add(SimVolume volume, SimLeg leg) {
        if (scenario.machine.bdev(leg) == null && leg.lvol() != null) {
            LvStore store = scenario.machine.stores.find(leg.disk().pool);
            if (store == null) {
                return;
            }
            scenario.<Lvol>operate("create " + leg, done -> store.createLvol(leg.lvol(), new UUID(leg.disk().number + 1,
                    volume.uuid().getLeastSignificantBits()), volume.sizeBytes() + 8 * Scenario.MIB, random.nextBoolean(), done));
        }
        Bdev bdev = scenario.machine.bdev(leg);
        if (bdev != null) {
            scenario.<Void>operate("add " + volume.name() + " " + leg, done -> volume.nexus.addChild(bdev, done));
        }
    }

    void limit() {
        SimVolume volume = anyVolume();
        IoLimits limits = random.nextInt(3) == 0 ? IoLimits.NONE : new IoLimits(IoLimit.NONE, IoLimit.NONE,
                new IoLimit(2000 + random.nextInt(50_000), 0), IoLimit.NONE,
                random.nextBoolean() ? new IoLimit(4 << 20, 0) : IoLimit.NONE, IoLimit.NONE);
        limit(volume, limits);
    }

    private void limit(SimVolume volume, IoLimits limits) {
        scenario.<Void>mustDo("limit " + volume.name(), done -> volume.nexus.setLimits(limits, scenario.machine.control(), done));
    }

    /** The disk that something is copied from now, or null. */
    SimLeg.StoredDisk anySource() {
        SimVolume volume = anyVolume();
        for (RebuildStatus rebuild : scenario.machine.hand.call(0, volume.nexus::rebuildStatuses)) {
            for (SimLeg leg : volume.legs) {
                Bdev bdev = scenario.machine.bdev(leg);
                if (rebuild.source() != null && bdev != null && bdev.name().equals(rebuild.source())) {
                    return leg.disk();
                }
            }
        }
        return null;
    }

    // --- making whole ---------------------------------------------------------------------------------

    /** All faults are gone: every volume gets back to full health, within bounded time. */
    void makeWhole() {
        for (SimVolume volume : scenario.volumes) {
            limit(volume, IoLimits.NONE);
        }
        for (int attempt = 0; !isWhole(); attempt++) {
            Checks.require(attempt < ATTEMPTS_MAX, () -> "progress: volumes do not become whole: " + describe());
            boolean poolFaulted = scenario.stored.stream().anyMatch(disk -> disk.pool != null && disk.poolFaulted.getAsBoolean());
            if (poolFaulted) {
                scenario.restart();
            }
            scenario.volumes.forEach(this::mend);
            scenario.pass(ATTEMPT_NS);
        }
    }

    private boolean isWhole() {
        return scenario.volumes.stream().allMatch(volume -> volume.nexus.state() == NexusState.ONLINE);
    }

    private void mend(SimVolume volume) {
        operations.growReplicas(volume);
        scenario.machine.hand.on(0, () -> volume.nexus.setRebuildSettings(RebuildSettings.DEFAULTS));
        for (RebuildStatus rebuild : scenario.machine.hand.call(0, volume.nexus::rebuildStatuses)) {
            if (rebuild.phase() == RebuildStatus.Phase.PAUSED) {
                scenario.<Void>operate("resume rebuild " + rebuild.bdev(), done -> volume.nexus.resumeRebuild(rebuild.bdev(), done));
            } else if (rebuild.phase() == RebuildStatus.Phase.STOPPED) {
                scenario.<Void>operate("start rebuild " + rebuild.bdev(), done -> volume.nexus.startRebuild(rebuild.bdev(), done));
            }
        }
        for (ChildStatus child : volume.nexus.childStatuses()) {
            if (child.health() != MemberState.SYNCING && !(child.health() == MemberState.HEALTHY && child.present())) {
                SimLeg leg = volume.legOf(child.memberUuid());
                if (leg == null || !online(volume, leg) && child.health() == MemberState.FAULTED) {
                    scenario.<Void>operate("remove " + child.memberUuid(),
                            done -> volume.nexus.removeChild(child.memberUuid().toString(), done));
                }
            }
        }
    }

    private String describe() {
        StringBuilder text = new StringBuilder();
        for (SimVolume volume : scenario.volumes) {
            text.append(volume.name()).append(' ').append(volume.nexus.state()).append(' ')
                    .append(volume.nexus.childStatuses()).append(' ')
                    .append(scenario.machine.hand.call(0, volume.nexus::rebuildStatuses)).append("; ");
        }
        return text.toString();
    }
}
