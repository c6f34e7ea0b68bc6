package io.mizzen.sim;

import io.mizzen.bdev.Bdev;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.LvStores;
import io.mizzen.lvs.Lvol;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusParameters;
import io.mizzen.nvmf.target.HostAccess;
import io.mizzen.nvmf.target.Namespace;
import io.mizzen.nvmf.target.NamespaceIdentity;
import io.mizzen.nvmf.target.Subsystem;
import io.mizzen.nvmf.target.Target;
import io.mizzen.testsupport.FakeSockets;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * One seed: a machine that is set up, loaded, disturbed and cut off several times; then everything is healed, and it has to
 * come to rest: hosts answered, mirrors whole, nothing held. Whoever finds something throws {@link Checks.Finding}.
 */
final class Scenario {
    /** What a seed came to, if nothing was found. */
    record Result(long traceHash, long acknowledged, long reads, int powerCuts, int reconnects, long virtualNs) {
    }

    /** The power fails here. */
    private static final class PowerCut extends RuntimeException {
        private static final long serialVersionUID = 1L;

        PowerCut() {
            super("power cut", null, false, false);
        }
    }

    static final long MIB = 1 << 20;
    private static final int REGION_SHIFT = 16;
    private static final long PROGRESS_NS = 300_000_000_000L;
    /** Shorter than in production: slow disks that fail would have everybody wait for more turns than there are. */
    private static final long FREEZE_NS = 2_000_000_000L;
    private static final int PROGRESS_TURNS = 4_000_000;
    private static final long RETRY_NS = 100_000_000;

    final SimPlan plan;
    final Random random;
    final Trace trace;
    final List<SimLeg.StoredDisk> stored = new ArrayList<>();
    final List<SimVolume> volumes = new ArrayList<>();
    final SimMemory memory;
    final Workload workload;
    SimMachine machine;
    private final Operations operations;
    private int turnsUntilCut = -1;
    private int idleTurns;
    private boolean willCut;
    private int cutOneIn;
    private int powerCuts;
    private boolean accepting;

    Scenario(long seed, SimMemory memory, Trace trace) {
        this.random = new Random(seed * 0x9E3779B97F4A7C15L + 1);
        this.trace = trace;
        this.memory = memory;
        this.plan = SimPlan.of(random);
        trace.event("seed " + seed + " " + plan);
        for (int i = 0; i < plan.disks(); i++) {
            long size = (i < plan.poolDisks() ? 40 : 16) * MIB;
            stored.add(new SimLeg.StoredDisk(i, size, plan.blockBytes(), random.nextInt(4) > 0,
                    i < plan.poolDisks() ? "pool" + i : null));
            stored.get(i).media.litter(i < plan.poolDisks() ? size : 0, random);
        }
        for (int v = 0; v < plan.volumes(); v++) {
            SimVolume volume = new SimVolume(v, plan.volumeBytes(), plan.blockBytes(), plan.volatileCache());
            for (int l = 0; l < plan.legs(); l++) {
                SimLeg.StoredDisk disk = stored.get((l + v) % plan.disks());
                volume.legs.add(new SimLeg(disk, disk.pool == null ? null : "r" + v));
            }
            if (random.nextInt(3) == 0) {
                volume.fillBareLegs();
            }
            volumes.add(volume);
        }
        workload = new Workload(this);
        operations = new Operations(this);
    }

    /** Where hosts find the machine that runs. */
    final SimHost.Route route = new SimHost.Route() {
        @Override
        public FakeSockets network() {
            return accepting ? machine.sockets : null;
        }

        @Override
        public long nowNs() {
            return machine.hand.nowNs();
        }
    };

