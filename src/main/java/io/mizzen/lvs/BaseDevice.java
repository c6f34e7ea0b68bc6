package io.mizzen.lvs;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.FlushLedger;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The metadata side's access to the bdev under a pool: one channel on the control mthread, DMA buffers taken for the time
 * of one I/O. Metadata writes carry FUA. When records or buffers run out the I/O waits and is tried again; one buffer is
 * kept for that, since all others may be held by writes that wait for a cluster, hence for the metadata.
 */
final class BaseDevice implements StorePort {
    private static final long RETRY_NS = 100_000;
    /** Longest range of one zeroing: a large one must not keep the device from others. */
    private static final long ZERO_BYTES_MAX = 32L << 20;
    /** Longest range of one unmap, which costs a device next to nothing. */
    private static final long UNMAP_BYTES_MAX = 1L << 30;
    /** Buffers that all copies together have under way. */
    private static final int COPY_PARTS_MAX = 16;
    /** Writes with FUA that somebody's flush that failed may have made vain are done so often. */
    private static final int WRITE_TRIES = 3;
    static final int NO_FLUSH = -1;

    private final Descriptor descriptor;
    private final Bdev bdev;
    private final IoChannel channel;
    private final BdevContext context;
    private final Mthread mthread;
    private final ArrayDeque<Request> starved = new ArrayDeque<>();
    private final Retry retry = new Retry();
    private final StoreListener listener;
    private int outstanding;
    /** Those that have parts to begin, the oldest first. */
    private final ArrayDeque<Copy> copies = new ArrayDeque<>();
    private int copyParts;
    private boolean flushing;
    private List<Flush> nextFlush = new ArrayList<>();
    private final FlushLedger flushes;
    /** The buffer kept; null while it is in use. */
    private DmaBuffer reserve;

    /** Opens the channel. On the control reactor. */
    BaseDevice(Descriptor descriptor, Mthread mthread, StoreListener listener) {
        this.listener = listener;
        this.descriptor = descriptor;
        this.bdev = descriptor.bdev();
        this.flushes = new FlushLedger(bdev.fuaFlushes());
        this.mthread = mthread;
        this.channel = descriptor.openChannel(mthread);
        this.context = BdevContext.of(mthread.reactor());
        this.reserve = context.large().tryAcquire();    // None now: the first one that comes back is kept.
    }

    /** Closes channel and descriptor; nothing may be under way. */
    void close() {
        assert outstanding == 0;
        if (reserve != null) {
            reserve.close();
        }
        channel.close();
        descriptor.close();
    }

    Descriptor descriptor() {
        return descriptor;
    }

    StoreListener listener() {
        return listener;
    }

    Mthread mthread() {
        return mthread;
    }

    /** In which everybody who flushes the device enters it. */
    FlushLedger flushes() {
        return flushes;
    }

    /** The device has grown, perhaps by another disk: before that is used. */
    void onGrown() {
        if (bdev.fuaFlushes()) {
            flushes.onFuaFlushes();
        }
    }

    boolean idle() {
        return outstanding == 0;
    }

    @Override
    public long sizeBytes() {
        return bdev.sizeBytes();
    }

    @Override
    public int blockBytes() {
        return bdev.blockSizeBytes();
    }

    /** Whether all of it is known to read as zeroes; before the first write. */
    boolean isBlank() {
        return bdev.isBlank();
    }

    @Override
    public boolean unmapZeroes() {
        return bdev.supports(IoType.UNMAP) && bdev.unmapReadsZeroes();
    }

    @Override
    public boolean canUnmap() {
        return bdev.supports(IoType.UNMAP);
    }

    @Override
    public void read(long atBytes, int sizeBytes, ReadDone done) {
        MemorySegment into = MemorySegment.ofArray(new byte[sizeBytes]);
        readPart(into, atBytes, 0, done);
    }

    private void readPart(MemorySegment into, long atBytes, int from, ReadDone done) {
        if (from == into.byteSize()) {
            done.done(into, Status.SUCCESS);
            return;
        }
        int part = (int) Math.min(into.byteSize() - from, context.large().pool().bufferSizeBytes());
        submit(new Request(IoType.READ, atBytes + from, part, 0, (request, status) -> {
            if (status != Status.SUCCESS) {
                done.done(null, status);
                return;
            }
            MemorySegment.copy(RawMemory.ALL, request.buffer.address(), into, from, part);
            releaseBuffer(request);
            readPart(into, atBytes, from + part, done);
        }));
    }

