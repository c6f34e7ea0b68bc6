package io.mizzen.lvs;

import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.concat.ConcatBdev;
import io.mizzen.concat.DiskHead;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.Seeds;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongFunction;

/**
 * A pool of several disks that gets more of them, or whose last one grows, while it is written to; all disks lose power
 * at one moment, each with its own losses, also while they are put together again. What was acknowledged is there: blocks, disks and size.
 * Says what a seed found, or null. One thread.
 */
public final class ConcatCrashRun implements LongFunction<String> {
    private static final long MIB = 1 << 20;
    private static final int PAGE = 4096;
    private static final int LIVES = 4;
    private static final int DISKS_MAX = 4;
    private static final int VOLUME_MIB = 4;
    private static final int TURNS_MAX = 200_000;

    private final CrashMemory memory = new CrashMemory();
    private Random random;
    private int blockBytes;
    private boolean volatileCache;
    private boolean unmapsToZeroes;
    /** What every disk holds, in the order in which they came. */
    private final List<CrashMedia> media = new ArrayList<>();
    private final List<Long> sizes = new ArrayList<>();
    /** So many disks the pool surely has; one more perhaps. */
    private int disksSurely;
    /** So large the pool surely is. */
    private long poolBytesSurely;
    /** What the first block of each page of the volume may hold. */
    private final Map<Integer, Set<Long>> pages = new TreeMap<>();
    private long lastValue;
    private int nextName;
    private int additions;

    private HandReactors hand;
    private BdevRegistry registry;
    private LvStores stores;
    private long payload;
    private final List<CrashDisk> disks = new ArrayList<>();
    private ConcatBdev concat;
    private LvStore store;

    /** How many disks were added, or had grown, with nobody cutting the power meanwhile. */
    public int additions() {
        return additions;
    }

    @Override
    public String apply(long seed) {
        return Seeds.finding(() -> run(seed));
    }

    private void run(long seed) {
        random = new Random(seed * 0x9E3779B97F4A7C15L + 5);
        blockBytes = random.nextBoolean() ? 512 : PAGE;
        volatileCache = random.nextInt(4) > 0;
        unmapsToZeroes = random.nextBoolean();
        media.clear();
        sizes.clear();
        pages.clear();
        additions = 0;
        for (int i = 1 + random.nextInt(2); i > 0; i--) {
            newDisk();
        }
        start();
        create();
        for (int life = 0; life < LIVES; life++) {
            live(life < LIVES - 1 ? random.nextInt(90) : Integer.MAX_VALUE);
            do {
                cut();
                start();
            } while (!open(random.nextInt(3) == 0 ? random.nextInt(12) : Integer.MAX_VALUE));
            check();
        }
    }

    private void newDisk() {
        long sizeBytes = (3 + random.nextInt(5)) * MIB + (random.nextBoolean() ? 0 : 65_536);
        media.add(CrashMedia.used(blockBytes, sizeBytes + 4 * MIB, volatileCache));
        sizes.add(sizeBytes);
    }

    // --- the machine --------------------------------------------------------------------------------

    private void start() {
        hand = new HandReactors(2, random.nextLong());
        registry = new BdevRegistry();
        DmaMemory fresh = memory.fresh();
        DmaMemory.Block zeroes = fresh.allocate(BufferPools.LARGE_BYTES, -1);
        RawMemory.zero(zeroes.address(), zeroes.sizeBytes());
        BufferPools pools = new BufferPools(fresh, 8, 16, 2);
        payload = fresh.allocate(PAGE, -1).address();
        for (Reactor reactor : hand.reactors().all()) {
            BdevContext.install(reactor, 128, pools, zeroes);
        }
        stores = new LvStores(registry, control());
        disks.clear();
        for (int i = 0; i < media.size(); i++) {
            plug(i);
        }
    }

    private void plug(int disk) {
        CrashDisk it = new CrashDisk("disk" + nextName++, media.get(disk), sizes.get(disk), unmapsToZeroes, random.nextLong());
        hand.on(0, () -> registry.register(it));
        disks.add(it);
    }

    private Mthread control() {
        return hand.reactor(0).mthread();
    }

    private void cut() {
        for (int i = 0; i < disks.size(); i++) {
            media.set(i, disks.get(i).cut(random));
        }
    }

    private long moments() {
        return disks.stream().mapToLong(CrashDisk::moments).sum();
    }

    private void turn() {
        if (hand.tickAny() == 0 && hand.random().nextInt(16) == 0) {
            hand.advance(1_000_000);
        }
    }

    private <T> LvsRig.Outcome<T> begin(Consumer<Completion<T>> operation) {
        LvsRig.Outcome<T> outcome = new LvsRig.Outcome<>();
        hand.on(0, () -> {
            try {
                operation.accept(outcome);
            } catch (OperationException refused) {
                outcome.fail(refused);
            }
        });
        return outcome;
    }

