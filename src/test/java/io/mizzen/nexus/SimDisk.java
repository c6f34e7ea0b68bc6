package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;

/**
 * A disk for the simulator: completes after random delays in any order, may have a volatile cache, fails or lies as told,
 * and says what would be on it after a power failure.
 */
final class SimDisk extends Bdev {
    static final int BLOCK = 512;
    private static final byte[] ZEROES = new byte[BLOCK];

    /** Sees every I/O when it arrives, before it has an effect. */
    interface Tap {
        void onArrival(SimDisk disk, BdevIo io);
    }

    /** Decides the outcome of an I/O when it is carried out; SUCCESS lets it happen. */
    interface Fault {
        int status(BdevIo io);
    }

    /** What stays when the machine goes. */
    static final class Media {
        final Map<Long, byte[]> durable = new HashMap<>();
        final Map<Long, byte[]> cached = new HashMap<>();

        byte[] current(long block) {
            byte[] data = cached.get(block);
            return data != null ? data : durable.getOrDefault(block, ZEROES);
        }

        byte[] durable(long block) {
            return durable.getOrDefault(block, ZEROES);
        }

        /** Bytes of a durable range. */
        MemorySegment durableBytes(long offsetBytes, int lengthBytes) {
            byte[] bytes = new byte[lengthBytes];
            for (int i = 0; i < lengthBytes; i += BLOCK) {
                System.arraycopy(durable((offsetBytes + i) / BLOCK), 0, bytes, i, BLOCK);
            }
            return MemorySegment.ofArray(bytes);
        }
    }

    final Media media;
    final int number;
    private final boolean volatileCache;
    private final Random random;
    private final Set<BdevIo> inFlight = new HashSet<>();
    Tap tap = (disk, io) -> { };
    Fault fault = io -> Status.SUCCESS;
    /** The same once it has been carried out: it may be reported as failed and have happened all the same. */
    Fault faultAfter = io -> Status.SUCCESS;
    /** Writes that this accepts are acknowledged and forgotten. */
    Fault forget = io -> 1;
    long maxDelayNs = 200_000;
    int writes;
    /** Of them those above the metadata. */
    int dataWrites;
    boolean unmapsToZeroes = true;
    /** What it says of itself; whether a write with FUA is told of a loss is up to {@link #fault}. */
    boolean fuaFlushes;
    /** Data writes stay in flight until this is false again. */
    boolean holdsData;
    /** Data reads do. */
    boolean holdsReads;
    /** Metadata writes do. */
    boolean holdsMetadata;
    /** So does the next flush that comes, as {@link #heldFlush}. */
    boolean holdsNextFlush;
    BdevIo heldFlush;

    SimDisk(int number, String name, long sizeBytes, Media media, boolean volatileCache, long seed) {
        super(name, new UUID(77, number), "sim", BLOCK, sizeBytes / BLOCK);
        this.number = number;
        this.media = media;
        this.volatileCache = volatileCache;
        this.random = new Random(seed);
    }

    /** Power fails: of what was not durable and of what was in flight, anything may have reached the medium. */
    void crash() {
        for (Map.Entry<Long, byte[]> entry : media.cached.entrySet()) {
            if (random.nextBoolean()) {
                media.durable.put(entry.getKey(), entry.getValue());
            }
        }
        media.cached.clear();
        List<BdevIo> sorted = new ArrayList<>(inFlight);
        sorted.sort(java.util.Comparator.comparingLong((BdevIo io) -> io.offsetBlocks).thenComparingInt(io -> io.type));
        for (BdevIo io : sorted) {
            for (long i = 0; i < io.blockCount && IoType.isWrite(io.type); i++) {
                if (random.nextBoolean()) {
                    media.durable.put(io.offsetBlocks + i, content(io, i));
                }
            }
        }
        inFlight.clear();
    }

    private static byte[] content(BdevIo io, long index) {
        byte[] data = new byte[BLOCK];
        if (io.type == IoType.WRITE) {
            MemorySegment.copy(RawMemory.ALL, io.address + index * BLOCK, MemorySegment.ofArray(data), 0, BLOCK);
        }
        return data;
    }

    /** The device is pulled out. */
    void pull() {
        fault = io -> Status.INTERNAL_ERROR;
        notifyRemoved();
    }

    /** The disk becomes larger. */
    void grow(long sizeBytes) {
        setBlockCount(sizeBytes / BLOCK);
    }

    private int carryOut(BdevIo io) {
        int status = fault.status(io);
        if (status != Status.SUCCESS || forget.status(io) == Status.SUCCESS) {
            return status;
        }
        switch (io.type) {
            case IoType.READ -> {
                for (long i = 0; i < io.blockCount; i++) {
                    MemorySegment.copy(MemorySegment.ofArray(media.current(io.offsetBlocks + i)), 0, RawMemory.ALL,
                            io.address + i * BLOCK, BLOCK);
                }
            }
            case IoType.WRITE, IoType.WRITE_ZEROES, IoType.UNMAP -> {
                writes++;
                dataWrites += io.offsetBlocks >= 8192 ? 1 : 0;
                for (long i = 0; i < io.blockCount; i++) {
                    byte[] data = content(io, i);
                    if (volatileCache && (io.flags & BdevIo.FLAG_FUA) == 0) {
                        media.cached.put(io.offsetBlocks + i, data);
                    } else {
                        media.durable.put(io.offsetBlocks + i, data);
                        media.cached.remove(io.offsetBlocks + i);
                    }
                }
            }
            case IoType.FLUSH -> {
                media.durable.putAll(media.cached);
                media.cached.clear();
            }
            default -> { }
        }
        return faultAfter.status(io);
    }

    @Override
    public boolean supports(int ioType) {
        return ioType != IoType.COMPARE;
    }

    @Override
    public boolean unmapReadsZeroes() {
        return unmapsToZeroes;
    }

    @Override
    public boolean hasVolatileCache() {
        return volatileCache;
    }

    @Override
    public boolean fuaFlushes() {
        return fuaFlushes;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new IoChannel(this, mthread) {
            @Override
            protected void doSubmit(BdevIo io) {
                tap.onArrival(SimDisk.this, io);
                if (io.type == IoType.FLUSH && holdsNextFlush) {
                    holdsNextFlush = false;
                    heldFlush = io;
                }
                inFlight.add(io);
                mthread().reactor().arm(new Timer() {
                    @Override
                    protected void onTimer(long nowNs) {
                        boolean data = io.offsetBlocks >= 8192;
                        if (io.type == IoType.WRITE && (data ? holdsData : holdsMetadata)
                                || io.type == IoType.READ && data && holdsReads || io == heldFlush) {
                            mthread().reactor().arm(this, 10_000);
                            return;
                        }
                        int status = carryOut(io);
                        inFlight.remove(io);
                        io.complete(status);
                    }
                }, 1 + random.nextLong(maxDelayNs));
            }
        };
    }
}
