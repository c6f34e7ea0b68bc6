package io.mizzen.sim;

import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.LvStores;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.nexus.FaultReason;
import io.mizzen.nexus.MemberState;
import java.util.List;
import java.util.Random;

/**
 * Disks that are pulled out and plugged in again. As soon as one is back, its pool is opened anew and the children on it are
 * brought back, unless somebody has taken them out by request: what the control plane does by itself.
 */
final class DeviceOperations {
    private static final int PULLED_MAX = 2;

    private final Scenario scenario;
    private final Random random;
    private final MemberOperations members;

    DeviceOperations(Scenario scenario, MemberOperations members) {
        this.scenario = scenario;
        this.random = scenario.random;
        this.members = members;
    }

    /** A disk vanishes; now and then only for a moment. */
    void pull() {
        SimLeg.StoredDisk disk = scenario.stored.get(random.nextInt(scenario.stored.size()));
        if (disk.pulled || scenario.stored.stream().filter(other -> other.pulled).count() >= PULLED_MAX) {
            return;
        }
        if (random.nextInt(3) == 0) {
            disk.faults.fail(DiskFaults.Kind.DEAD, scenario.machine.hand.nowNs());      // Errors before the news.
            scenario.turns(random.nextInt(200));
            disk.faults.heal(scenario.machine.hand.nowNs());
        }
        scenario.volumes.forEach(SimVolume::newestRecord);      // The last moment that it can be read.
        scenario.trace.event("disk" + disk.number + " is pulled out");
        scenario.machine.pull(disk);
        if (random.nextInt(3) == 0) {
            scenario.turns(random.nextInt(400));
            plug(disk);
        }
    }

    void plugAny() {
        List<SimLeg.StoredDisk> out = scenario.stored.stream().filter(disk -> disk.pulled).toList();
        if (!out.isEmpty()) {
            plug(out.get(random.nextInt(out.size())));
        }
    }

    void plugAll() {
        scenario.stored.forEach(this::plug);
    }

    /** A disk is back, once everybody has let go of what it was; or its pool is tried again, which could not be opened then. */
    void plug(SimLeg.StoredDisk disk) {
        if (disk.pulled) {
            putBack(disk);
        } else if (!disk.wasPulled || disk.pool == null || scenario.machine.stores.find(disk.pool) != null) {
            return;
        }
        if (disk.pool != null) {
            if (scenario.<LvStore>operate("load " + disk.pool, done -> scenario.machine.stores.load(
                    scenario.machine.disks.get(disk.number), new LvStores.Expected(disk.pool, null, false), done)).failure() != null) {
                return;
            }
            disk.onLoaded();
        }
        for (SimVolume volume : scenario.volumes) {
            for (SimLeg leg : volume.legs) {
                if (leg.disk() == disk && volume.nexus != null && isOutByItself(volume, leg)) {
                    members.online(volume, leg);
                }
            }
        }
    }

    private void putBack(SimLeg.StoredDisk disk) {
        LvStore store = disk.pool == null ? null : scenario.machine.stores.find(disk.pool);
        if (store != null) {
            scenario.await("pool of disk" + disk.number + " to be quiet", store::quiet);
            scenario.export(store);
        }
        SimDisk gone = scenario.machine.disks.get(disk.number);
        scenario.await("disk" + disk.number + " to be let go", () -> !gone.isOpen());
        scenario.trace.event("disk" + disk.number + " is plugged in");
        scenario.machine.plug(disk);
    }

    private static boolean isOutByItself(SimVolume volume, SimLeg leg) {
        SlowMembers own = leg.members();
        for (ChildStatus child : volume.nexus.childStatuses()) {
            if (own != null && child.memberUuid().equals(own.self())) {
                return !child.present() && !(child.health() == MemberState.FAULTED
                        && (child.reason() == FaultReason.OFFLINE || child.reason() == FaultReason.ADMINISTRATIVE));
            }
        }
        return false;
    }
}