    Result run() {
        memory.reset();
        power();
        setUp();
        for (int life = 0; life < plan.lives(); life++) {
            try {
                willCut = life < plan.lives() - 1;
                if (life > 0) {
                    turnsUntilCut = willCut && random.nextInt(5) == 0 ? 1 + random.nextInt(800) : -1;
                    bringUp();
                }
                live(plan.turns());
            } catch (PowerCut cut) {
                cutPower();
            }
        }
        rest();
        return new Result(trace.hash(), workload.acknowledged(), volumes.stream().mapToLong(v -> v.history().readsChecked())
                .sum(), powerCuts, workload.reconnects(), machine.hand.nowNs());
    }

    // --- time ---------------------------------------------------------------------------------------

    /** One turn of hosts and of a reactor picked at random. */
    void turn() {
        if (turnsUntilCut > 0 && --turnsUntilCut == 0) {
            throw new PowerCut();
        }
        workload.turn();
        long nowNs = machine.hand.nowNs();
        volumes.forEach(volume -> volume.watch(nowNs));
        if (machine.hand.tickAny() != 0) {
            idleTurns = 0;
        } else if (++idleTurns > 12 * plan.reactors()) {
            idleTurns = 0;
            long step = workload.patienceNs();
            for (var reactor : machine.hand.reactors().all()) {
                step = Math.min(step, reactor.idleLimitNs());
            }
            machine.hand.advance(Math.max(0, step));
        }
        if (random.nextInt(10) == 0) {
            machine.hand.advance(random.nextInt(60_000));
        }
    }

    /** A write has arrived at a disk: a good moment for the power to fail soon. */
    private void onWrite() {
        if (cutOneIn > 0 && random.nextInt(cutOneIn) == 0) {
            cutOneIn = 0;
            turnsUntilCut = 1 + random.nextInt(random.nextBoolean() ? 20 : 200);
        }
    }

    void turns(int count) {
        for (int i = 0; i < count; i++) {
            turn();
        }
    }

    /** Goes on until it is so; that it never is, is a finding. */
    void await(String what, BooleanSupplier condition) {
        long untilNs = machine.hand.nowNs() + PROGRESS_NS;
        int turns = 0;
        while (!condition.getAsBoolean()) {
            turn();
            Checks.require(machine.hand.nowNs() < untilNs && ++turns < PROGRESS_TURNS,
                    () -> "progress: waited for ever: " + what + "; " + workload);
        }
    }

    void pass(long ns) {
        long untilNs = machine.hand.nowNs() + ns;
        await("time", () -> machine.hand.nowNs() >= untilNs);
    }

    /** Runs a control operation to its end; the failure, or null. */
    <T> SimMachine.Outcome<T> operate(String what, Consumer<Completion<T>> operation) {
        SimMachine.Outcome<T> outcome = machine.start(operation);
        await(what, outcome);
        trace.event(what + (outcome.failure() == null ? "" : ": " + outcome.failure().code()));
        return outcome;
    }

    <T> T mustDo(String what, Consumer<Completion<T>> operation) {
        SimMachine.Outcome<T> outcome = operate(what, operation);
        Checks.require(outcome.failure() == null, () -> "operation: " + what + ": " + outcome.failure());
        return outcome.value();
    }

    // --- lives ---------------------------------------------------------------------------------------

    private void power() {
        long nowNs = machine == null ? 0 : machine.hand.nowNs() + 1_000_000;
        machine = new SimMachine(plan, random.nextLong(), nowNs, memory, stored, volumes, trace, this::onWrite);
        trace.event("power on");
    }

    private void cutPower() {
        trace.event("power cut");
        powerCuts++;
        turnsUntilCut = -1;
        cutOneIn = 0;
        accepting = false;
        workload.onMachineGone();
        machine.crash();
        stored.forEach(SimLeg.StoredDisk::onCrash);
        for (SimVolume volume : volumes) {
            volume.nexus = null;
            volume.copiesInFlight = 0;
            volume.history().crash();
        }
        power();
    }

