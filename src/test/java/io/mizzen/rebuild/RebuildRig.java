package io.mizzen.rebuild;

import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.RangeLock;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.MemoryKind;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.util.Completion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Reactors under a virtual clock, a mirror over slow disks, a host that writes at random, and jobs on its legs. */
final class RebuildRig {
    static final long BLOCKS = 4096;
    static final long DATA_OFFSET = 32;
    static final int LARGE_COUNT = 32;
    private static final int SLOTS = 12;
    private static final int SLOT_BLOCKS = 40;
    private static final long MEMORY_BYTES = 12 << 20;
    private static final MemorySegment MEMORY = Arena.global().allocate(MEMORY_BYTES, 4096);

    final Random random;
    final HandReactors hand;
    final BdevRegistry registry = new BdevRegistry();
    final List<RigDisk> disks = new ArrayList<>();
    final List<Descriptor> legs = new ArrayList<>();
    final BufferPools pools;
    final RigMirror mirror;
    private final DmaMemory.Block hostMemory;
    private final boolean[] slotBusy = new boolean[SLOTS];
    private final boolean[] writing = new boolean[(int) BLOCKS];
    private final List<IoChannel> channels = new ArrayList<>();
    private final Descriptor hostDescriptor;
    private long nextStamp = 1;
    int running;
    int written;
    int refused;
    int pauses;
    boolean ended;

    RebuildRig(long seed, int reactorCount, boolean... thinDisks) {
        random = new Random(seed);
        hand = new HandReactors(reactorCount, random.nextLong());
        DmaMemory memory = new DmaMemory(List.of(new DmaRegion(0, MEMORY.address(), MEMORY_BYTES, MemoryKind.PLAIN, 4096,
                -1, MEMORY.asByteBuffer())));
        DmaMemory.Block zeroes = memory.allocate(BufferPools.LARGE_BYTES, -1);
        RawMemory.zero(zeroes.address(), zeroes.sizeBytes());
        pools = new BufferPools(memory, 32, LARGE_COUNT, reactorCount);
        hostMemory = memory.allocate((long) SLOTS * SLOT_BLOCKS * RigDisk.BLOCK, -1);
        hand.reactors().all().forEach(reactor -> BdevContext.install(reactor, 512, pools, zeroes));
        for (boolean thin : thinDisks) {
            RigDisk disk = new RigDisk("disk" + disks.size(), disks.size(), BLOCKS + 2 * DATA_OFFSET, thin,
                    random.nextLong());
            disks.add(disk);
            hand.on(0, () -> {
                registry.register(disk);
                legs.add(registry.open(disk, "mirror", true, TestIo.ignoring()));
            });
        }
        mirror = new RigMirror(legs, DATA_OFFSET, BLOCKS);
        hand.on(0, () -> registry.register(mirror));
        hostDescriptor = hand.call(0, () -> registry.open(mirror, "host", true, TestIo.ignoring()));
        for (int i = 0; i < reactorCount; i++) {
            Mthread mthread = hand.reactor(i).mthread();
            channels.add(hand.call(i, () -> hostDescriptor.openChannel(mthread)));
        }
    }

    Mthread home() {
        return hand.reactor(0).mthread();
    }

    /** Stamps of its own on every data block of a disk. */
    void fillRandomly(RigDisk disk) {
        for (long block = 0; block < BLOCKS; block++) {
            disk.fill(DATA_OFFSET + block, 1, (byte) (1 + random.nextInt(100)));
        }
    }

    // --- jobs -------------------------------------------------------------------------------------------

    RebuildLeg leg(int disk) {
        return new RebuildLeg(legs.get(disk), DATA_OFFSET);
    }

    RebuildSpec spec(RebuildKind kind, RebuildPlan plan, RebuildSettings settings) {
        List<RebuildLeg> destinations = new ArrayList<>();
        for (int i = 1; i < disks.size(); i++) {
            destinations.add(leg(i));
        }
        return new RebuildSpec(kind, mirror, leg(0), destinations, plan, settings);
    }

    RebuildJob start(RebuildSpec spec) {
        return start(spec, RangeLocker.of(mirror, home()));
    }

    RebuildJob start(RebuildSpec spec, RangeLocker locker) {
        List<Mthread> mthreads = hand.reactors().all().stream().map(reactor -> reactor.mthread()).toList();
        WorkerChooser chooser = random.nextInt(4) == 0 ? new LeastBusyChooser(home(), mthreads)
                : WorkerChooser.fixed(mthreads.stream().skip(random.nextInt(mthreads.size())).toArray(Mthread[]::new));
        return start(spec, locker, chooser);
    }

    RebuildJob start(RebuildSpec spec, RangeLocker locker, WorkerChooser chooser) {
        ended = false;
        return hand.call(0, () -> {
            RebuildJob job = new RebuildJob(spec, home(), chooser, () -> hand.nowNs() / 1_000_000, locker,
                    new RebuildJob.Listener() {
                        @Override
                        public void onEnd(RebuildJob of) {
                            require(!ended, "a job ends once");
                            ended = true;
                        }

                        @Override
                        public void onPaused(RebuildJob of) {
                            pauses++;
                            require(of.state() == RebuildState.PAUSED, "it is paused");
                        }
                    });
            job.start();
            return job;
        });
    }

