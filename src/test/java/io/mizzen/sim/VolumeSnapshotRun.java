package io.mizzen.sim;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.engine.VolumeSnapshot;
import io.mizzen.ffi.RawMemory;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.LvStores;
import io.mizzen.lvs.Lvol;
import io.mizzen.lvs.SnapshotOptions;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusEnvironment;
import io.mizzen.nexus.NexusParameters;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.rebuild.WorkerChooser;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * One seed: a mirror over a replica in each of two pools is written from all cores while snapshots of it are taken one after
 * the other, and something goes wrong or not. Of each block it is known what it may hold when writes begin to wait; nobody's
 * write ends from then on until they go on.
 */
final class VolumeSnapshotRun {
    /** What goes wrong. */
    enum Disturbance {
        NOTHING, SHORT_LIMIT, CHILD_OUT, DISK_FAILS,
        /** Both, one after the other; they are well again when the machine starts anew. */
        BOTH_DISKS_FAIL
    }

    /** What came of it. */
    static final class Result {
        int taken;
        int refused;
        int cutShort;
        int halfMade;
        int sealedByOne;
        /** Pairs that were left of a request that failed, and those of them whose halves hold different things. */
        int unsealed;
        int different;
        int readsWhileHeld;
    }

    private static final class PowerCut extends RuntimeException {
        private static final long serialVersionUID = 1L;

        PowerCut() {
            super("power cut", null, false, false);
        }
    }

    private static final long MIB = 1 << 20;
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 512;
    private static final int WRITE_BLOCKS_MAX = 4;
    private static final int REACTORS = 3;
    private static final int DEPTH = 6;
    private static final int ROUNDS = 3;
    private static final int TURNS_MAX = 400_000;
    private static final String[] POOLS = {"pa", "pb"};

    private final Random random;
    private final SimMemory bytes;
    private final List<SimLeg.StoredDisk> stored = new ArrayList<>();
    private final boolean volatileCache;
    private final Disturbance disturbance;
    private final int cutRound;
    /** The power fails in that round as soon as one half, and no other, is sealed. */
    private final boolean cutBetweenSeals;
    private final Result result;
    private final List<Set<Long>> possible = new ArrayList<>();
    private final BitSet busy = new BitSet(BLOCKS);
    private final List<byte[]> acknowledged = new ArrayList<>();
    private List<Set<Long>> allowed;
    private long endedWhenHeld;
    private long ended;
    private long stamps;
    private int turnsUntilCut = -1;
    private boolean sealedByOne;
    private VolumeSnapshot taking;
    private Machine machine;

    VolumeSnapshotRun(long seed, SimMemory bytes, Result result) {
        this.random = new Random(seed * 0x9E3779B97F4A7C15L);
        this.bytes = bytes;
        this.result = result;
        this.volatileCache = random.nextBoolean();
        this.disturbance = Disturbance.values()[random.nextInt(Disturbance.values().length)];
        // A disk that fails leaves a pool that takes no changes: what it has half made is told, and not looked at here.
        boolean cuts = disturbance != Disturbance.DISK_FAILS && disturbance != Disturbance.BOTH_DISKS_FAIL && random.nextBoolean();
        this.cutRound = cuts ? random.nextInt(ROUNDS) : -1;
        this.cutBetweenSeals = random.nextInt(3) == 0;
        for (int i = 0; i < 2; i++) {
            stored.add(new SimLeg.StoredDisk(i, 64 * MIB, BLOCK, random.nextBoolean(), POOLS[i]));
            stored.get(i).media.litter(64 * MIB, random);
        }
        for (int i = 0; i < BLOCKS; i++) {
            possible.add(new HashSet<>(Set.of(0L)));
        }
    }

    void run() {
        machine = new Machine();
        machine.setUp();
        try {
            for (int round = 0; round < ROUNDS; round++) {
                turns(random.nextInt(2_000));
                round(round);
            }
            long before = ended;
            await("writes to go on", () -> ended > before + 20);
        } catch (PowerCut cut) {
            result.cutShort++;
            machine.disks.forEach(SimDisk::crash);
            stored.forEach(disk -> disk.faults.heal(0));
            machine = new Machine();
            checkAfterCut();
            return;
        }
        turnsUntilCut = -1;
        for (int i = 0; i < acknowledged.size(); i++) {
            checkSame(i);
        }
    }