    /** The first start: pools and volumes are made. No power cut, no fault. */
    private void setUp() {
        startTarget();
        for (SimLeg.StoredDisk disk : stored) {
            if (disk.pool != null) {
                LvStore store = mustDo("create " + disk.pool, done -> machine.stores.create(machine.disks.get(disk.number),
                        new LvStores.Options(disk.pool, new UUID(0x9001, disk.number), MIB, 100), done));
                for (SimVolume volume : volumes) {
                    createReplica(store, disk, volume);
                }
            }
        }
        for (SimVolume volume : volumes) {
            Checks.require(open(volume, NexusParameters.Mode.CREATE) == null, "operation: " + volume.name() + " not created");
            publish(volume);
        }
        machine.hand.on(0, () -> machine.target.setAwaitingSubsystems(false));
    }

    private void createReplica(LvStore store, SimLeg.StoredDisk disk, SimVolume volume) {
        for (SimLeg leg : volume.legs) {
            if (leg.disk() == disk) {
                boolean thin = random.nextBoolean();
                this.<Lvol>mustDo("create " + leg, done -> store.createLvol(leg.lvol(), new UUID(disk.number + 1, volume.uuid()
                        .getLeastSignificantBits()), plan.volumeBytes() + 8 * MIB, thin, done));
            }
        }
    }

    private void startTarget() {
        machine.noteMemory();
        machine.target = this.<Target>mustDo("start target", done -> Target.start(machine.control(),
                machine.hand.reactors().all(), machine.targetLimits(), machine.memory(), machine.registry,
                (subsystem, namespace) -> trace.event("namespace lost"), done));
        machine.hand.on(0, () -> {
            machine.target.setAwaitingSubsystems(true);
            machine.target.listen(SimHost.TARGET);
        });
        accepting = true;
    }

    /** Opens the volume's nexus over what is there; the refusal, or null. */
    OperationException open(SimVolume volume, NexusParameters.Mode mode) {
        List<Bdev> children = new ArrayList<>();
        for (SimLeg leg : volume.members()) {
            Bdev bdev = machine.bdev(leg);
            if (bdev != null) {
                children.add(bdev);
            }
        }
        if (children.isEmpty()) {
            return OperationException.precondition("no-children", "none is there");
        }
        boolean blank = children.stream().allMatch(Bdev::isBlank);
        NexusParameters parameters = NexusParameters.of(volume.uuid(), volume.name()).withMode(mode)
                .withRegions(REGION_SHIFT, plan.sweepNs()).withFreezeTimeoutNs(FREEZE_NS)
                .withSizeBytes(mode == NexusParameters.Mode.CREATE ? volume.sizeBytes() : 0)
                .withInitialCopy(blank ? NexusParameters.InitialCopy.ASSUME_EQUAL : NexusParameters.InitialCopy.FROM_FIRST);
        SimMachine.Outcome<Nexus> outcome = operate("open " + volume.name(), done -> Nexus.open(machine.environment(volume),
                parameters, children, done));
        volume.nexus = outcome.value();
        if (volume.nexus != null) {
            volume.measure();
        }
        if (volume.nexus != null && random.nextBoolean()) {
            operations.tune(volume);
        }
        return outcome.failure();
    }

    void publish(SimVolume volume) {
        Subsystem subsystem = this.<Subsystem>mustDo("subsystem " + volume.name(), done -> machine.target.createSubsystem(volume.nqn(),
                "S" + volume.name(), HostAccess.anyHost(), done));
        this.<Namespace>mustDo("publish " + volume.name(), done -> machine.target.addNamespace(subsystem, HostCommand.NSID,
                volume.nexus, NamespaceIdentity.of(volume.uuid()), done));
    }