    @Override
    public void writeDurably(List<PageWrite> writes, Done done) {
        if (writes.isEmpty()) {
            flush(flushFailures(), done);
        } else {
            write(writes, WRITE_TRIES, done);
        }
    }

    private void write(List<PageWrite> writes, int tries, Done done) {
        long since = flushFailures();
        Join join = new Join(!flushes.fuaFlushes() ? done : written -> afterFlushes(since, written, status -> {
            if (written == Status.SUCCESS && status != Status.SUCCESS && tries > 1) {
                write(writes, tries - 1, done);
            } else {
                done.done(status);
            }
        }));
        for (PageWrite write : writes) {
            long size = write.data().byteSize();
            int limit = context.large().pool().bufferSizeBytes();
            for (long from = 0; from < size; from += limit) {
                join.pending++;
                Request request = new Request(IoType.WRITE, write.atBytes() + from, Math.min(limit, size - from),
                        BdevIo.FLAG_FUA, (r, status) -> join.part(status));
                request.data = write.data();
                request.dataFrom = from;
                submit(request);
            }
        }
        join.part(Status.SUCCESS);
    }

    @Override
    public void zero(long atBytes, long sizeBytes, Done done) {
        range(IoType.WRITE_ZEROES, atBytes, sizeBytes, done);
    }

    @Override
    public void unmap(long atBytes, long sizeBytes, Done done) {
        range(IoType.UNMAP, atBytes, sizeBytes, done);
    }

    @Override
    public void copy(long fromBytes, long toBytes, long sizeBytes, Done done) {
        copies.add(new Copy(fromBytes, toBytes, sizeBytes, done));
        copyMore();
    }

    private void range(int type, long atBytes, long sizeBytes, Done done) {
        long part = Math.min(sizeBytes, type == IoType.UNMAP ? UNMAP_BYTES_MAX : ZERO_BYTES_MAX);
        submit(new Request(type, atBytes, part, 0, (request, status) -> {
            if (status != Status.SUCCESS || part == sizeBytes) {
                done.done(status);
            } else {
                range(type, atBytes + part, sizeBytes - part, done);
            }
        }));
    }

    /** Whether what was flushed is durable: not if the flush of somebody else, that ended meanwhile or will, was told of its loss. */
    private void afterFlushes(long since, int status, Done done) {
        if (status != Status.SUCCESS) {
            done.done(status);
            return;
        }
        outstanding++;
        flushes.await(mthread, () -> {
            outstanding--;
            done.done(flushFailures() == since ? Status.SUCCESS : Status.WRITE_FAULT);
        });
    }

    @Override
    public long flushFailures() {
        return flushes.failures();
    }

    private record Flush(long since, Done done) {
    }

    /** One at a time: those that come meanwhile share the next one, since this one need not cover what they are for. */
    @Override
    public void flush(long since, Done done) {
        nextFlush.add(new Flush(since, done));
        if (!flushing) {
            flushNext();
        }
    }

    private void flushNext() {
        List<Flush> covered = nextFlush;
        nextFlush = new ArrayList<>();
        flushing = true;
        submit(new Request(IoType.FLUSH, 0, 0, 0, (request, status) -> {
            flushing = false;
            if (!nextFlush.isEmpty()) {
                flushNext();
            }
            covered.forEach(flush -> afterFlushes(flush.since, status, flush.done));
        }));
    }

    private void submit(Request request) {
        outstanding++;
        if (!starved.isEmpty() || !start(request)) {
            starved.add(request);
            armRetry();
        }
    }

    /** Goes on with a buffer that is held already: before all others, who may wait for that buffer. */
    private void submitFirst(Request request) {
        outstanding++;
        if (!start(request)) {
            starved.addFirst(request);
            armRetry();
        }
    }

    private boolean start(Request request) {
        boolean hasData = IoType.hasData(request.type);
        boolean held = request.buffer != null;
        if (hasData && !held) {
            request.buffer = context.large().tryAcquire();
            if (request.buffer == null) {
                request.buffer = reserve;
                reserve = null;
            }
            if (request.buffer == null) {
                return false;
            }
        }
        BdevIo io = channel.tryAcquire();
        if (io == null) {
            if (!held) {
                releaseBuffer(request);
            }
            return false;
        }
        if (request.data != null) {
            MemorySegment.copy(request.data, request.dataFrom, RawMemory.ALL, request.buffer.address(), request.sizeBytes);
        }
        int shift = bdev.blockShift();
        io.prepare(request.type, request.atBytes >>> shift, request.sizeBytes >>> shift,
                hasData ? request.buffer.address() : 0, hasData ? request.buffer.regionIndex() : -1, this::completed);
        io.flags |= request.flags;
        io.context = request;
        request.flushSide = flushes.counts(io) ? flushes.begin() : NO_FLUSH;
        channel.submit(io);
        return true;
    }

