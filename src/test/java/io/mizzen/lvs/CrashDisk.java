package io.mizzen.lvs;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Poller;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/**
 * A disk whose power may fail: completes one I/O a turn, in any order, some much later than others. Every arrival and every end of something that
 * changes it is a moment to cut the power, which {@link #moments} counts. What a flush came to is told later, now and then, when other flushes
 * that came behind it have ended; on some disks a write that must be durable is a write and, later, a flush.
 */
final class CrashDisk extends Bdev {
    /** One I/O in so many is late. */
    private static final int LATE_ONE_IN = 16;
    private static final int LATE_TURNS_MAX = 300;
    /** Of one flush in so many it is told late what it came to; and so many writes that end with one flush late. */
    private static final int LATE_END_ONE_IN = 3;
    private static final int LATE_END_TURNS_MAX = 100;

    private final CrashMedia media;
    private final boolean unmapsToZeroes;
    private final boolean fuaFlushes;
    private final Random random;
    /** Of its own, so that the rest of a seed's story is as it was without. */
    private final Random late;
    private final List<Flight> flights = new ArrayList<>();
    private long moments;
    private long turn;
    private int writesUntilFailure = -1;
    private boolean failsForced;
    private int flushesUntilLoss = -1;
    private boolean hasLost;
    private boolean hasFailed;

    private static final class Flight {
        private final BdevIo io;
        private final long mark;
        private long dueTurn;
        /** It has been done, and what it came to has to be told, or, of a write, be made durable. */
        private boolean isDone;
        private int status;
        /** Of a write that is still to be made durable. */
        private CrashMedia.Change toForce;

        Flight(BdevIo io, long mark, long dueTurn) {
            this.io = io;
            this.mark = mark;
            this.dueTurn = dueTurn;
        }
    }

    /** @param sizeBytes as large as the media, or smaller: then it can grow */
    CrashDisk(CrashMedia media, long sizeBytes, boolean unmapsToZeroes, long seed) {
        this("disk", media, sizeBytes, unmapsToZeroes, seed);
    }

    /** One of several. */
    CrashDisk(String name, CrashMedia media, long sizeBytes, boolean unmapsToZeroes, long seed) {
        super(name, UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)), "sim", media.blockBytes, sizeBytes / media.blockBytes);
        this.media = media;
        this.unmapsToZeroes = unmapsToZeroes;
        this.random = new Random(seed);
        this.late = new Random(~seed);
        this.fuaFlushes = media.volatileCache && late.nextBoolean();
    }

    CrashMedia media() {
        return media;
    }

    /** On the control reactor. */
    void grow(long sizeBytes) {
        setBlockCount(sizeBytes / blockSizeBytes());
    }

    long moments() {
        return moments;
    }

    /** After so many writes one fails, though it may have been done; negative: none. @param forced one that must be durable */
    void failOneAfter(int writes, boolean forced) {
        writesUntilFailure = writes;
        failsForced = forced;
    }

    /** After so many flushes one fails, the next ones succeed, and nothing that the disk had only cached is ever durable. */
    void loseCacheAfter(int flushes) {
        flushesUntilLoss = flushes;
    }

    /** Whether a write will fail. */
    boolean isToFail() {
        return writesUntilFailure >= 0;
    }

    boolean hasFailed() {
        return hasFailed;
    }

    /** Whether a flush has failed, and with it what was cached. */
    boolean hasLost() {
        return hasLost;
    }

    /** What the disk would hold if the power failed now. */
    CrashMedia cut(Random how) {
        List<CrashMedia.Change> underWay = new ArrayList<>();
        for (Flight flight : flights) {
            CrashMedia.Change change = flight.isDone ? null : CrashMedia.changeOf(flight.io, blockShift(), unmapsToZeroes, how);
            if (change != null) {
                underWay.add(change);
            }
        }
        return media.cut(underWay, how);
    }

    private int perform(Flight flight) {
        BdevIo io = flight.io;
        if (io.type == IoType.READ) {
            media.readInto(io.offsetBlocks << blockShift(), io.blockCount << blockShift(), io.address);
        } else if (io.type == IoType.FLUSH) {
            moments++;
            if (flushesUntilLoss >= 0 && flushesUntilLoss-- == 0) {
                media.lose();
                hasFailed = true;
                hasLost = true;
                return Status.WRITE_FAULT;
            }
            media.flush(flight.mark);
        } else {
            moments++;
            boolean forced = (io.flags & BdevIo.FLAG_FUA) != 0;
            boolean fails = writesUntilFailure >= 0 && (forced || !failsForced) && writesUntilFailure-- == 0;
            hasFailed |= fails;
            CrashMedia.Change change = CrashMedia.changeOf(io, blockShift(), unmapsToZeroes, random);
            if (change != null && (!fails || random.nextBoolean())) {
                media.perform(change, !fails && forced && !fuaFlushes);
                flight.toForce = !fails && forced && fuaFlushes ? change : null;
            }
            return fails ? Status.WRITE_FAULT : Status.SUCCESS;
        }
        return Status.SUCCESS;
    }

    /** Does the next that is due of an I/O. Returns whether it has ended; what it wrote may be lost, and another was told. */
    private boolean advance(Flight flight) {
        if (flight.toForce != null) {
            moments++;
            media.force(flight.toForce);
            return true;
        }
        if (flight.isDone) {
            return true;
        }
        flight.status = perform(flight);
        flight.isDone = true;
        boolean flushes = flight.toForce != null || flight.io.type == IoType.FLUSH && media.volatileCache;
        boolean isLate = flushes && late.nextInt(LATE_END_ONE_IN) == 0;
        if (isLate) {
            flight.dueTurn = turn + late.nextInt(LATE_END_TURNS_MAX);
        }
        return flight.toForce == null && !isLate;
    }

    @Override
    public boolean supports(int ioType) {
        return ioType != IoType.COMPARE;
    }

    @Override
    public boolean hasVolatileCache() {
        return media.volatileCache;
    }

    @Override
    public boolean fuaFlushes() {
        return fuaFlushes;
    }

    @Override
    public boolean unmapReadsZeroes() {
        return unmapsToZeroes;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new Channel(mthread);
    }

    private final class Channel extends IoChannel {
        private final List<Flight> own = new ArrayList<>();
        private final Poller poller;

        Channel(Mthread mthread) {
            super(CrashDisk.this, mthread);
            poller = mthread.addPoller("disk", 0, this::completeOne);
        }

        private int completeOne(long nowNs) {
            turn++;
            if (own.isEmpty() || random.nextInt(8) == 0) {
                return 0;
            }
            Flight flight = own.get(random.nextInt(own.size()));
            if (flight.dueTurn > turn) {
                return 0;
            }
            if (advance(flight)) {
                own.remove(flight);
                flights.remove(flight);
                flight.io.complete(flight.status);
            }
            return 1;
        }

        @Override
        protected void doSubmit(BdevIo io) {
            Flight flight = new Flight(io, media.mark(),
                    random.nextInt(LATE_ONE_IN) == 0 ? turn + random.nextInt(LATE_TURNS_MAX) : 0);
            own.add(flight);
            flights.add(flight);
            if (IoType.isWrite(io.type)) {
                moments++;
            }
        }

        @Override
        protected void onClose() {
            mthread().removePoller(poller);
        }
    }
}