    /** A later start: everything comes back from the disks. What is refused is tried again, and disks get healed by and by. */
    private void bringUp() {
        startTarget();
        for (int attempt = 0; !isUp(); attempt++) {
            for (SimLeg.StoredDisk disk : stored) {
                if (disk.pool != null && machine.stores.find(disk.pool) == null) {
                    SimMachine.Outcome<LvStore> loaded = operate("load " + disk.pool, done -> machine.stores.load(
                            machine.disks.get(disk.number), new LvStores.Expected(disk.pool, null, false), done));
                    if (loaded.failure() == null) {
                        disk.onLoaded();
                    }
                }
            }
            for (SimVolume volume : volumes) {
                boolean all = attempt > 3 || volume.members().stream().allMatch(leg -> machine.bdev(leg) != null);
                if (volume.nexus == null && all && open(volume, NexusParameters.Mode.ASSEMBLE) == null) {
                    publish(volume);
                }
            }
            Checks.require(attempt < 20, "progress: the volumes do not come back");
            if (attempt > 10) {
                operations.healAll();
            } else if (attempt > 2) {
                operations.healOne();
            }
            if (!isUp()) {
                pass(RETRY_NS);
            }
        }
        machine.hand.on(0, () -> machine.target.setAwaitingSubsystems(false));
        stored.stream().filter(disk -> disk.pool != null && machine.stores.find(disk.pool) != null)
                .forEach(SimLeg.StoredDisk::pool);
    }

    private boolean isUp() {
        return volumes.stream().allMatch(volume -> volume.nexus != null);
    }

    /** Under load, with things going wrong. */
    private void live(int turns) {
        workload.setLoad(turns / 6);
        if (powerCuts > 0) {
            workload.startReadingEverything();
        }
        if (random.nextInt(4) > 0) {
            await("hosts to connect", workload::isConnected);
        }
        long cutFrom = willCut ? workload.acknowledged() + random.nextInt(6) * (20 + random.nextInt(40)) : Long.MAX_VALUE;
        for (int i = 0; i < turns; i++) {
            turn();
            if (workload.acknowledged() >= cutFrom) {
                cutFrom = Long.MAX_VALUE;
                cutOneIn = 1 + random.nextInt(1 + random.nextInt(100));
            }
            if (random.nextInt(i < 400 ? 40 : 150) == 0) {
                operations.one();
            }
        }
        if (willCut) {
            throw new PowerCut();
        }
        workload.setLoad(0);
    }

    /** Everything is healed, and has to come to rest. */
    private void rest() {
        workload.setLoad(0);
        if (!isUp()) {
            operations.healAll();
            bringUp();
        }
        operations.healAll();
        operations.makeWhole();
        await("hosts to be answered", () -> workload.outstanding() == 0);
        await("legs to be equal", () -> volumes.stream().noneMatch(SimVolume::legsMayDiffer));
        workload.readEverything();
        volumes.forEach(SimVolume::checkMirror);
        stop();
        volumes.forEach(SimVolume::checkMirror);
        power();
        bringUp();
        workload.readEverything();
        stop();
    }

    /** An ordered stop and start, under way. */
    void restart() {
        stop();
        power();
        bringUp();
    }

    /** The ordered stop. */
    void stop() {
        accepting = false;
        this.<Void>mustDo("stop target", machine.target::stop);
        for (SimVolume volume : volumes) {
            SimMachine.Outcome<Void> closed = operate("close " + volume.name(), volume.nexus::close);
            Checks.require(closed.failure() == null || closed.failure().code().equals("nexus-closed-unclean")
                    && volume.legs.stream().anyMatch(SimLeg::mayTellLoss), () -> "operation: close " + volume.name() + ": " + closed.failure());
            volume.nexus = null;
            volume.copiesInFlight = 0;
        }
        for (LvStore store : machine.hand.call(0, machine.stores::all)) {
            export(store);
        }
        machine.checkNoLeaks();
    }

    /** Closes a pool; it may say that its device has lost what was not flushed: whether that matters, the reads tell. */
    void export(LvStore store) {
        SimMachine.Outcome<Void> outcome = operate("export " + store.name(), store::export);
        Checks.require(outcome.failure() == null || outcome.failure().code().equals(LvStore.CODE_WRITES_LOST),
                () -> "operation: export " + store.name() + ": " + outcome.failure());
    }
}
