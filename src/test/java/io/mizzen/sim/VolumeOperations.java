package io.mizzen.sim;

import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusParameters;
import io.mizzen.nvmf.target.Subsystem;
import java.util.Random;

/** What operators do with whole volumes while hosts use them: they grow, are shut down and assembled again. */
final class VolumeOperations {
    private static final long SIZE_MAX = 4 * Scenario.MIB;
    private static final int ATTEMPTS_MAX = 30;
    private static final int PATIENT_ATTEMPTS = 6;
    private static final long ATTEMPT_NS = 200_000_000;

    private final Scenario scenario;
    private final Random random;
    private final Operations operations;

    VolumeOperations(Scenario scenario, Operations operations) {
        this.scenario = scenario;
        this.random = scenario.random;
        this.operations = operations;
    }

    private SimVolume any() {
        return scenario.volumes.get(random.nextInt(scenario.volumes.size()));
    }

    // --- growing --------------------------------------------------------------------------------------

    /** First its replicas, then the nexus. Who cannot grow now keeps the nexus as it is. */
    void grow() {
        SimVolume volume = any();
        long sizeBytes = volume.sizeBytes() + Scenario.MIB;
        if (sizeBytes > SIZE_MAX) {
            return;
        }
        growReplicas(volume, sizeBytes);
        if (scenario.<Void>operate("grow " + volume, done -> volume.nexus.resize(sizeBytes, done)).failure() == null) {
            volume.measure();
            Checks.require(volume.sizeBytes() == sizeBytes, () -> "size: " + volume + " has " + volume.sizeBytes() + " bytes, not " + sizeBytes);
        }
    }

    /** Those that are there; also those that are no children now, so that they can be again. */
    void growReplicas(SimVolume volume, long sizeBytes) {
        long replicaBytes = sizeBytes + 8 * Scenario.MIB;
        for (SimLeg leg : volume.legs) {
            LvStore store = leg.lvol() == null ? null : scenario.machine.stores.find(leg.disk().pool);
            Lvol lvol = store == null ? null : store.findLvol(leg.lvol());
            if (lvol != null && lvol.bdev() != null && lvol.bdev().sizeBytes() < replicaBytes) {
                scenario.<Lvol>operate("grow " + leg, done -> store.resizeLvol(lvol, replicaBytes, done));
            }
        }
    }

    // --- shutdown and assembly ------------------------------------------------------------------------

    /** Hosts wait, and see the same namespace afterwards; nobody is told of an error. */
    void shutDownAndAssemble() {
        SimVolume volume = any();
        Subsystem subsystem = scenario.machine.hand.call(0, () -> scenario.machine.target.subsystem(volume.nqn()));
        if (subsystem == null || scenario.<Void>operate("pause " + volume, done -> scenario.machine.target.pause(subsystem, done))
                .failure() != null) {
            return;
        }
        scenario.<Void>mustDo("detach " + volume, done -> scenario.machine.target.detachNamespace(subsystem, HostCommand.NSID, done));
        Nexus closing = volume.nexus;
        if (scenario.<Void>operate("shut down " + volume, closing::close).failure() != null) {
            volume.history().onCacheLost();         // The last leg may be out, and its cache gone with it.
        }
        volume.nexus = null;
        volume.copiesInFlight = 0;
        scenario.turns(random.nextInt(300));
        for (int attempt = 0; volume.nexus == null; attempt++) {
            Checks.require(attempt < ATTEMPTS_MAX, () -> "progress: " + volume + " cannot be assembled again");
            if (attempt > 2 * PATIENT_ATTEMPTS) {
                operations.healAll();
            } else if (attempt > PATIENT_ATTEMPTS) {
                operations.healOne();
            }
            if (scenario.open(volume, NexusParameters.Mode.ASSEMBLE) != null) {
                scenario.pass(ATTEMPT_NS);
            }
        }
        scenario.<Void>mustDo("attach " + volume, done -> scenario.machine.target.attachNamespace(subsystem, HostCommand.NSID,
                volume.nexus, done));
        scenario.<Void>mustDo("resume " + volume, done -> scenario.machine.target.resume(subsystem, done));
    }
}