    // --- time -------------------------------------------------------------------------------------------

    private void turn() {
        if (turnsUntilCut > 0 && --turnsUntilCut == 0) {
            throw new PowerCut();
        }
        machine.writers.forEach(Writer::turn);
        machine.tick();
        boolean holding = taking != null && taking.isHolding();
        if (holding && allowed == null) {
            allowed = possible.stream().<Set<Long>>map(HashSet::new).toList();
            endedWhenHeld = ended;
        }
        Checks.require(!holding || ended == endedWhenHeld, "hold: a write ended while writes wait");
        if (cutBetweenSeals && acknowledged.size() == cutRound && isSealed(0) != isSealed(1)) {
            result.sealedByOne++;
            sealedByOne = true;
            throw new PowerCut();
        }
    }

    /** Whether that half of the snapshot that is being taken is. */
    private boolean isSealed(int leg) {
        Lvol half = taking == null ? null : machine.lvol(leg, "s" + acknowledged.size());
        return half != null && half.snapshotInfo().sealed();
    }

    private void turns(int count) {
        for (int i = 0; i < count; i++) {
            turn();
        }
    }

    private void await(String what, BooleanSupplier condition) {
        for (int i = 0; !condition.getAsBoolean(); i++) {
            Checks.require(i < TURNS_MAX, () -> "progress: waited for ever: " + what);
            turn();
        }
    }

    private <T> SimMachine.Outcome<T> operate(String what, Consumer<Completion<T>> operation) {
        SimMachine.Outcome<T> outcome = new SimMachine.Outcome<>();
        machine.hand.on(0, () -> operation.accept(outcome));
        await(what, outcome);
        return outcome;
    }

    private <T> T mustDo(String what, Consumer<Completion<T>> operation) {
        SimMachine.Outcome<T> outcome = operate(what, operation);
        Checks.require(outcome.failure() == null, () -> "operation: " + what + ": " + outcome.failure());
        return outcome.value();
    }

    // --- snapshots --------------------------------------------------------------------------------------

