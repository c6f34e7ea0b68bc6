package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Pools whose device loses power at a random moment, with completions out of order, unflushed blocks lost and pages torn;
 * then loaded again, compared with what was acknowledged, used further, and so on. {@code -Dsim.seeds=n} tries more.
 */
class LvStoreCrashSimTest {
    private static final long MIB = 1 << 20;
    private static final int SECTOR = 512;
    private static final int SLOTS = 4;
    private static final int SLOT_BYTES = 256 << 10;

    /** What a volume may look like: sizes it may have, and for each sector written the values it may hold. */
    private static final class Model {
        boolean thin;
        boolean mayBeAbsent;
        boolean mayBePresent = true;
        final Set<Long> sizes = new HashSet<>();
        final Map<Long, Set<Long>> sectors = new HashMap<>();
        final Map<Long, Long> latest = new HashMap<>();
        /** Thick volumes show old contents behind the zeroed head. */
        long zeroUpTo;
    }

    private final Map<String, Model> models = new TreeMap<>();
    private Random random;
    private long nextValue = 1;
    private int nextName;
    private LvsRig rig;
    private SimDisk disk;
    private LvStore store;
    private int budget;

    private interface Step {
        boolean ended();

        void acknowledged();
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void whatWasAcknowledgedIsThereAfterEveryCrash(int blockSize) {
        int seeds = Integer.getInteger("sim.seeds", 6);
        for (int seed = 0; seed < seeds; seed++) {
            try {
                oneSeed(blockSize, seed);
            } catch (Throwable e) {
                throw new AssertionError("seed " + seed + " on blocks of " + blockSize, e);
            }
        }
    }

    private void oneSeed(int blockSize, int seed) {
        random = new Random(seed * 31L + blockSize);
        models.clear();
        nextName = 0;
        rig = new LvsRig(seed);
        disk = rig.register(new SimDisk("disk", blockSize, 48 * MIB, new SimDisk.Contents(), random.nextBoolean(), random));
        store = rig.create(disk, "pool", MIB);
        for (int generation = 0; generation < 4; generation++) {
            budget = 200 + random.nextInt(4000);
            while (budget > 0) {
                round();
            }
            SimDisk.Contents left = disk.crash();
            rig.hand.tickAll(3000);   // The dead disk fails what was in flight, so that shared buffers come back.
            rig = new LvsRig(seed * 10 + generation);
            disk = rig.register(new SimDisk("disk", blockSize, 48 * MIB, left, disk.unmapReadsZeroes(), random));
            store = rig.load(disk);
            check();
        }
    }

    /** Starts a few changes and writes at once, on different volumes, and waits for them, or for the crash. */
    private void round() {
        List<Step> steps = new ArrayList<>();
        Set<String> taken = new HashSet<>();
        List<LvsRig.Handle> handles = new ArrayList<>();
        for (int slot = 0; slot < 1 + random.nextInt(SLOTS); slot++) {
            Step step = pick(taken, slot, handles);
            if (step != null) {
                steps.add(step);
            }
        }
        while (!steps.isEmpty() && budget-- > 0) {
            rig.hand.tickAny();
            steps.removeIf(step -> {
                if (step.ended()) {
                    step.acknowledged();
                    return true;
                }
                return false;
            });
        }
        if (steps.isEmpty()) {
            handles.forEach(LvsRig.Handle::close);
        }
    }

    private Step pick(Set<String> taken, int slot, List<LvsRig.Handle> handles) {
        List<Lvol> free = new ArrayList<>();
        for (Lvol lvol : store.lvols()) {
            if (lvol.usable() && !lvol.busy() && !taken.contains(lvol.name())) {
                free.add(lvol);
            }
        }
        if (free.size() < 2 || free.size() < 6 && random.nextInt(6) == 0) {
            return create(taken);
        }
        Lvol lvol = free.get(random.nextInt(free.size()));
        taken.add(lvol.name());
        int what = random.nextInt(12);
        if (what == 0) {
            return destroy(lvol);
        } else if (what <= 2) {
            return resize(lvol);
        }
        LvsRig.Handle handle = rig.open(lvol.bdev(), random.nextInt(2));
        handles.add(handle);
        if (what <= 4) {
            return flush(lvol, handle);
        }
        long blocks = lvol.sizeBytes() / 4096;
        if (what <= 7) {
            long cluster = random.nextLong(blocks / 256) * 256;   // Two writers of one cluster, from two cores.
            LvsRig.Handle second = rig.open(lvol.bdev(), 1 - handle.reactorIndex);
            handles.add(second);
            Step first = write(lvol, handle, slot, cluster, cluster + 128);
            return both(first, write(lvol, second, slot + SLOTS, cluster + 128, cluster + 256));
        }
        return write(lvol, handle, slot, 0, blocks);
    }