    /** Waits for its end, or for that moment of the disks; null then. */
    private <T> LvsRig.Outcome<T> await(LvsRig.Outcome<T> outcome, long cutAt) {
        for (int turns = 0; !outcome.ended; turns++) {
            CrashImage.require(turns < TURNS_MAX, "an operation does not end");
            if (moments() >= cutAt) {
                return null;
            }
            turn();
        }
        return outcome;
    }

    private <T> T ok(Consumer<Completion<T>> operation) {
        LvsRig.Outcome<T> outcome = await(begin(operation), Long.MAX_VALUE);
        CrashImage.require(outcome.failure == null, "refused: " + outcome.failure);
        return outcome.value;
    }

    // --- the pool -----------------------------------------------------------------------------------

    private void create() {
        List<ConcatBdev.NewDisk> all = disks.stream().map(disk -> new ConcatBdev.NewDisk(disk, null)).toList();
        concat = hand.call(0, () -> ConcatBdev.create("pool", all, registry, control()));
        hand.on(0, () -> registry.register(concat));
        this.<Void>ok(done -> concat.store(done));
        store = this.<LvStore>ok(done -> stores.create(concat, new LvStores.Options("pool", null, MIB, 400), done));
        this.<Lvol>ok(done -> store.createLvol("v", null, Math.min(VOLUME_MIB, store.clusterCount()) * MIB, true, done));
        disksSurely = disks.size();
        poolBytesSurely = store.sizeBytes();
    }

    /** Opens what is on the disks, whichever of them the last addition has reached. False: the power failed meanwhile. */
    private boolean open(long cutAt) {
        List<CrashDisk> named = new ArrayList<>(disks);
        Collections.shuffle(named, random);
        LvsRig.Outcome<ConcatBdev> assembled = await(begin(done -> assemble(named, done)), cutAt);
        if (assembled != null && assembled.failure != null && disks.size() > disksSurely) {
            CrashImage.require(assembled.failure.code().equals("disk-not-member"), "the disks are refused: " + assembled.failure);
            named.remove(disks.get(disksSurely));
            assembled = await(begin(done -> assemble(named, done)), cutAt);
        }
        if (assembled == null) {
            return false;
        }
        CrashImage.require(assembled.failure == null, "the disks are refused: " + assembled.failure);
        concat = assembled.value;
        hand.on(0, () -> registry.register(concat));
        LvsRig.Outcome<LvStore> loaded = await(begin(done -> stores.load(concat, LvStores.Expected.any(), done)), cutAt);
        if (loaded == null) {
            return false;
        }
        CrashImage.require(loaded.failure == null, "the pool is refused: " + loaded.failure);
        store = loaded.value;
        while (disks.size() > concat.disks().size()) {     // It holds nothing of the pool: the operator takes it away.
            disks.removeLast();
            media.removeLast();
            sizes.removeLast();
        }
        disksSurely = disks.size();
        return true;
    }

    private void assemble(List<CrashDisk> named, Completion<ConcatBdev> done) {
        inspect(named, new ArrayList<>(), (heads, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            try {
                ConcatBdev.assemble(heads, false, registry, control(), done);
            } catch (OperationException refused) {
                done.fail(refused);
            }
        });
    }

