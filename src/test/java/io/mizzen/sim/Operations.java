package io.mizzen.sim;

import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.nvmf.target.Subsystem;
import java.util.List;
import java.util.Random;

/**
 * What goes wrong and what operators do meanwhile. A new operation is one more line in {@link #all}; what it leaves behind
 * is put right in {@link #healAll} and {@link #makeWhole}.
 */
final class Operations {
    private interface Action {
        void run();
    }

    private record Weighted(int weight, Action action) {
    }

    private final Scenario scenario;
    private final Random random;
    private final List<Weighted> all;
    private final MemberOperations members;
    private final DeviceOperations devices;
    private final VolumeOperations volumes;
    private int nextReplica;

    Operations(Scenario scenario) {
        this.scenario = scenario;
        this.random = scenario.random;
        this.members = new MemberOperations(scenario, this);
        this.devices = new DeviceOperations(scenario, members);
        this.volumes = new VolumeOperations(scenario, this);
        int faulty = scenario.plan.profile() == SimPlan.Profile.POWER_CUTS ? 0 : 1;
        this.all = List.of(
                new Weighted(6 * faulty, this::failDisk),
                new Weighted(4 * faulty, this::healOne),
                new Weighted(4 * faulty, this::failSource),
                new Weighted(4, this::breakConnection),
                new Weighted(4, this::stallConnection),
                new Weighted(3, this::runShort),
                new Weighted(2 * faulty, members::fault),
                new Weighted(3 * faulty, members::offline),
                new Weighted(2 * faulty, members::remove),
                new Weighted(7 * faulty, members::online),
                new Weighted(4 * faulty, members::add),
                new Weighted(3 * faulty, members::steerRebuild),
                new Weighted(2, members::limit),
                new Weighted(3, this::pauseSubsystem),
                new Weighted(3 * faulty, devices::pull),
                new Weighted(4 * faulty, devices::plugAny),
                new Weighted(2, volumes::shutDownAndAssemble),
                new Weighted(2, volumes::grow),
                new Weighted(4, this::changePool));
    }

    /** One of them. */
    void one() {
        int dice = random.nextInt(all.stream().mapToInt(Weighted::weight).sum());
        for (Weighted one : all) {
            dice -= one.weight();
            if (dice < 0) {
                one.action().run();
                return;
            }
        }
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private long nowNs() {
        return scenario.machine.hand.nowNs();
    }

    // --- faults ---------------------------------------------------------------------------------------

    private void failDisk() {
        long failing = scenario.stored.stream().filter(disk -> disk.faults.fails()).count();
        SimLeg.StoredDisk disk = any(scenario.stored);
        DiskFaults.Kind kind = DiskFaults.Kind.values()[1 + random.nextInt(DiskFaults.Kind.values().length - 1)];
        if (failing == 0 || random.nextInt(5) == 0) {
            scenario.trace.event("disk" + disk.number + " is " + kind);
            disk.faults.fail(kind, nowNs());
        }
    }

    /** What is copied from fails, once or now and then. */
    void failSource() {
        boolean failing = scenario.stored.stream().anyMatch(disk -> disk.faults.fails());
        SimLeg.StoredDisk source = members.anySource();
        if (source != null && !failing) {
            DiskFaults.Kind kind = random.nextBoolean() ? DiskFaults.Kind.ONE_WRITE : DiskFaults.Kind.SOME_WRITES;
            scenario.trace.event("disk" + source.number + ", a source, is " + kind);
            source.faults.fail(kind, nowNs());
        }
    }

    void healOne() {
        SimLeg.StoredDisk disk = any(scenario.stored);
        if (disk.faults.kind() != DiskFaults.Kind.NONE) {
            scenario.trace.event("disk" + disk.number + " is healed");
        }
        disk.faults.heal(nowNs());
        devices.plug(disk);
    }

    private void breakConnection() {
        scenario.workload.anyHost().breakOne();
    }

    private void stallConnection() {
        scenario.workload.anyHost().stallOne(nowNs() + random.nextLong(2_000_000));
    }

    private void runShort() {
        any(scenario.stored).faults.beShortOfResources(random.nextBoolean() ? 0 : 2 + random.nextInt(20));
    }

    // --- operators ------------------------------------------------------------------------------------

    private void pauseSubsystem() {
        SimVolume volume = any(scenario.volumes);
        Subsystem subsystem = scenario.machine.hand.call(0, () -> scenario.machine.target.subsystem(volume.nqn()));
        if (subsystem != null) {
            SimMachine.Outcome<Void> paused = scenario.machine.start(done -> scenario.machine.target.pause(subsystem, done));
            scenario.await("pause", paused);
            if (paused.failure() == null) {
                scenario.turns(random.nextInt(300));
                scenario.<Void>mustDo("resume", done -> scenario.machine.target.resume(subsystem, done));
            }
        }
    }

    /** Volumes of no nexus come and go in a pool, so that its metadata is written. */
    private void changePool() {
        List<LvStore> stores = scenario.machine.hand.call(0, scenario.machine.stores::all);
        if (stores.isEmpty()) {
            return;
        }
        LvStore store = any(stores);
        List<Lvol> extra = store.lvols().stream().filter(lvol -> lvol.name().startsWith("x") && lvol.usable())
                .toList();
        int what = random.nextInt(3);
        if (extra.isEmpty() || what == 0 && extra.size() < 3) {
            String name = "x" + nextReplica++;
            scenario.<Lvol>operate("create " + name, done -> store.createLvol(name, new java.util.UUID(0xE, nextReplica),
                    (1 + random.nextInt(3)) * Scenario.MIB, true, done));
        } else if (what == 1) {
            Lvol lvol = any(extra);
            scenario.<Lvol>operate("resize " + lvol, done -> store.resizeLvol(lvol, (1 + random.nextInt(4)) * Scenario.MIB, done));
        } else {
            Lvol lvol = any(extra);
            scenario.<Void>operate("destroy " + lvol, done -> store.destroyLvol(lvol, done));
        }
    }

    /** Every replica is large enough for its volume, if its pool allows that. */
    void growReplicas(SimVolume volume) {
        volumes.growReplicas(volume, volume.sizeBytes());
    }

    void tune(SimVolume volume) {
        members.tune(volume);
    }

    // --- putting right --------------------------------------------------------------------------------


    /** No fault is left. */
    void healAll() {
        scenario.trace.event("everything is healed");
        scenario.stored.forEach(disk -> disk.faults.heal(nowNs()));
        devices.plugAll();
    }

    /** Operators bring the volumes back to full health. */
    void makeWhole() {
        members.makeWhole();
    }
}
