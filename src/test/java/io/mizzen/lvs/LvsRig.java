package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestMemory;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.function.Consumer;

/** Two hand-driven reactors with everything that pools need, and calls that wait. */
final class LvsRig {
    private static TestMemory shared;
    private static DmaMemory.Block payload;

    final HandReactors hand;
    final BdevRegistry registry = new BdevRegistry();
    final LvStores stores;

    LvsRig(long seed) {
        this(seed, StoreHeap.bytesMaxOfProcess());
    }

    /** @param heapBytesMax what the metadata of all pools may take of the heap */
    LvsRig(long seed, long heapBytesMax) {
        hand = new HandReactors(2, seed);
        synchronized (LvsRig.class) {
            // A pool that a simulated crash ended keeps the buffer that it held.
            if (shared == null || shared.pools().large().freeCount() < shared.pools().large().count() / 2) {
                shared = new TestMemory(64L << 20, 512, 128, 2);
                payload = shared.memory().allocate(8 << 20, -1);
            }
        }
        shared.installOn(hand.reactors());
        stores = new LvStores(registry, control(), heapBytesMax);
    }

    /** A large buffer of the entered reactor, or null. */
    DmaBuffer takeLarge() {
        return BdevContext.of(Reactor.current()).large().tryAcquire();
    }

    Mthread control() {
        return hand.reactor(0).mthread();
    }

    /** Outcome of an operation that may fail. */
    static final class Outcome<T> implements Completion<T> {
        boolean ended;
        T value;
        OperationException failure;

        @Override
        public void complete(T newValue, OperationException newFailure) {
            assertThat(ended).isFalse();
            ended = true;
            value = newValue;
            failure = newFailure;
        }
    }

    <T> Outcome<T> start(Consumer<Completion<T>> operation) {
        Outcome<T> outcome = new Outcome<>();
        hand.on(0, () -> operation.accept(outcome));
        return outcome;
    }

    <T> Outcome<T> run(Consumer<Completion<T>> operation) {
        Outcome<T> outcome = start(operation);
        hand.runUntil(() -> outcome.ended, 2_000_000);
        return outcome;
    }

    <T> T ok(Consumer<Completion<T>> operation) {
        Outcome<T> outcome = run(operation);
        if (outcome.failure != null) {
            throw new AssertionError(outcome.failure.toString());
        }
        return outcome.value;
    }

    <T> OperationException refused(Consumer<Completion<T>> operation) {
        Outcome<T> outcome = run(operation);
        assertThat(outcome.failure).isNotNull();
        return outcome.failure;
    }

    SimDisk register(SimDisk disk) {
        hand.on(0, () -> registry.register(disk));
        return disk;
    }

    LvStore create(Bdev disk, String name, long clusterBytes) {
        return this.<LvStore>ok(done -> stores.create(disk, new LvStores.Options(name, null, clusterBytes, 100), done));
    }

    LvStore load(Bdev disk) {
        return this.<LvStore>ok(done -> stores.load(disk, LvStores.Expected.any(), done));
    }

    Handle open(Bdev bdev, int reactorIndex) {
        return new Handle(bdev, reactorIndex);
    }

    void write(Lvol lvol, long atBytes, byte[] data) {
        Handle handle = open(lvol.bdev(), 1);
        assertThat(handle.write(atBytes, data)).isZero();
        handle.close();
    }

    byte[] read(Lvol lvol, long atBytes, int sizeBytes) {
        Handle handle = open(lvol.bdev(), 0);
        byte[] data = handle.read(atBytes, sizeBytes);
        handle.close();
        return data;
    }

    /** An open volume, with calls that wait. */
    final class Handle extends VolumeHandle {
        Handle(Bdev bdev, int reactorIndex) {
            super(LvsRig.this.hand, registry, bdev, reactorIndex);
        }

        int io(int type, long atBytes, long sizeBytes, int flags) {
            Pending pending = submit(type, atBytes, sizeBytes, payload.address(), flags);
            hand.runUntil(() -> pending.ended, 2_000_000);
            return pending.status;
        }

        int write(long atBytes, byte[] data) {
            return write(atBytes, data, 0);
        }

        int write(long atBytes, byte[] data, int flags) {
            MemorySegment.copy(data, 0, RawMemory.ALL, ValueLayout.JAVA_BYTE, payload.address(), data.length);
            return io(IoType.WRITE, atBytes, data.length, flags);
        }

        byte[] read(long atBytes, int sizeBytes) {
            RawMemory.ALL.asSlice(payload.address(), sizeBytes).fill((byte) 0x5a);
            assertThat(io(IoType.READ, atBytes, sizeBytes, 0)).isZero();
            byte[] data = new byte[sizeBytes];
            MemorySegment.copy(RawMemory.ALL, ValueLayout.JAVA_BYTE, payload.address(), data, 0, sizeBytes);
            return data;
        }

        int flush() {
            return io(IoType.FLUSH, 0, 0, 0);
        }
    }

    /** Bytes that the seed decides. */
    static byte[] pattern(int sizeBytes, int seed) {
        byte[] data = new byte[sizeBytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    static long payloadAddress() {
        return payload.address();
    }
}