    private void inspect(List<CrashDisk> named, List<DiskHead> heads, Completion<List<DiskHead>> done) {
        if (heads.size() == named.size()) {
            done.ok(heads);
            return;
        }
        ConcatBdev.inspect(named.get(heads.size()), registry, control(), (head, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                heads.add(head);
                inspect(named, heads, done);
            }
        });
    }

    // --- what is done with it -----------------------------------------------------------------------

    /** Writes go on while the pool grows, until that moment of the disks; or until it has grown once. */
    private void live(int momentsMax) {
        long cutAt = momentsMax == Integer.MAX_VALUE ? Long.MAX_VALUE : moments() + momentsMax;
        Bdev bdev = store.findLvol("v").bdev();
        Descriptor descriptor = hand.call(0, () -> registry.open(bdev, "host", true, VolumeHandle.NO_LISTENER));
        IoChannel channel = hand.call(1, () -> descriptor.openChannel(hand.reactor(1).mthread()));
        LvsRig.Outcome<?> growth = grow();
        boolean poolGrows = false;
        Write write = null;
        while (moments() < cutAt) {
            turn();
            if (write != null && write.ended) {
                write = null;
            }
            if (write == null && (growth != null || random.nextInt(4) > 0)) {
                write = new Write(channel, bdev);
            }
            if (growth != null && growth.ended) {
                CrashImage.require(growth.failure == null, "growth fails: " + growth.failure);
                growth = poolGrows ? null : this.<LvStore>begin(done -> store.grow(done));
                if (poolGrows) {
                    additions++;
                    disksSurely = disks.size();
                    poolBytesSurely = store.sizeBytes();
                    CrashImage.require(poolBytesSurely > concat.sizeBytes() - MIB, "the pool has not grown");
                }
                poolGrows = true;
            } else if (growth == null && write == null && cutAt == Long.MAX_VALUE) {
                return;
            }
        }
    }

    private LvsRig.Outcome<?> grow() {
        if (disks.size() < DISKS_MAX && random.nextInt(3) > 0) {
            newDisk();
            plug(media.size() - 1);
            return this.<Void>begin(done -> concat.add(new ConcatBdev.NewDisk(disks.getLast(), null), done));
        }
        int last = disks.size() - 1;
        sizes.set(last, Math.min(sizes.get(last) + MIB, media.get(last).sizeBytes()));
        hand.on(0, () -> disks.get(last).grow(sizes.get(last)));
        return this.<Void>begin(done -> concat.growLast(done));
    }

    /** A durable write of the first block of a page. */
    private final class Write {
        private boolean ended;

        Write(IoChannel channel, Bdev bdev) {
            int page = random.nextInt((int) (bdev.sizeBytes() / PAGE));
            long value = ++lastValue << 20 | page;
            pages.computeIfAbsent(page, key -> new HashSet<>(Set.of(0L))).add(value);
            for (int i = 0; i < blockBytes; i += 8) {
                RawMemory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, payload + i, value);
            }
            hand.on(1, () -> {
                BdevIo io = channel.tryAcquire();
                io.prepare(IoType.WRITE, (long) page * PAGE >>> bdev.blockShift(), 1, payload, -1, done -> {
                    CrashImage.require(done.status() == 0, "a write fails with 0x" + Integer.toHexString(done.status()));
                    done.release();
                    pages.put(page, new HashSet<>(Set.of(value)));
                    ended = true;
                });
                io.flags |= BdevIo.FLAG_FUA;
                channel.submit(io);
            });
        }
    }

    // --- what is there ------------------------------------------------------------------------------

    /** The disks as one: a megabyte of each is the set's own. */
    private final class Joined implements SlowDecoder.Source {
        @Override
        public byte[] read(long atBytes, int sizeBytes) {
            byte[] out = new byte[sizeBytes];
            for (int done = 0; done < sizeBytes;) {
                long at = atBytes + done;
                int disk = 0;
                while (at >= concat.dataBytes(disks.get(disk))) {
                    at -= concat.dataBytes(disks.get(disk++));
                }
                int part = (int) Math.min(sizeBytes - done, concat.dataBytes(disks.get(disk)) - at);
                System.arraycopy(disks.get(disk).media().read(MIB + at, part), 0, out, done, part);
                done += part;
            }
            return out;
        }
    }

    private void check() {
        for (int i = 0; i < disks.size(); i++) {
            CrashImage.require(concat.disks().get(i) == disks.get(i), "the disks are not in their order");
        }
        CrashImage.require(disks.size() >= disksSurely, "a disk is lost");
        CrashImage.require(store.sizeBytes() >= poolBytesSurely && store.sizeBytes() <= concat.sizeBytes(), "the pool has "
                + store.sizeBytes() + " bytes, surely had " + poolBytesSurely + ", on " + concat.sizeBytes());
        poolBytesSurely = store.sizeBytes();
        SlowDecoder decoder = new SlowDecoder(new Joined());
        CrashImage.require(decoder.freeClusters() == store.freeClusterCount(), "the pool has " + store.freeClusterCount()
                + " free clusters, on the disks are " + decoder.freeClusters());
        SlowDecoder.Volume v = decoder.volumes.get("v");
        for (Map.Entry<Integer, Set<Long>> entry : pages.entrySet()) {
            int perCluster = (int) (MIB / PAGE);
            byte[] cluster = decoder.read(v, entry.getKey() / perCluster);
            long found = pageValue(cluster, entry.getKey() % perCluster * PAGE);
            CrashImage.require(entry.getValue().contains(found), "page " + entry.getKey() + " holds " + found + ", may hold "
                    + entry.getValue());
            entry.setValue(new HashSet<>(Set.of(found)));
        }
    }

    private long pageValue(byte[] cluster, int at) {
        ByteBuffer page = ByteBuffer.wrap(cluster, at, PAGE).slice().order(ByteOrder.LITTLE_ENDIAN);
        long value = page.getLong(0);
        for (int i = 8; i < blockBytes; i += 8) {
            if (page.getLong(i) != value) {
                return CrashImage.MIXED;
            }
        }
        return value;
    }
}
