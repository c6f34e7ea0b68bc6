package io.mizzen.lvs;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.util.Completion;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.function.Consumer;

/**
 * One life of the engine as far as a pool needs it: two reactors, memory, one disk. After a power cut it is left as it
 * is, and a new one starts on what the disk holds.
 */
final class CrashMachine {
    static final int REACTORS = 2;
    /** I/Os at one time, each with a buffer of its own. */
    static final int SLOTS = 8;
    static final int SLOT_BYTES = 64 << 10;
    private static final int RECORDS = 128;
    private static final int TURNS_MAX = 100_000;

    final HandReactors hand;
    final BdevRegistry registry = new BdevRegistry();
    final LvStores stores;
    final CrashDisk disk;
    /** The open pool. */
    LvStore store;
    private final DmaMemory.Block payload;
    private final BitSet slotsTaken = new BitSet();

    CrashMachine(CrashMemory bytes, CrashMedia media, long diskBytes, boolean unmapsToZeroes, long seed) {
        hand = new HandReactors(REACTORS, seed);
        DmaMemory memory = bytes.fresh();
        DmaMemory.Block zeroes = memory.allocate(BufferPools.LARGE_BYTES, -1);
        RawMemory.zero(zeroes.address(), zeroes.sizeBytes());
        BufferPools pools = new BufferPools(memory, 8, 16, REACTORS);
        payload = memory.allocate(SLOTS * SLOT_BYTES, -1);
        for (Reactor reactor : hand.reactors().all()) {
            BdevContext.install(reactor, RECORDS, pools, zeroes);
        }
        stores = new LvStores(registry, control());
        disk = new CrashDisk(media, diskBytes, unmapsToZeroes, seed + 1);
        hand.on(0, () -> registry.register(disk));
    }

    Mthread control() {
        return hand.reactor(0).mthread();
    }

    <T> LvsRig.Outcome<T> start(Consumer<Completion<T>> operation) {
        LvsRig.Outcome<T> outcome = new LvsRig.Outcome<>();
        hand.on(0, () -> operation.accept(outcome));
        return outcome;
    }

    /** Starts an operation and waits; {@code turn} runs after each turn. */
    <T> LvsRig.Outcome<T> run(Consumer<Completion<T>> operation, Runnable turn) {
        LvsRig.Outcome<T> outcome = start(operation);
        for (int turns = 0; !outcome.ended; turns++) {
            if (turns == TURNS_MAX) {
                throw new AssertionError("an operation does not end");
            }
            turn();
            turn.run();
        }
        return outcome;
    }

    /** Whether the pool changes by itself: a snapshot goes that was deleted before. Nothing else is under way then. */
    boolean changesByItself() {
        return store.state() == LvStore.State.ONLINE && !store.quiet();
    }

    /** One turn of one reactor; time jumps ahead now and then, so that timers fire. */
    void turn() {
        if (hand.tickAny() == 0 && hand.random().nextInt(16) == 0) {
            hand.advance(1_000_000);
        }
    }

    /** A free buffer, or -1. */
    int takeSlot() {
        int slot = slotsTaken.nextClearBit(0);
        if (slot >= SLOTS) {
            return -1;
        }
        slotsTaken.set(slot);
        return slot;
    }

    void releaseSlot(int slot) {
        slotsTaken.clear(slot);
    }

    long address(int slot) {
        return payload.address() + (long) slot * SLOT_BYTES;
    }

    /** Fills a buffer with what sectors from there on hold that have the value. */
    void fill(int slot, long value, long sector, long sectors) {
        long at = address(slot);
        for (long s = sector; s < sector + sectors; s++) {
            long tag = CrashModel.tag(value, s);
            for (int i = 0; i < CrashModel.SECTOR; i += 8) {
                RawMemory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, at + i, tag);
            }
            at += CrashModel.SECTOR;
        }
    }

    /** What a read has brought, beginning with that sector. */
    CrashModel.Contents contents(int slot, long firstSector) {
        return new CrashModel.Contents() {
            @Override
            public long nextNonZero(long sector, long end) {
                long s = sector;
                while (s < end && tagAt(s) == 0) {
                    s++;
                }
                return s;
            }

            @Override
            public long tagAt(long sector) {
                long at = address(slot) + (sector - firstSector) * CrashModel.SECTOR;
                long tag = RawMemory.ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
                for (int i = 8; i < CrashModel.SECTOR; i += 8) {
                    if (RawMemory.ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, at + i) != tag) {
                        return CrashImage.MIXED;
                    }
                }
                return tag;
            }
        };
    }

    VolumeHandle open(Bdev bdev, int reactorIndex) {
        return new VolumeHandle(hand, registry, bdev, reactorIndex);
    }
}