    private static Step both(Step one, Step two) {
        return new Step() {
            @Override
            public boolean ended() {
                return one.ended() && two.ended();
            }

            @Override
            public void acknowledged() {
                one.acknowledged();
                two.acknowledged();
            }
        };
    }

    private Step create(Set<String> taken) {
        String name = "v" + nextName++;
        long size = (1 + random.nextInt(10)) * MIB;
        boolean thin = random.nextInt(3) > 0;
        taken.add(name);
        Model m = new Model();
        m.thin = thin;
        m.mayBeAbsent = true;
        m.sizes.add(size);
        m.zeroUpTo = thin || disk.unmapReadsZeroes() ? Long.MAX_VALUE : Math.min(size, LvStore.ZEROED_HEAD_BYTES);
        models.put(name, m);
        LvsRig.Outcome<Lvol> outcome = rig.<Lvol>start(done -> store.createLvol(name, null, size, thin, done));
        return step(outcome, () -> m.mayBeAbsent = false, () -> models.remove(name));
    }

    private Step destroy(Lvol lvol) {
        Model m = models.get(lvol.name());
        m.mayBeAbsent = true;
        LvsRig.Outcome<Void> outcome = rig.<Void>start(done -> store.destroyLvol(lvol, done));
        return step(outcome, () -> models.remove(lvol.name()), () -> m.mayBeAbsent = false);
    }

    private Step resize(Lvol lvol) {
        Model m = models.get(lvol.name());
        long oldSize = lvol.sizeBytes();
        long size = (1 + random.nextInt(12)) * MIB;
        m.sizes.add(size);
        if (!m.thin) {
            m.zeroUpTo = Math.min(m.zeroUpTo, Math.min(size, oldSize));   // What is gained shows what was there.
        }
        Map<Long, Set<Long>> cut = new HashMap<>(m.sectors);
        LvsRig.Outcome<Lvol> outcome = rig.<Lvol>start(done -> store.resizeLvol(lvol, size, done));
        return step(outcome, () -> {
            m.sizes.clear();
            m.sizes.add(size);
            for (long sector : cut.keySet()) {
                if (sector * SECTOR >= size) {
                    m.sectors.remove(sector);
                    m.latest.remove(sector);
                }
            }
        }, () -> {
            m.sizes.clear();
            m.sizes.add(oldSize);
        });
    }

    private Step flush(Lvol lvol, LvsRig.Handle handle) {
        Model m = models.get(lvol.name());
        LvsRig.Pending pending = handle.submit(IoType.FLUSH, 0, 0, 0, 0);
        return step(pending, () -> m.latest.forEach((sector, value) -> {
            m.sectors.get(sector).clear();
            m.sectors.get(sector).add(value);
        }));
    }

    /** Writes somewhere between two blocks of 4 KiB. */
    private Step write(Lvol lvol, LvsRig.Handle handle, int slot, long from, long end) {
        Model m = models.get(lvol.name());
        long first = from + random.nextLong(end - from);
        if (random.nextInt(3) == 0) {
            first = Math.max(from, first / 256 * 256);
        }
        int count = (int) Math.min(1 + random.nextInt(SLOT_BYTES / 4096), end - first);
        boolean zeroes = random.nextInt(8) == 0;
        boolean fua = random.nextInt(3) == 0;
        long value = zeroes ? 0 : nextValue++;
        long address = LvsRig.payloadAddress() + (long) slot * SLOT_BYTES;
        for (long at = 0; at < count * 4096L; at += 8) {
            RawMemory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, address + at, value);
        }
        long firstSector = first * 8;
        long endSector = firstSector + count * 8L;
        for (long s = firstSector; s < endSector; s++) {
            m.sectors.computeIfAbsent(s, k -> new HashSet<>(Set.of(-1L))).add(value);   // -1: as before any write.
        }
        LvsRig.Pending pending = handle.submit(zeroes ? IoType.WRITE_ZEROES : IoType.WRITE, first * 4096, count * 4096L, address,
                fua ? BdevIo.FLAG_FUA : 0);
        return step(pending, () -> {
            for (long s = firstSector; s < endSector; s++) {
                m.latest.put(s, value);
                if (fua) {
                    m.sectors.get(s).clear();
                    m.sectors.get(s).add(value);
                }
            }
        });
    }

