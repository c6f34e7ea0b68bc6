package io.mizzen.nexus;

import static io.mizzen.nexus.DiskRecords.dataBlock;
import static io.mizzen.nexus.DiskRecords.durableBits;
import static io.mizzen.nexus.DiskRecords.isMember;
import static io.mizzen.nexus.DiskRecords.memberOf;
import static io.mizzen.nexus.DiskRecords.stampOf;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.MemoryKind;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.rebuild.WorkerChooser;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * A machine with a nexus over simulated disks, and a host that knows what it may read. The checks are made here, outside
 * of the code under test: at every acknowledgement, at every arrival of data on a disk, at every read, and at rest.
 */
final class NexusSim {
    static final UUID NEXUS = new UUID(5, 6);
    static final long MIB = 1 << 20;
    static final int REGION_SHIFT = 16;
    static final long SWEEP_NS = 1_000_000;
    /** What children hold where no nexus has been yet. */
    static final long FOREIGN = 0x0101010101010101L;
    static final long FREEZE_NS = 50_000_000;
    private static final long MEMORY_BYTES = 6 * MIB;
    private static final MemorySegment MEMORY = Arena.global().allocate(MEMORY_BYTES, 4096);
    private static final int SLOTS = 24;
    private static final int SLOT_BYTES = 16 << 10;

    final HandReactors hand;
    final BdevRegistry registry = new BdevRegistry();
    final List<SimDisk> disks = new ArrayList<>();
    final List<String> events = new ArrayList<>();
    final Random random;
    final History history;
    final BufferPools pools;
    private final boolean volatileCache;
    private final DmaMemory.Block hostMemory;
    private final boolean[] slotBusy = new boolean[SLOTS];
    private final List<IoChannel> channels = new ArrayList<>();
    final NexusEnvironment environment;
    Nexus nexus;
    Descriptor descriptor;
    int running;
    int acknowledged;
    int failed;
    boolean checkDirtyOrder = true;
    /** Power fails soon after one in so many writes of metadata arrives at a disk; 0: never. */
    int crashOneIn;
    boolean crashDue;
    private boolean sourceLeaves;

    /** What the host knows, across crashes. */
    static final class History {
        final long blocks;
        final List<Set<Long>> possible = new ArrayList<>();
        final List<List<Long>> log = new ArrayList<>();
        /** What a block may hold after a power failure now. */
        final List<Set<Long>> afterCrash = new ArrayList<>();
        final boolean[] writing;
        /** What other legs may show although hosts have read one of it: nothing once a write is acknowledged. */
        final List<Set<Long>> doubt = new ArrayList<>();
        long nextStamp = 1;
        int sourcesLost;

        History(long sizeBytes) {
            blocks = sizeBytes / SimDisk.BLOCK;
            writing = new boolean[(int) blocks];
            for (int i = 0; i < blocks; i++) {
                possible.add(new HashSet<>(Set.of(0L)));
                log.add(new ArrayList<>());
                afterCrash.add(new HashSet<>(Set.of(0L)));
                doubt.add(new HashSet<>());
            }
        }

        /** The leg that hosts read from while legs may differ is gone: another one may show what was never acknowledged. */
        void onSourceLost() {
            sourcesLost++;
            for (int i = 0; i < blocks; i++) {
                possible.get(i).addAll(doubt.get(i));
            }
        }

        /** A flush begins: what it will have made durable when it has succeeded is given to the result. */
        Runnable beginFlush() {
            List<Set<Long>> now = new ArrayList<>();
            int[] logAt = new int[(int) blocks];
            for (int i = 0; i < blocks; i++) {
                now.add(Set.copyOf(possible.get(i)));
                logAt[i] = log.get(i).size();
            }
            return () -> {
                for (int i = 0; i < blocks; i++) {
                    Set<Long> may = new HashSet<>(now.get(i));
                    may.addAll(log.get(i).subList(logAt[i], log.get(i).size()));
                    may.retainAll(afterCrash.get(i));
                    afterCrash.set(i, may);
                }
            };
        }

        void crash() {
            Arrays.fill(writing, false);
            for (int i = 0; i < blocks; i++) {
                possible.set(i, new HashSet<>(afterCrash.get(i)));
                doubt.set(i, new HashSet<>(afterCrash.get(i)));
            }
        }
    }

