package io.mizzen.concat;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One read or durable write at the beginning of a disk: takes a channel and a buffer, waits for what is short, gives all back.
 * Control reactor only.
 */
final class DiskIo {
    private static final long RETRY_NS = 100_000;
    private static final int TRIES_MAX = 50_000;

    private final Descriptor descriptor;
    private final Mthread mthread;
    private final int type;
    private final long atBytes;
    private final byte[] data;
    private final Completion<byte[]> done;
    private int tries;

    private DiskIo(Descriptor descriptor, Mthread mthread, int type, long atBytes, byte[] data, Completion<byte[]> done) {
        this.descriptor = descriptor;
        this.mthread = mthread;
        this.type = type;
        this.atBytes = atBytes;
        this.data = data;
        this.done = done;
    }

    /** Reads what a disk begins with; of a small one, all. Opens it for that time only, without a claim. */
    static void readHead(Bdev disk, BdevRegistry registry, Mthread control, Completion<DiskHead> done) {
        Descriptor descriptor = registry.open(disk, "reading its superblock", false, new Descriptor.Listener() {
            @Override
            public void onRemoved(Bdev gone) {
                // The read fails.
            }

            @Override
            public void onResized(Bdev resized) {
                // Whoever joins the disk looks at its size then.
            }
        });
        byte[] into = new byte[(int) Math.min(DiskHead.SIZE_BYTES, disk.sizeBytes())];
        new DiskIo(descriptor, control, IoType.READ, 0, into, (read, failure) -> {
            descriptor.close();
            done.complete(failure == null ? new DiskHead(disk, read) : null, failure);
        }).start();
    }

    /** Writes whole blocks; durable when it completes. */
    static void write(Descriptor descriptor, Mthread control, long atBytes, byte[] data, Completion<Void> done) {
        new DiskIo(descriptor, control, IoType.WRITE, atBytes, data, (written, failure) -> done.complete(null, failure)).start();
    }

    private void start() {
        Bdev disk = descriptor.bdev();
        IoChannel channel = descriptor.openChannel(mthread);
        DmaBuffer buffer = BdevContext.of(mthread.reactor()).large().tryAcquire();
        BdevIo io = buffer == null ? null : channel.tryAcquire();
        if (io == null) {
            if (buffer != null) {
                buffer.close();
            }
            channel.close();
            waitForRoom();
            return;
        }
        if (type == IoType.WRITE) {
            MemorySegment.copy(data, 0, RawMemory.ALL, ValueLayout.JAVA_BYTE, buffer.address(), data.length);
        }
        io.prepare(type, atBytes >>> disk.blockShift(), data.length >>> disk.blockShift(), buffer.address(), buffer.regionIndex(),
                ended -> {
            int status = ended.status();
            ended.release();
            if (type == IoType.READ && status == Status.SUCCESS) {
                MemorySegment.copy(RawMemory.ALL, ValueLayout.JAVA_BYTE, buffer.address(), data, 0, data.length);
            }
            buffer.close();
            channel.close();
            done.complete(status == Status.SUCCESS ? data : null, status == Status.SUCCESS ? null : failed(disk, status));
        });
        if (type == IoType.WRITE) {
            io.flags |= BdevIo.FLAG_FUA;
        }
        channel.submit(io);
    }

    private OperationException failed(Bdev disk, int status) {
        return OperationException.internal(type == IoType.READ ? "disk-read-failed" : "disk-write-failed",
                (type == IoType.READ ? "reading" : "writing") + " the superblock of disk " + disk + " failed: " + Status.describe(status));
    }

    private void waitForRoom() {
        if (++tries > TRIES_MAX) {
            done.fail(new OperationException(ErrorKind.UNAVAILABLE, "out-of-buffers", "no buffer is free now; try again later"));
            return;
        }
        mthread.reactor().arm(new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                start();
            }
        }, RETRY_NS);
    }
}