    private static Step step(LvsRig.Outcome<?> outcome, Runnable done, Runnable refused) {
        return new Step() {
            @Override
            public boolean ended() {
                return outcome.ended;
            }

            @Override
            public void acknowledged() {
                (outcome.failure == null ? done : refused).run();
            }
        };
    }

    private Step step(LvsRig.Pending pending, Runnable done) {
        return new Step() {
            @Override
            public boolean ended() {
                return pending.ended;
            }

            @Override
            public void acknowledged() {
                if (pending.status == 0) {
                    done.run();
                } else {
                    assertThat(pending.status).isEqualTo(LvStore.STATUS_CAPACITY_EXCEEDED);
                }
            }
        };
    }

    private void check() {
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
        for (SlowDecoder.Volume v : decoder.volumes.values()) {
            assertThat(models).containsKey(v.name);
        }
        for (Map.Entry<String, Model> entry : new ArrayList<>(models.entrySet())) {
            Model m = entry.getValue();
            SlowDecoder.Volume v = decoder.volumes.get(entry.getKey());
            Lvol lvol = store.findLvol(entry.getKey());
            assertThat(v == null).isEqualTo(lvol == null);
            if (v == null) {
                assertThat(m.mayBeAbsent).as("volume %s is lost", entry.getKey()).isTrue();
                models.remove(entry.getKey());
                continue;
            }
            assertThat(m.sizes).contains(lvol.sizeBytes());
            assertThat(v.clusters.size() * MIB).isEqualTo(lvol.sizeBytes());
            checkData(lvol, m);
            m.mayBeAbsent = false;
            m.sizes.clear();
            m.sizes.add(lvol.sizeBytes());
        }
    }

    /** Every sector holds a value it may hold, and that is what it holds from now on. */
    private void checkData(Lvol lvol, Model m) {
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        for (long at = 0; at < lvol.sizeBytes(); at += MIB) {
            byte[] data = handle.read(at, (int) MIB);
            for (int i = 0; i < data.length; i += SECTOR) {
                long sector = (at + i) / SECTOR;
                Set<Long> may = m.sectors.get(sector);
                long value = valueOf(data, i);
                boolean asBefore = may == null || may.contains(-1L);
                boolean zeroes = at + i < m.zeroUpTo;
                boolean ok = may != null && may.contains(value) || asBefore && (!zeroes || value == 0);
                if (!ok) {
                    throw new AssertionError(lvol.name() + " sector " + sector + " holds " + value + ", may hold " + may
                            + (zeroes ? " (zero before)" : ""));
                }
                if (may != null) {
                    may.clear();
                    may.add(value);
                    m.latest.put(sector, value);
                }
            }
        }
        m.sectors.keySet().removeIf(sector -> sector * SECTOR >= lvol.sizeBytes());
        m.latest.keySet().removeIf(sector -> sector * SECTOR >= lvol.sizeBytes());
        if (!m.thin) {
            m.zeroUpTo = Math.min(m.zeroUpTo, lvol.sizeBytes());
        }
        handle.close();
    }

    /** The number that fills the sector; -2 if it is not one number throughout. */
    private static long valueOf(byte[] data, int from) {
        long first = longAt(data, from);
        for (int i = from; i < from + SECTOR; i += 8) {
            if (longAt(data, i) != first) {
                return -2;
            }
        }
        return first;
    }

    private static long longAt(byte[] data, int at) {
        long value = 0;
        for (int i = 7; i >= 0; i--) {
            value = value << 8 | data[at + i] & 0xff;
        }
        return value;
    }
}
