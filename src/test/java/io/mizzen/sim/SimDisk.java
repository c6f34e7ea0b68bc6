package io.mizzen.sim;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.Random;
import java.util.Set;
import java.util.UUID;

/**
 * A disk for the simulator. Carries an I/O out at a random moment between its arrival and its completion, in any order,
 * may have a volatile cache, fails, is late or lies as its {@link DiskFaults} say, and knows what would be on it after a
 * power failure. One reactor at a time.
 */
public final class SimDisk extends Bdev {
    /** Told of every I/O. */
    interface Tap {
        void onArrival(SimDisk disk, BdevIo io);

        void onCompletion(SimDisk disk, BdevIo io, int status);
    }

    private final Media media;
    private final int number;
    private final boolean volatileCache;
    private final boolean unmapsToZeroes;
    private final Random random;
    private final Tap tap;
    private final Set<Flight> flights = new LinkedHashSet<>();
    private final DiskFaults faults;

    SimDisk(int number, long sizeBytes, Media media, boolean volatileCache, boolean unmapsToZeroes, DiskFaults faults,
            Tap tap, long seed) {
        super("disk" + number, new UUID(77, number), "sim", media.blockBytes(), sizeBytes / media.blockBytes());
        this.number = number;
        this.media = media;
        this.volatileCache = volatileCache;
        this.unmapsToZeroes = unmapsToZeroes;
        this.faults = faults;
        this.tap = tap;
        this.random = new Random(seed);
    }

    public Media media() {
        return media;
    }

    int number() {
        return number;
    }

    DiskFaults faults() {
        return faults;
    }

    /** I/Os that have arrived and have not completed, oldest first. */
    Iterable<BdevIo> inFlight() {
        return flights.stream().map(flight -> flight.io).toList();
    }

    /** Power fails: what was not durable, and each block of what was in flight, may have reached the medium or not. */
    void crash() {
        media.crash(random);
        for (Flight flight : flights) {
            BdevIo io = flight.io;
            for (long i = 0; i < io.blockCount && changes(io) && !flight.carriedOut; i++) {
                if (random.nextBoolean()) {
                    media.write(io.offsetBlocks + i, content(io, i), true);
                }
            }
        }
        flights.clear();
    }

    /**
     * The device is pulled out, on the control reactor: what its cache held may be lost, what is in flight happened, in part or
     * not at all, and fails as all that comes later.
     */
    void pull() {
        media.crash(random);
        for (Flight flight : flights) {
            for (long i = 0; i < flight.io.blockCount && changes(flight.io) && !flight.carriedOut; i++) {
                if (random.nextBoolean()) {
                    media.write(flight.io.offsetBlocks + i, content(flight.io, i), true);
                }
            }
            flight.carriedOut = true;
            flight.pulled = true;
        }
        notifyRemoved();
    }

    private boolean changes(BdevIo io) {
        return IoType.isWrite(io.type) && (io.type != IoType.UNMAP || unmapsToZeroes);
    }

    private byte[] content(BdevIo io, long index) {
        if (io.type != IoType.WRITE) {
            return null;
        }
        byte[] data = new byte[blockSizeBytes()];
        MemorySegment.copy(RawMemory.ALL, io.address + index * data.length, MemorySegment.ofArray(data), 0, data.length);
        return data;
    }

    private void carryOut(BdevIo io) {
        switch (io.type) {
            case IoType.READ -> {
                for (long i = 0; i < io.blockCount; i++) {
                    byte[] data = media.current(io.offsetBlocks + i);
                    MemorySegment.copy(MemorySegment.ofArray(data), 0, RawMemory.ALL, io.address + i * data.length,
                            data.length);
                }
            }
            case IoType.WRITE, IoType.WRITE_ZEROES, IoType.UNMAP -> {
                boolean isDurable = !volatileCache || (io.flags & BdevIo.FLAG_FUA) != 0;
                for (long i = 0; i < io.blockCount && changes(io); i++) {
                    media.write(io.offsetBlocks + i, content(io, i), isDurable);
                }
            }
            case IoType.FLUSH -> media.flush();
            default -> { }
        }
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
    public boolean isBlank() {
        return media.isBlank();
    }

    /** One I/O on its way: first its data moves, then it completes. */
    private final class Flight extends Timer {
        private final BdevIo io;
        private final DiskFaults.Fate fate;
        private boolean carriedOut;
        private boolean pulled;

        Flight(BdevIo io, DiskFaults.Fate fate) {
            this.io = io;
            this.fate = fate;
        }

        void start() {
            io.channel().mthread().reactor().arm(this, fate.effectDelayNs());
        }

        @Override
        protected void onTimer(long nowNs) {
            if (!carriedOut) {
                carriedOut = true;
                if (fate.effective()) {
                    carryOut(io);
                }
                if (fate.completionDelayNs() > 0) {
                    io.channel().mthread().reactor().arm(this, fate.completionDelayNs());
                    return;
                }
            }
            flights.remove(this);
            int status = pulled ? Status.INTERNAL_ERROR : fate.status();
            tap.onCompletion(SimDisk.this, io, status);
            io.complete(status);
        }
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new IoChannel(this, mthread) {
            @Override
            protected void doSubmit(BdevIo io) {
                tap.onArrival(SimDisk.this, io);
                if (faults.isShortOfResources(random)) {
                    tap.onCompletion(SimDisk.this, io, Status.NO_RESOURCES);
                    io.completeDeferred(Status.NO_RESOURCES);
                    return;
                }
                Flight flight = new Flight(io, faults.judge(io, random));
                flights.add(flight);
                flight.start();
            }
        };
    }
}