    private void round(int round) {
        List<VolumeSnapshot.Leg> legs = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Lvol lvol = machine.lvol(i, "v");
            UUID member = machine.nexus.childStatuses().stream().filter(child -> lvol.uuid().toString().equals(child.bdev()))
                    .map(ChildStatus::memberUuid).findFirst().orElse(new UUID(1, 1));
            legs.add(new VolumeSnapshot.Leg(member, lvol, new SnapshotOptions("s" + round, new UUID(round + 1, i + 1), null, "tx" + round,
                    Instant.EPOCH)));
        }
        long limitNs = disturbance == Disturbance.SHORT_LIMIT ? 1 + random.nextLong(3_000_000) : 10_000_000_000L;
        allowed = null;
        SimMachine.Outcome<VolumeSnapshot.Taken> outcome = new SimMachine.Outcome<>();
        taking = new VolumeSnapshot(machine.nexus, legs, new UUID(2, round), machine.control(), limitNs, outcome);
        machine.hand.on(0, taking::start);
        turnsUntilCut = round == cutRound && !cutBetweenSeals ? 1 + random.nextInt(random.nextBoolean() ? 200 : 3_000) : -1;
        if (disturbance == Disturbance.CHILD_OUT && round == 1) {
            turns(random.nextInt(200));
            this.<Void>operate("offline", done -> machine.nexus.offlineChild(machine.lvol(1, "v").bdev().name(), done));
        } else if (disturbance == Disturbance.DISK_FAILS && round == 1) {
            turns(random.nextInt(600));
            DiskFaults.Kind[] kinds = {DiskFaults.Kind.METADATA_WRITES, DiskFaults.Kind.FLUSHES, DiskFaults.Kind.SOME_WRITES, DiskFaults.Kind.DEAD,
                DiskFaults.Kind.SLOW};
            stored.get(1).faults.fail(kinds[random.nextInt(kinds.length)], machine.hand.nowNs());
        } else if (disturbance == Disturbance.BOTH_DISKS_FAIL && round == 1) {
            failBoth(outcome);
        }
        await("snapshot " + round, outcome);
        taking = null;
        if (outcome.failure() == null) {
            result.taken++;
            acknowledged.add(machine.read(0, "s" + round));
            checkContents(acknowledged.getLast(), "s" + round);
            Checks.require(Arrays.equals(acknowledged.getLast(), machine.read(1, "s" + round)), "snapshot: the legs' differ");
        } else {
            result.refused++;
            checkRefused(round, outcome.failure());
            if (disturbance != Disturbance.BOTH_DISKS_FAIL) {
                acknowledged.add(null);
            }
        }
        if (disturbance == Disturbance.BOTH_DISKS_FAIL && round == 1) {
            turns(random.nextInt(2_000));       // Writes go on, on what is left.
            throw new PowerCut();
        }
    }

    /** While writes wait, or soon after: the pools cannot be changed any more, but what hosts write to their volumes goes on. */
    private void failBoth(BooleanSupplier over) {
        int first = random.nextInt(2);
        await("writes to wait", () -> taking.isHolding() || over.getAsBoolean());
        turns(100 + random.nextInt(300));
        for (int i = 0; i < 2; i++) {
            DiskFaults faults = stored.get(first ^ i).faults;
            faults.metadataEndsAt(MIB);
            faults.fail(random.nextInt(4) == 0 ? DiskFaults.Kind.FLUSHES : DiskFaults.Kind.METADATA_WRITES, machine.hand.nowNs());
            turns(random.nextInt(40));
        }
    }

    private void checkRefused(int round, OperationException failure) {
        boolean expected = switch (disturbance) {
            case NOTHING -> false;
            case SHORT_LIMIT -> failure.code().equals("snapshot-too-late") || failure.code().equals("writes-not-drained");
            case CHILD_OUT -> round > 0 && failure.code().equals("child-not-healthy");
            case DISK_FAILS, BOTH_DISKS_FAIL -> round > 0;
        };
        Checks.require(expected, () -> "operation: no snapshot: " + failure);
        for (int i = 0; i < 2; i++) {
            Checks.require(machine.store(i).state() != LvStore.State.ONLINE || machine.lvol(i, "s" + round) == null,
                    "snapshot: a leg's is left of one that was refused");
        }
    }

    private void checkContents(byte[] data, String name) {
        Checks.require(allowed != null, () -> "snapshot: " + name + " is there, and writes were never held back");
        for (int block = 0; block < BLOCKS; block++) {
            long stamp = Stamps.of(data, block * BLOCK, BLOCK, block);
            int at = block;
            Checks.require(allowed.get(block).contains(stamp), () -> "snapshot: " + name + " holds " + stamp + " in block " + at
                    + ", not one of " + allowed.get(at));
        }
    }

    private void checkSame(int round) {
        for (int i = 0; i < 2 && acknowledged.get(round) != null; i++) {
            if (machine.lvol(i, "s" + round).bdev() != null && !stored.get(i).faults.fails()) {
                Checks.require(Arrays.equals(acknowledged.get(round), machine.read(i, "s" + round)), "snapshot: s" + round + " has changed");
            }
        }
    }

    /** Those that were acknowledged are there; of the one that was under way each leg's is whole, or not there. */
    private void checkAfterCut() {
        turnsUntilCut = -1;
        taking = null;
        for (int i = 0; i < 2; i++) {
            int disk = i;
            this.<LvStore>mustDo("load", done -> machine.stores.load(machine.disks.get(disk), new LvStores.Expected(POOLS[disk], null, false), done));
        }
        for (int i = 0; i < acknowledged.size(); i++) {
            checkSame(i);
            Checks.require(acknowledged.get(i) == null || VolumeSnapshot.ofOneMoment(pair("s" + i)), "snapshot: one that was taken is not sealed");
        }
        checkLeft("s" + acknowledged.size());
    }

    private List<Lvol> pair(String name) {
        return List.of(machine.lvol(0, name), machine.lvol(1, name));
    }

    /** Of a snapshot that nobody was told of: what a power cut alone leaves is of the moment, after faults what says that it is. */
    private void checkLeft(String name) {
        List<byte[]> left = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            if (machine.lvol(i, name) != null) {
                left.add(machine.read(i, name));
            }
        }
        result.halfMade += left.size() == 1 ? 1 : 0;
        boolean same = left.size() < 2 || Arrays.equals(left.get(0), left.get(1));
        boolean said = left.size() == 2 && VolumeSnapshot.ofOneMoment(pair(name));
        if (disturbance == Disturbance.BOTH_DISKS_FAIL && !said) {
            result.unsealed += left.size() == 2 ? 1 : 0;
            result.different += same ? 0 : 1;
            return;
        }
        Checks.require(same, "snapshot: those that are left differ");
        left.forEach(data -> checkContents(data, name));
        Checks.require(said || !sealedByOne, "snapshot: one half is sealed, and is not believed");
    }

    // --- one life ---------------------------------------------------------------------------------------

    private final class Machine {
        final HandReactors hand = new HandReactors(REACTORS, random.nextLong());
        final BdevRegistry registry = new BdevRegistry();
        final LvStores stores;
        final List<SimDisk> disks = new ArrayList<>();
        final List<Writer> writers = new ArrayList<>();
        final DmaMemory memory = bytes.fresh();
        private final long readAddress;
        private int idleTurns;
        Nexus nexus;

        Machine() {
            DmaMemory.Block zeroes = memory.allocate(BufferPools.LARGE_BYTES, -1);
            RawMemory.zero(zeroes.address(), zeroes.sizeBytes());
            BufferPools pools = new BufferPools(memory, 96, 32, REACTORS);
            hand.reactors().all().forEach(reactor -> BdevContext.install(reactor, 512, pools, zeroes));
            readAddress = memory.allocate(BLOCKS * BLOCK, -1).address();
            stores = new LvStores(registry, control());
            for (SimLeg.StoredDisk one : stored) {
                SimDisk disk = new SimDisk(one.number, one.sizeBytes, one.media, volatileCache, one.unmapsToZeroes, one.faults, new SimDisk.Tap() {
                    @Override
                    public void onArrival(SimDisk at, BdevIo io) {
                        return;         // Nobody looks.
                    }

                    @Override
                    public void onCompletion(SimDisk at, BdevIo io, int status) {
                        return;         // Nobody looks.
                    }
                }, random.nextLong());
                disks.add(disk);
                hand.on(0, () -> registry.register(disk));
            }
        }

        Mthread control() {
            return hand.reactor(0).mthread();
        }

        LvStore store(int i) {
            return stores.find(POOLS[i]);
        }

        Lvol lvol(int i, String name) {
            return store(i).findLvol(name);
        }

        void setUp() {
            List<Bdev> children = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                int disk = i;
                LvStore store = VolumeSnapshotRun.this.<LvStore>mustDo("pool", done -> stores.create(disks.get(disk),
                        new LvStores.Options(POOLS[disk], new UUID(9, disk), MIB, 100), done));
                boolean thin = random.nextBoolean();
                children.add(VolumeSnapshotRun.this.<Lvol>mustDo("replica", done -> store.createLvol("v", new UUID(8, disk + 1),
                        BLOCKS * BLOCK + 8 * MIB, thin, done)).bdev());
            }
            boolean blank = children.stream().allMatch(Bdev::isBlank);
            nexus = VolumeSnapshotRun.this.<Nexus>mustDo("nexus", done -> Nexus.open(new NexusEnvironment(registry, control(),
                    WorkerChooser.fixed(hand.reactor(REACTORS - 1).mthread()), () -> hand.nowNs() / 1_000_000, UUID::randomUUID, (it, event) -> { }),
                    NexusParameters.of(new UUID(7, 7), "vol").withMode(NexusParameters.Mode.CREATE).withSizeBytes(BLOCKS * BLOCK)
                            .withRegions(16, 50_000_000).withInitialCopy(blank ? NexusParameters.InitialCopy.ASSUME_EQUAL
                            : NexusParameters.InitialCopy.FROM_FIRST), children, done));
            await("equal legs", () -> nexus.suspectRegions() == 0);
            if (!blank) {
                zeroAll();
            }
            Descriptor descriptor = hand.call(0, () -> registry.open(nexus, "writers", true, TestIo.ignoring()));
            for (int i = 0; i < REACTORS; i++) {
                writers.add(new Writer(this, i, descriptor));
            }
        }

        /** Of what the disks carried before. */
        private void zeroAll() {
            Writer filler = new Writer(this, 0, hand.call(0, () -> registry.open(nexus, "filler", true, TestIo.ignoring())));
            for (int block = 0; block < BLOCKS; block += DEPTH) {
                filler.zero(block, Math.min(DEPTH, BLOCKS - block));
                await("zeroes", () -> busy.isEmpty());
            }
            filler.close();
        }

        void tick() {
            if (hand.tickAny() != 0) {
                idleTurns = 0;
            } else if (++idleTurns > 12 * REACTORS) {
                idleTurns = 0;
                long step = 1_000_000_000L;
                for (Reactor reactor : hand.reactors().all()) {
                    step = Math.min(step, reactor.idleLimitNs());
                }
                hand.advance(Math.max(0, step));
            }
        }

        byte[] read(int i, String name) {
            Bdev bdev = lvol(i, name).bdev();
            Descriptor descriptor = hand.call(0, () -> registry.open(bdev, "reader", false, TestIo.ignoring()));
            IoChannel channel = hand.call(0, () -> descriptor.openChannel(control()));
            byte[] data = new byte[BLOCKS * BLOCK];
            for (int block = 0; block < BLOCKS; block += 16) {
                int[] status = {-1};
                int at = block;
                hand.on(0, () -> channel.submit(channel.tryAcquire().prepare(IoType.READ, SimVolume.DATA_OFFSET_BYTES / BLOCK + at, 16, readAddress, -1, io -> {
                    status[0] = io.status();
                    io.release();
                })));
                await("read", () -> status[0] >= 0);
                Checks.require(status[0] == 0, () -> "read: status " + Integer.toHexString(status[0]));
                MemorySegment.copy(RawMemory.ALL, readAddress, MemorySegment.ofArray(data), (long) at * BLOCK, 16 * BLOCK);
            }
            hand.on(0, channel::close);
            hand.on(0, descriptor::close);
            return data;
        }
    }

    /** Writes from one core, and reads; no two writes of one block at a time. */
    private final class Writer {
        private final Machine on;
        private final int reactor;
        private final Descriptor descriptor;
        private final IoChannel channel;
        private final long[] slots = new long[DEPTH];
        private final BitSet used = new BitSet(DEPTH);

        Writer(Machine on, int reactor, Descriptor descriptor) {
            this.on = on;
            this.reactor = reactor;
            this.descriptor = descriptor;
            this.channel = on.hand.call(reactor, () -> descriptor.openChannel(on.hand.reactor(reactor).mthread()));
            for (int i = 0; i < DEPTH; i++) {
                slots[i] = on.memory.allocate(WRITE_BLOCKS_MAX * BLOCK, -1).address();
            }
        }

        void turn() {
            if (random.nextInt(12) != 0 || used.cardinality() == DEPTH) {
                return;
            }
            int count = 1 + random.nextInt(WRITE_BLOCKS_MAX);
            int block = random.nextInt(BLOCKS - count + 1);
            if (random.nextInt(4) == 0) {
                submit(IoType.READ, block, count, 0);
            } else if (busy.get(block, block + count).isEmpty()) {
                boolean zeroes = random.nextInt(8) == 0;
                submit(zeroes ? IoType.WRITE_ZEROES : IoType.WRITE, block, count, zeroes ? 0 : ++stamps);
            }
        }

        void zero(int block, int count) {
            submit(IoType.WRITE_ZEROES, block, count, 0);
        }

        private void submit(int type, int block, int count, long stamp) {
            int slot = used.nextClearBit(0);
            used.set(slot);
            if (type == IoType.WRITE) {
                byte[] data = Stamps.data(stamp, block, count, BLOCK);
                MemorySegment.copy(MemorySegment.ofArray(data), 0, RawMemory.ALL, slots[slot], data.length);
            }
            if (type != IoType.READ) {
                busy.set(block, block + count);
                possible.subList(block, block + count).forEach(values -> values.add(stamp));
            }
            on.hand.on(reactor, () -> channel.submit(channel.tryAcquire().prepare(type, block, count, slots[slot], -1, io -> {
                int status = io.status();
                io.release();
                used.clear(slot);
                if (type == IoType.READ) {
                    result.readsWhileHeld += taking != null && taking.isHolding() ? 1 : 0;
                    return;
                }
                busy.clear(block, block + count);
                ended++;
                if (status == 0) {
                    possible.subList(block, block + count).forEach(values -> values.retainAll(Set.of(stamp)));
                }
            })));
        }

        void close() {
            on.hand.on(reactor, channel::close);
            on.hand.on(0, descriptor::close);
        }
    }
}