    NexusSim(long seed, int reactorCount, int diskCount, long nexusBytes, List<SimDisk.Media> media,
            boolean volatileCache, History history) {
        this.random = new Random(seed);
        this.history = history;
        this.volatileCache = volatileCache;
        this.hand = new HandReactors(reactorCount, random.nextLong());
        MEMORY.fill((byte) 0);
        DmaMemory memory = new DmaMemory(List.of(new DmaRegion(0, MEMORY.address(), MEMORY_BYTES, MemoryKind.PLAIN,
                4096, -1, MEMORY.asByteBuffer())));
        DmaMemory.Block zeroes = memory.allocate(BufferPools.LARGE_BYTES, -1);
        pools = new BufferPools(memory, 32, 16, reactorCount);
        hostMemory = memory.allocate((long) SLOTS * SLOT_BYTES, -1);
        for (Reactor reactor : hand.reactors().all()) {
            BdevContext.install(reactor, 256, pools, zeroes);
        }
        for (int i = 0; i < diskCount; i++) {
            SimDisk disk = new SimDisk(i, "disk" + i, nexusBytes + 8 * MIB, media.get(i), volatileCache,
                    random.nextLong());
            disk.tap = this::onArrival;
            registry.register(disk);
            disks.add(disk);
        }
        Mthread home = hand.reactor(0).mthread();
        WorkerChooser copier = WorkerChooser.fixed(hand.reactor(reactorCount - 1).mthread());
        environment = new NexusEnvironment(registry, home, copier, () -> hand.nowNs() / 1_000_000,
                UUID::randomUUID, (of, event) -> onEvent(of, event));
    }

    private void onEvent(Nexus of, String event) {
        events.add(event);
        trace(hand.nowNs() + " EVENT " + event);
        boolean out = event.startsWith("child-faulted") || event.startsWith("child-lost");
        boolean sourceOut = of.source() >= 0 && !of.child(of.source()).isUsable();
        if (out && of.suspectRegions() > 0 && sourceOut || sourceLeaves && event.startsWith("child-closed")) {
            sourceLeaves = out;             // Until it is closed, reads that had begun come from it.
            history.onSourceLost();
        }
    }

