package io.mizzen.sim;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.IoType;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.LvStores;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nexus.NexusEnvironment;
import io.mizzen.nvmf.target.Target;
import io.mizzen.nvmf.target.TargetConfig;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.rebuild.WorkerChooser;
import io.mizzen.testsupport.FakeSockets;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * One life of the engine: reactors, memory, pools, nexuses and the target, all production classes, on simulated disks and
 * sockets. Ends by {@link #stop} or by a power cut, after which nothing of it is used again.
 */
final class SimMachine {
    private static final int IO_RECORDS = 512;
    private static final TargetConfig TARGET_LIMITS = TargetConfig.defaults().withQueues(32, 4).withConnections(24, 12, 8)
            .withTransfer(8192, 64 << 10, 4, 64 << 10);

    final HandReactors hand;
    final BdevRegistry registry = new BdevRegistry();
    final FakeSockets sockets;
    final LvStores stores;
    final List<SimDisk> disks = new ArrayList<>();
    final BufferPools pools;
    Target target;
    private final DmaMemory memory;
    private final Trace trace;
    private final LockWatch lockWatch;
    private long usedAtFirst;
    private int copiers;
    private final Runnable onWrite;
    private final boolean volatileCache;

    SimMachine(SimPlan plan, long seed, long nowNs, SimMemory bytes, List<SimLeg.StoredDisk> stored,
            List<SimVolume> volumes, Trace trace, Runnable onWrite) {
        this.trace = trace;
        this.onWrite = onWrite;
        this.lockWatch = new LockWatch(volumes);
        hand = new HandReactors(plan.reactors(), seed);
        hand.advance(Math.max(0, nowNs - hand.nowNs()));
        trace.useClock(hand::nowNs);
        sockets = new FakeSockets(hand);
        memory = bytes.fresh();
        DmaMemory.Block zeroes = memory.allocate(BufferPools.LARGE_BYTES, -1);
        io.mizzen.ffi.RawMemory.zero(zeroes.address(), zeroes.sizeBytes());
        pools = new BufferPools(memory, 96, 32, plan.reactors());
        for (Reactor reactor : hand.reactors().all()) {
            BdevContext.install(reactor, IO_RECORDS, pools, zeroes);
        }
        stores = new LvStores(registry, control());
        this.volatileCache = plan.volatileCache();
        for (SimLeg.StoredDisk one : stored) {
            SimDisk disk = newDisk(one);
            one.onPlugged(hand.nowNs());
            one.wasPulled = false;
            disks.add(disk);
            one.poolFaulted = () -> isPoolFaulted(one.pool);
            hand.on(0, () -> registry.register(disk));
        }
    }

    private SimDisk newDisk(SimLeg.StoredDisk one) {
        return new SimDisk(one.number, one.sizeBytes, one.media, volatileCache, one.unmapsToZeroes, one.faults, new Tap(one),
                hand.random().nextLong());
    }

    /** A disk leaves the machine. */
    void pull(SimLeg.StoredDisk one) {
        hand.on(0, disks.get(one.number)::pull);
        one.onPulled();
    }

    /** A disk that was pulled out, and that nobody has open any more, is there again. */
    void plug(SimLeg.StoredDisk one) {
        one.onPlugged(hand.nowNs());
        SimDisk again = newDisk(one);
        hand.on(0, () -> {
            registry.unregister(disks.get(one.number), (nothing, failure) -> { });
            disks.set(one.number, again);
            registry.register(again);
        });
    }

    /** Sees every I/O of one disk. */
    private final class Tap implements SimDisk.Tap {
        private final SimLeg.StoredDisk stored;

        Tap(SimLeg.StoredDisk stored) {
            this.stored = stored;
        }

        @Override
        public void onArrival(SimDisk disk, BdevIo io) {
            trace.io("gets", stored.number, io.type, io.offsetBlocks, io.blockCount, 0);
            if (IoType.isWrite(io.type)) {
                onWrite.run();
            }
            lockWatch.onArrival(disk, io);
        }

        @Override
        public void onCompletion(SimDisk disk, BdevIo io, int status) {
            trace.io("ends", stored.number, io.type, io.offsetBlocks, io.blockCount, status);
            if (IoType.isWrite(io.type)) {
                stored.onWritten(io.offsetBlocks * disk.blockSizeBytes());
            }
            lockWatch.onCompletion(disk, io, status);
        }
    }

    private boolean isPoolFaulted(String pool) {
        LvStore store = stores.find(pool);
        return store == null || store.state() != LvStore.State.ONLINE;
    }

    Mthread control() {
        return hand.reactor(0).mthread();
    }

    NexusEnvironment environment(SimVolume volume) {
        Mthread copier = hand.reactor(copiers++ % hand.reactors().all().size()).mthread();
        return new NexusEnvironment(registry, control(), WorkerChooser.fixed(copier), () -> hand.nowNs() / 1_000_000,
                UUID::randomUUID, (nexus, event) -> {
                    trace.event(nexus.name() + ": " + event);
                    volume.onNexusEvent(event, hand.nowNs());
                });
    }

    /** Outcome of an operation that was started. */
    static final class Outcome<T> implements Completion<T>, BooleanSupplier {
        private boolean ended;
        private T value;
        private OperationException failure;

        @Override
        public void complete(T newValue, OperationException newFailure) {
            Checks.require(!ended, "operation: completed twice");
            ended = true;
            value = newValue;
            failure = newFailure;
        }

        @Override
        public boolean getAsBoolean() {
            return ended;
        }

        T value() {
            return value;
        }

        /** Null: it succeeded. */
        OperationException failure() {
            return failure;
        }
    }

    /** Starts an operation on the control reactor. */
    <T> Outcome<T> start(Consumer<Completion<T>> operation) {
        Outcome<T> outcome = new Outcome<>();
        hand.on(0, () -> {
            try {
                operation.accept(outcome);
            } catch (OperationException refused) {
                outcome.fail(refused);
            }
        });
        return outcome;
    }

    /** What carries a leg now, or null. */
    Bdev bdev(SimLeg leg) {
        if (leg.lvol() == null) {
            return disks.get(leg.disk().number);
        }
        LvStore store = stores.find(leg.disk().pool);
        return store == null || store.findLvol(leg.lvol()) == null ? null : store.findLvol(leg.lvol()).bdev();
    }

    TargetConfig targetLimits() {
        return TARGET_LIMITS;
    }

    DmaMemory memory() {
        return memory;
    }

    void noteMemory() {
        usedAtFirst = memory.usedBytes();
    }

    /** Power fails. */
    void crash() {
        disks.forEach(SimDisk::crash);
    }

    /** Everything is closed: nothing is held any more. */
    void checkNoLeaks() {
        for (Reactor reactor : hand.reactors().all()) {
            int free = BdevContext.of(reactor).ioPool().freeCount();
            Checks.require(free == IO_RECORDS, "leaks: " + free + " of " + IO_RECORDS + " I/O records on " + reactor);
        }
        for (BufferPool pool : pools.all()) {
            Checks.require(pool.freeCount() == pool.count(), "leaks: pool " + pool.name() + " has " + pool.freeCount()
                    + " of " + pool.count());
        }
        for (Bdev bdev : hand.call(0, registry::all)) {
            Checks.require(!bdev.isOpen(), "leaks: " + bdev.name() + " is open by " + bdev.openedBy());
            Checks.require(bdev.channels().isEmpty(), "leaks: " + bdev.name() + " has channels");
        }
        Checks.require(memory.usedBytes() == usedAtFirst, "leaks: memory in use " + memory.usedBytes() + ", at first "
                + usedAtFirst);
    }
}