    private void completed(BdevIo io) {
        Request request = (Request) io.context;
        int status = io.status();
        io.release();
        if (request.flushSide != NO_FLUSH) {
            flushes.end(request.flushSide, status != Status.SUCCESS);
        }
        outstanding--;
        if (request.type != IoType.READ || status != Status.SUCCESS) {
            releaseBuffer(request);     // Before the receiver, which may close the device; a reader gives it back itself.
        }
        request.receiver.ended(request, status);
    }

    private void releaseBuffer(Request request) {
        DmaBuffer buffer = request.buffer;
        request.buffer = null;
        if (buffer != null && reserve == null && !context.isLost(buffer.address(), buffer.sizeBytes())) {
            reserve = buffer;
        } else if (buffer != null) {
            buffer.close();
        }
    }

    private void armRetry() {
        if (!retry.isArmed()) {
            mthread.reactor().arm(retry, RETRY_NS);
        }
    }

    private final class Retry extends Timer {
        @Override
        protected void onTimer(long nowNs) {
            while (!starved.isEmpty() && start(starved.peek())) {
                starved.remove();
            }
            if (!starved.isEmpty()) {
                armRetry();
            }
        }
    }

    private interface Receiver {
        void ended(Request request, int status);
    }

    private static final class Request {
        final int type;
        final long atBytes;
        final long sizeBytes;
        final int flags;
        final Receiver receiver;
        MemorySegment data;
        long dataFrom;
        DmaBuffer buffer;
        int flushSide;

        Request(int type, long atBytes, long sizeBytes, int flags, Receiver receiver) {
            this.type = type;
            this.atBytes = atBytes;
            this.sizeBytes = sizeBytes;
            this.flags = flags;
            this.receiver = receiver;
        }

    }

    /** The oldest first: of several that are asked for at once the first is ready when it alone would be. */
    private void copyMore() {
        while (copyParts < COPY_PARTS_MAX && !copies.isEmpty()) {
            Copy oldest = copies.peek();
            copyParts++;
            oldest.startPart();
            if (oldest.next == oldest.sizeBytes) {
                copies.remove();
            }
        }
    }

    /** One copy, part by part: each is written from the buffer that it was read into. */
    private final class Copy {
        private final long fromBytes;
        private final long toBytes;
        private final long sizeBytes;
        private final Done done;
        private long next;
        private int parts;
        private int firstFailure;

        Copy(long fromBytes, long toBytes, long sizeBytes, Done done) {
            this.fromBytes = fromBytes;
            this.toBytes = toBytes;
            this.sizeBytes = sizeBytes;
            this.done = done;
        }

        private void startPart() {
            long at = next;
            long part = Math.min(sizeBytes - at, context.large().pool().bufferSizeBytes());
            next += part;
            parts++;
            submit(new Request(IoType.READ, fromBytes + at, part, 0, (request, status) -> read(request, at, status)));
        }

        private void read(Request request, long at, int status) {
            if (status != Status.SUCCESS) {
                ended(status);
                return;
            }
            Request write = new Request(IoType.WRITE, toBytes + at, request.sizeBytes, 0, (r, writeStatus) -> ended(writeStatus));
            write.buffer = request.buffer;
            request.buffer = null;
            submitFirst(write);
        }

        private void ended(int status) {
            parts--;
            copyParts--;
            if (status != Status.SUCCESS && firstFailure == Status.SUCCESS) {
                firstFailure = status;
                next = sizeBytes;
                copies.remove(this);
            }
            copyMore();
            if (parts == 0 && next == sizeBytes) {
                done.done(firstFailure);
            }
        }
    }

    /** Waits for all parts; one more than submitted, so that it cannot end while they are being submitted. */
    private static final class Join {
        private final Done done;
        private int pending = 1;
        private int firstFailure;

        Join(Done done) {
            this.done = done;
        }

        void part(int status) {
            if (status != Status.SUCCESS && firstFailure == Status.SUCCESS) {
                firstFailure = status;
            }
            if (--pending == 0) {
                done.done(firstFailure);
            }
        }
    }
}