    void await(RebuildJob job) {
        hand.runUntil(() -> ended, 2_000_000);
        require(job.state().isEnd(), "it ended");
        require(job.record() != null && job.record().progress().state() == job.state(), "its record says so");
    }

    /** Unlocks as soon as the lock is held: what a lock released too early does. */
    RangeLocker releasingEarly() {
        RangeLocker real = RangeLocker.of(mirror, home());
        return new RangeLocker() {
            @Override
            public void lock(long offsetBlocks, long blockCount, Completion<RangeLock> granted) {
                real.lock(offsetBlocks, blockCount, (lock, failure) ->
                        real.unlock(lock, (value, unlockFailure) -> granted.ok(lock)));
            }

            @Override
            public void unlock(RangeLock lock, Completion<Void> done) {
                home().send(() -> done.ok(null));
            }
        };
    }

    /** Does not wait for the writes in flight: what reading the source before the lock is held does. */
    RangeLocker grantingEarly() {
        RangeLocker real = RangeLocker.of(mirror, home());
        RangeLock[] none = new RangeLock[1];
        return new RangeLocker() {
            @Override
            public void lock(long offsetBlocks, long blockCount, Completion<RangeLock> granted) {
                real.lock(offsetBlocks, blockCount, (lock, failure) -> real.unlock(lock, (value, unlockFailure) -> { }));
                home().send(() -> granted.ok(none[0]));
            }

            @Override
            public void unlock(RangeLock lock, Completion<Void> done) {
                home().send(() -> done.ok(null));
            }
        };
    }

    // --- the host ---------------------------------------------------------------------------------------

    /** Starts one random write, if a slot is free; the host never overlaps its own writes. */
    void randomWrite() {
        int slot = 0;
        while (slot < SLOTS && slotBusy[slot]) {
            slot++;
        }
        long count = 1 + random.nextInt(SLOT_BLOCKS);
        long offset = random.nextLong(BLOCKS - count + 1);
        boolean overlaps = false;
        for (long i = 0; i < count; i++) {
            overlaps |= writing[(int) (offset + i)];
        }
        if (slot < SLOTS && !overlaps) {
            write(slot, random.nextInt(5) == 0 ? IoType.WRITE_ZEROES : IoType.WRITE, offset, count);
        }
    }

    private void write(int slot, int type, long offset, long count) {
        long address = hostMemory.address() + (long) slot * SLOT_BLOCKS * RigDisk.BLOCK;
        long stamp = nextStamp++;
        for (long at = 0; at < count * RigDisk.BLOCK; at += 8) {
            RawMemory.putLong(address + at, stamp);
        }
        mark(offset, count, true);
        slotBusy[slot] = true;
        running++;
        int reactor = random.nextInt(channels.size());
        hand.on(reactor, () -> {
            BdevIo io = channels.get(reactor).tryAcquire();
            io.prepare(type, offset, count, type == IoType.WRITE ? address : 0, 0, done -> {
                running--;
                slotBusy[slot] = false;
                mark(offset, count, false);
                written += done.status() == Status.SUCCESS ? 1 : 0;
                refused += done.status() == Status.SUCCESS ? 0 : 1;
                done.release();
            });
            channels.get(reactor).submit(io);
        });
    }

    private void mark(long offset, long count, boolean value) {
        for (long i = 0; i < count; i++) {
            writing[(int) (offset + i)] = value;
        }
    }

    /** Turns under load until the job has ended; {@code meddle} is called before each. */
    void loadUntilEnd(int writesPerMille, Runnable meddle) {
        for (int turn = 0; !ended; turn++) {
            require(turn < 1_000_000, "the job ends");
            meddle.run();
            if (random.nextInt(1000) < writesPerMille) {
                randomWrite();
            }
            if (hand.tickAny() == 0 && random.nextInt(8) == 0) {
                hand.advance(random.nextInt(50_000));
            }
        }
    }

    void drain() {
        hand.runUntil(() -> running == 0);
    }

    // --- checks -----------------------------------------------------------------------------------------

    /** The first block in which a disk differs from disk 0, or -1. At rest. */
    long firstDifference(int disk) {
        for (long block = DATA_OFFSET; block < DATA_OFFSET + BLOCKS; block++) {
            int at = (int) block * RigDisk.BLOCK;
            if (!java.util.Arrays.equals(disks.get(0).data, at, at + RigDisk.BLOCK, disks.get(disk).data, at,
                    at + RigDisk.BLOCK)) {
                return block - DATA_OFFSET;
            }
        }
        return -1;
    }

    void checkLegs() {
        for (int i = 1; i < disks.size(); i++) {
            long at = firstDifference(i);
            require(at < 0, "block " + at + " of disk" + i + " differs");
        }
    }

    void checkNothingHeld() {
        pools.all().forEach(pool -> require(pool.freeCount() == pool.count(), "buffers of " + pool.name() + " leak"));
        hand.reactors().all().forEach(reactor -> require(BdevContext.of(reactor).ioPool().freeCount() == 512,
                "I/O records leak"));
        for (RigDisk disk : disks) {
            disk.channels().forEach(channel -> require(channel.references() == 1, "a channel of the job is open"));
        }
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