    static List<SimDisk.Media> media(int count) {
        List<SimDisk.Media> media = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            media.add(new SimDisk.Media());
        }
        return media;
    }

    // --- opening and closing ---------------------------------------------------------------------

    /** Opens over the disks with these numbers; the refusal's code, or null. */
    String open(NexusParameters parameters, int... numbers) {
        List<Bdev> children = new ArrayList<>();
        for (int number : numbers) {
            children.add(disks.get(number));
        }
        String[] outcome = new String[1];
        hand.on(0, () -> Nexus.open(environment, parameters, children, (value, failure) -> {
            nexus = value;
            outcome[0] = failure == null ? "" : failure.code();
        }));
        hand.runUntil(() -> outcome[0] != null);
        if (!outcome[0].isEmpty()) {
            return outcome[0];
        }
        descriptor = hand.call(0, () -> registry.open(nexus, "host", true, TestIo.ignoring()));
        for (Reactor reactor : hand.reactors().all()) {
            channels.add(hand.call(reactor.index(), () -> descriptor.openChannel(reactor.mthread())));
        }
        return null;
    }

    static NexusParameters parameters() {
        return NexusParameters.of(NEXUS, "n").withRegions(REGION_SHIFT, SWEEP_NS).withFreezeTimeoutNs(FREEZE_NS);
    }

    void openAll() {
        String refusal = open(parameters(), IntStream.range(0, disks.size()).toArray());
        require(refusal == null, refusal);
    }

    void closeHost() {
        for (IoChannel channel : channels) {
            hand.on(channel.mthread().reactor().index(), channel::close);
        }
        channels.clear();
        hand.on(0, descriptor::close);
    }

    /** Closes or destroys; the failure's code, or null. */
    String close(boolean destroy) {
        closeHost();
        String[] outcome = new String[1];
        hand.on(0, () -> {
            Completion<Void> done = (value, failure) ->
                    outcome[0] = failure == null ? "" : failure.code();
            if (destroy) {
                nexus.destroy(done);
            } else {
                nexus.close(done);
            }
        });
        hand.runUntil(() -> outcome[0] != null);
        checkNoLeaks();
        return outcome[0].isEmpty() ? null : outcome[0];
    }

    void checkNoLeaks() {
        for (Reactor reactor : hand.reactors().all()) {
            require(BdevContext.of(reactor).ioPool().freeCount() == 256, "I/O records leak on " + reactor);
        }
        pools.all().forEach(pool -> require(pool.freeCount() == pool.count(), "buffers of " + pool.name() + " leak"));
        disks.forEach(disk -> require(!disk.isOpen() && disk.channels().isEmpty(), disk + " is still open"));
    }

    // --- the host --------------------------------------------------------------------------------------

    /** Starts one random I/O, if a slot is free; the host never overlaps its own writes. */
    void randomIo() {
        int slot = freeSlot();
        if (slot < 0) {
            return;
        }
        long count = 1 + random.nextInt(SLOT_BYTES / SimDisk.BLOCK);
        long offset = random.nextLong(nexus.blockCount() - count + 1);
        if (random.nextInt(4) == 0) {
            offset = offset & 63;       // A hot spot.
        }
        int kind = random.nextInt(20);
        int reactor = random.nextInt(channels.size());
        if (kind < 10) {
            write(reactor, slot, IoType.WRITE, offset, count, random.nextInt(8) == 0 ? BdevIo.FLAG_FUA : 0);
        } else if (kind == 10) {
            write(reactor, slot, IoType.WRITE_ZEROES, offset, count, 0);
        } else if (kind == 11) {
            write(reactor, slot, IoType.UNMAP, offset, count, 0);
        } else if (kind == 12) {
            flush(reactor);
        } else {
            read(reactor, slot, offset, count);
        }
    }

    private int freeSlot() {
        for (int i = 0; i < SLOTS; i++) {
            if (!slotBusy[i]) {
                return i;
            }
        }
        return -1;
    }

    long slotAddress(int slot) {
        return hostMemory.address() + (long) slot * SLOT_BYTES;
    }

    /** Outcome of the last single I/O of {@link #run}. */
    int lastStatus;

    /** One write, waited for. */
    int run(int reactor, int type, long offset, long count) {
        lastStatus = TestIo.PENDING;
        int before = running;
        if (type == IoType.READ) {
            read(reactor, freeSlot(), offset, count);
        } else if (type == IoType.FLUSH) {
            flush(reactor);
        } else if (type == IoType.RESET) {
            submit(reactor, type, 0, 0, 0, 0, new BdevIo[1], () -> { });
        } else {
            write(reactor, freeSlot(), type, offset, count, 0);
        }
        hand.runUntil(() -> running == before);
        return lastStatus;
    }

    /** The host's channel on a reactor. */
    IoChannel channel(int reactor) {
        return channels.get(reactor);
    }

    /** The host's channel on a reactor is closed and opened anew, if nothing is under way there; whether it was. */
    boolean reopenChannel(int reactor) {
        IoChannel channel = channels.get(reactor);
        if (channel.inFlight() + channel.waiting() + ((NexusChannel) channel).frozenCount() > 0) {
            return false;
        }
        hand.on(reactor, () -> {
            channel.close();
            channels.set(reactor, descriptor.openChannel(hand.reactor(reactor).mthread()));
        });
        return true;
    }

    /** One I/O that the host keeps no account of. */
    int runUnchecked(int reactor, int type, long offset, long count) {
        int before = running;
        submit(reactor, type, offset, count, slotAddress(0), 0, new BdevIo[1], () -> { });
        hand.runUntil(() -> running == before);
        return lastStatus;
    }

    static void trace(String line) {
        if (System.getProperty("dbg") != null) {
            System.out.println(line);
        }
    }

    void submit(int reactor, int type, long offset, long count, long address, int flags, BdevIo[] holder,
            Runnable done) {
        running++;
        hand.on(reactor, () -> {
            IoChannel channel = channels.get(reactor);
            BdevIo io = channel.tryAcquire();
            require(io != null, "the host has a record");
            holder[0] = io;
            io.prepare(type, offset, count, address, 0, ended -> {
                running--;
                lastStatus = ended.status();
                done.run();
                ended.release();
            });
            io.flags = flags;
            channel.submit(io);
        });
    }

    void write(int reactor, int slot, int type, long offset, long count, int flags) {
        for (long i = 0; i < count; i++) {
            if (history.writing[(int) (offset + i)]) {
                return;
            }
        }
        long stamp = type == IoType.WRITE ? history.nextStamp++ : 0;
        slotBusy[slot] = true;
        for (long i = 0; i < count; i++) {
            int block = (int) (offset + i);
            history.writing[block] = true;
            history.possible.get(block).add(stamp);
            history.log.get(block).add(stamp);
            history.afterCrash.get(block).add(stamp);
            for (int at = 0; at < SimDisk.BLOCK; at += 8) {
                RawMemory.putLong(slotAddress(slot) + i * SimDisk.BLOCK + at, stamp);
            }
        }
        BdevIo[] io = new BdevIo[1];
        submit(reactor, type, offset, count, type == IoType.WRITE ? slotAddress(slot) : 0, flags, io, () -> {
            slotBusy[slot] = false;
            trace(hand.nowNs() + " write " + stamp + " at " + offset + "+" + count + " ends " + Status.describe(io[0].status()));
            boolean done = io[0].status() == Status.SUCCESS;
            if (done) {
                acknowledged++;
                checkAcknowledged(offset, count, stamp);
            } else {
                failed++;
            }
            for (long i = 0; i < count; i++) {
                int block = (int) (offset + i);
                history.writing[block] = false;
                if (!done) {
                    history.doubt.get(block).addAll(history.possible.get(block));
                } else {
                    history.doubt.get(block).clear();
                    history.possible.get(block).clear();
                    history.possible.get(block).add(stamp);
                    if (!volatileCache || (flags & BdevIo.FLAG_FUA) != 0) {
                        history.afterCrash.set(block, new HashSet<>(Set.of(stamp)));
                    }
                }
            }
        });
    }

    void read(int reactor, int slot, long offset, long count) {
        slotBusy[slot] = true;
        List<Set<Long>> atStart = new ArrayList<>();
        int[] logAt = new int[(int) count];
        boolean[] written = new boolean[(int) count];
        int lostBefore = history.sourcesLost;
        for (int i = 0; i < count; i++) {
            written[i] = history.writing[(int) offset + i];
            // Reads in flight side by side may end in any order: what one of them fixes is no news to the other.
            atStart.add(new HashSet<>(history.possible.get((int) offset + i)));
            logAt[i] = history.log.get((int) offset + i).size();
        }
        BdevIo[] io = new BdevIo[1];
        submit(reactor, IoType.READ, offset, count, slotAddress(slot), 0, io, () -> {
            slotBusy[slot] = false;
            if (io[0].status() != Status.SUCCESS) {
                failed++;
                return;
            }
            trace(hand.nowNs() + " read at " + offset + "+" + count + " first " + stampOf(RawMemory.ALL, slotAddress(slot)));
            for (int i = 0; i < count; i++) {
                long stamp = stampOf(RawMemory.ALL, slotAddress(slot) + (long) i * SimDisk.BLOCK);
                List<Long> log = history.log.get((int) offset + i);
                boolean doubtful = history.sourcesLost != lostBefore
                        && history.doubt.get((int) offset + i).contains(stamp);
                require(doubtful || atStart.get(i).contains(stamp) || log.subList(logAt[i], log.size()).contains(stamp),
                        "block " + (offset + i) + " reads as " + stamp + ", possible " + atStart.get(i));
                if (log.size() == logAt[i] && !written[i] && !doubtful) {
                    history.possible.get((int) offset + i).retainAll(Set.of(stamp));    // Once read, it stays.
                }
            }
        });
    }

    void flush(int reactor) {
        Runnable durable = history.beginFlush();
        BdevIo[] io = new BdevIo[1];
        submit(reactor, IoType.FLUSH, 0, 0, 0, 0, io, () -> {
            if (io[0].status() == Status.SUCCESS) {
                durable.run();
            }
        });
    }

    void drain() {
        hand.runUntil(() -> running == 0);
    }

    // --- children --------------------------------------------------------------------------------------

    /** Why the last operation was refused, or null. */
    OperationException lastFailure;

    /** Runs an operation of the nexus; the refusal's code, or null. */
    String operate(Consumer<Completion<Void>> operation) {
        boolean[] ended = new boolean[1];
        lastFailure = null;
        hand.on(0, () -> operation.accept((value, failure) -> {
            ended[0] = true;
            lastFailure = failure;
        }));
        hand.runUntil(() -> ended[0], 2_000_000);
        return lastFailure == null ? null : lastFailure.code();
    }

    String add(int disk) {
        return add(disks.get(disk));
    }

    String add(Bdev bdev) {
        return operate(done -> nexus.addChild(bdev, done));
    }

    String online(int disk) {
        return operate(done -> nexus.onlineChild(disks.get(disk), done));
    }

    String remove(String child) {
        return operate(done -> nexus.removeChild(child, done));
    }

    String offline(String child) {
        return operate(done -> nexus.offlineChild(child, done));
    }

    /** The device of a disk comes back after {@link SimDisk#pull} as a bdev of its own. */
    void plugIn(int disk) {
        hand.on(0, () -> replace(disk));
    }

    /** The same, on the control reactor already. */
    void replace(int disk) {
        SimDisk old = disks.get(disk);
        registry.unregister(old, (value, failure) -> { });
        SimDisk again = new SimDisk(disk, old.name(), old.sizeBytes(), old.media, volatileCache, random.nextLong());
        again.tap = this::onArrival;
        registry.register(again);
        disks.set(disk, again);
    }

    void awaitRebuilds() {
        hand.runUntil(() -> nexus.rebuildStatuses().isEmpty(), 4_000_000);
        awaitResync();
    }

    List<SimDisk.Media> media() {
        return disks.stream().map(disk -> disk.media).toList();
    }

    // --- checks -------------------------------------------------------------------------------------------

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** The disks that carry a member of the newest durable generation. */
    int[] memberDisks() {
        NexusMetadata newest = newestDurable();
        return disks.stream().filter(disk -> isMember(disk, newest)).mapToInt(disk -> disk.number).toArray();
    }

    /** The newest record that is durable on any disk. */
    NexusMetadata newestDurable() {
        return DiskRecords.newestDurable(disks);
    }

    private void checkAcknowledged(long offset, long count, long stamp) {
        NexusMetadata newest = newestDurable();
        int holders = 0;
        for (SimDisk disk : disks) {
            if (!isMember(disk, newest)) {
                continue;
            }
            boolean healthy = memberOf(disk, newest).isHealthy();
            boolean holds = true;
            for (long i = 0; i < count && holds; i++) {
                holds = stampOf(MemorySegment.ofArray(disk.media.current(dataBlock() + offset + i)), 0) == stamp;
            }
            require(holds || !healthy, "acknowledged, but " + disk + " lacks it and is stored as healthy");
            holders += holds && healthy ? 1 : 0;
        }
        require(holders > 0, "acknowledged, but no healthy child holds it");
    }

    /** Data must not reach a disk before every healthy child says that its region is dirty. */
    private void onArrival(SimDisk at, BdevIo io) {
        trace(hand.nowNs() + "   " + at + " type " + io.type + " at " + (io.offsetBlocks - dataBlock()) + "+" + io.blockCount);
        if (crashOneIn > 0 && IoType.isWrite(io.type) && io.offsetBlocks < dataBlock()) {
            crashDue |= random.nextInt(crashOneIn) == 0;
        }
        if (!checkDirtyOrder || !IoType.isWrite(io.type) || io.offsetBlocks < dataBlock()) {
            return;
        }
        NexusMetadata newest = newestDurable();
        if (!isMember(at, newest) || !memberOf(at, newest).isHealthy()) {
            return;             // A rebuild's writes: its child's data does not count.
        }
        DirtyGeometry geometry = new DirtyGeometry(newest.sizeBytes(), SimDisk.BLOCK, newest.regionShift());
        int first = geometry.regionOf((io.offsetBlocks - dataBlock()) * SimDisk.BLOCK);
        int last = geometry.regionOf((io.offsetBlocks - dataBlock() + io.blockCount - 1) * SimDisk.BLOCK);
        for (SimDisk disk : disks) {
            if (!isMember(disk, newest) || !memberOf(disk, newest).isHealthy()) {
                continue;
            }
            long[] words = durableBits(disk, newest, geometry);
            for (int region = first; region <= last; region++) {
                require((words[region >>> 6] >>> region & 1) != 0,
                        "data of region " + region + " before its bit on " + disk);
            }
        }
    }

    /** At rest: healthy legs are equal, and hold what was acknowledged. */
    void checkLegs() {
        DiskRecords.checkLegs(disks, nexus.membership().stored(), history, nexus.blockCount());
    }

    void awaitResync() {
        hand.runUntil(() -> nexus.suspectRegions() == 0 && !nexus.resync().isCopying(), 2_000_000);
    }

    /** Power fails; what the next machine finds. */
    void crash() {
        disks.forEach(SimDisk::crash);
        history.crash();
    }
}
