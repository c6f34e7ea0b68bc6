package io.mizzen.uring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.Errno;
import io.mizzen.ffi.IoUringAbi;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Poller;
import io.mizzen.reactor.Reactor;
import io.mizzen.ring.CqeHandler;
import io.mizzen.ring.ReactorRing;
import io.mizzen.ring.RingFiles;
import io.mizzen.ring.RingSlot;
import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;
import java.util.UUID;

/**
 * A block device or file through the rings of the reactors: registered buffers, registered files, nothing that blocks.
 * A write with FUA is RWF_DSYNC, a flush fdatasync, unmap and write-zeroes are fallocate.
 */
public final class UringBdev extends Bdev {
    private static final long RESCAN_PERIOD_NS = 2_000_000_000L;
    private static final int UNMAP_MODE = 0x3;
    private static final int ZERO_MODE = 0x11;
    /** {@code driverInt} of a zeroing with FUA whose blocks are zeroed and now made durable. */
    private static final int SYNCING = 1;
    /** {@code driverInt} of an unmap that the device refused after all: the blocks are zeroed, as they must read then. */
    private static final int ZEROING = 2;

    private final UringFile file;
    private Poller rescanPoller;
    private Mthread control;
    private Mthread watcher;

    /** Takes the file over: it is closed when the bdev is destroyed. */
    public UringBdev(String name, UUID uuid, UringFile file) {
        super(name, uuid, "uring", file.blockSizeBytes(), file.sizeBytes() / file.blockSizeBytes());
        this.file = file;
    }

    /** Begins to look for a new size and for the device's removal. Control reactor, once registered. */
    public void watch(Mthread controlMthread) {
        watch(controlMthread, controlMthread);
    }

    /** As above; {@code lookout} is the mthread that asks the kernel. What it finds is told on the control reactor. */
    public void watch(Mthread controlMthread, Mthread lookout) {
        control = controlMthread;
        watcher = lookout;
        watcher.send(() -> rescanPoller = watcher.addPoller("rescan " + name(), RESCAN_PERIOD_NS, nowNs -> look()));
    }

    /** Lookout's reactor. */
    private int look() {
        if (isRemoved() || file.readSize() / blockSizeBytes() == blockCount()) {
            return 0;
        }
        return control.post(this::rescan) ? 1 : 0;      // Full: the next look tells it.
    }

    /** Looks at the size now; tells descriptors of a change. True when something changed. Control reactor. */
    public boolean rescan() {
        if (isRemoved()) {
            return false;
        }
        long sizeBytes = file.readSize();
        if (sizeBytes < blockSizeBytes()) {
            notifyRemoved();
            return true;
        }
        long blocks = sizeBytes / blockSizeBytes();
        if (blocks == blockCount()) {
            return false;
        }
        setBlockCount(blocks);
        return true;
    }

    public UringFile file() {
        return file;
    }

    @Override
    public boolean supports(int ioType) {
        return switch (ioType) {
            case IoType.READ, IoType.WRITE, IoType.FLUSH -> true;
            case IoType.UNMAP -> file.canUnmap();
            case IoType.WRITE_ZEROES -> file.canZeroRange();
            default -> false;
        };
    }

    @Override
    public boolean hasVolatileCache() {
        return file.hasVolatileCache();
    }

    @Override
    public boolean fuaFlushes() {
        return file.hasVolatileCache();
    }

    @Override
    public boolean unmapReadsZeroes() {
        return true;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new Channel(this, mthread);
    }

    @Override
    protected void onDestroy(Completion<Void> done) {
        if (watcher == null) {
            close(done);
            return;
        }
        watcher.send(() -> {
            watcher.removePoller(rescanPoller);
            control.send(() -> close(done));
        });
    }

    private void close(Completion<Void> done) {
        file.close();
        done.ok(null);
    }

    private void onDeviceGone() {
        Mthread first = control;
        if (first != null && !isRemoved()) {
            first.post(this::notifyRemoved);        // Full: the next failing I/O or the rescan tells it again.
        }
    }

    private static final class Channel extends IoChannel implements CqeHandler {
        private final UringBdev owner;
        private final ReactorRing ring;
        private final int shift;
        private final int handle;
        private final int fd;
        private final int flags;

        Channel(UringBdev bdev, Mthread mthread) {
            super(bdev, mthread);
            owner = bdev;
            ring = ReactorRing.of(Reactor.current());
            shift = bdev.blockShift();
            handle = ring.files().add(bdev.file.fd());
            fd = RingFiles.fd(handle);
            flags = RingFiles.flags(handle);
        }

        @Override
        @HotPath
        protected void doSubmit(BdevIo io) {
            RingSlot slot = ring.tryAcquireForFile(this);
            if (slot == null) {
                io.completeDeferred(Status.NO_RESOURCES);
                return;
            }
            slot.context = io;
            io.driverLong = 0;
            io.driverInt = 0;
            start(io, slot);
        }

        @HotPath
        private void start(BdevIo io, RingSlot slot) {
            long sqe = ring.nextSqeForFile();
            long offset = io.offsetBlocks << shift;
            long length = io.blockCount << shift;
            switch (io.type) {
                case IoType.READ:
                    transfer(sqe, slot, io, IORING_OP_READ, IORING_OP_READ_FIXED, 0);
                    break;
                case IoType.WRITE:
                    transfer(sqe, slot, io, IORING_OP_WRITE, IORING_OP_WRITE_FIXED,
                            (io.flags & BdevIo.FLAG_FUA) != 0 ? RWF_DSYNC : 0);
                    break;
                case IoType.FLUSH:
                    sync(sqe, slot);
                    break;
                default:
                    assert io.type == IoType.WRITE_ZEROES || io.type == IoType.UNMAP;
                    if (io.driverInt == SYNCING) {
                        sync(sqe, slot);
                    } else {
                        IoUringAbi.fill(sqe, IORING_OP_FALLOCATE, flags, 0, fd, offset, length,
                                io.type == IoType.UNMAP && io.driverInt != ZEROING ? UNMAP_MODE : ZERO_MODE, 0,
                                slot.userData(), 0);
                    }
                    break;
            }
        }

        @HotPath
        private void sync(long sqe, RingSlot slot) {
            IoUringAbi.fill(sqe, IORING_OP_FSYNC, flags, 0, fd, 0, 0, 0, IORING_FSYNC_DATASYNC, slot.userData(), 0);
        }

        /** {@code io.driverLong}: bytes done already. */
        @HotPath
        private void transfer(long sqe, RingSlot slot, BdevIo io, int plain, int fixed, int rwFlags) {
            long done = io.driverLong;
            long length = Math.min((io.blockCount << shift) - done, 1L << 30);
            boolean registered = io.regionIndex >= 0 && ring.hasRegisteredBuffers();
            IoUringAbi.fill(sqe, registered ? fixed : plain, flags, 0, fd, (io.offsetBlocks << shift) + done,
                    io.address + done, (int) length, rwFlags, slot.userData(), registered ? io.regionIndex : 0);
        }

        @Override
        @HotPath
        public void onCqe(RingSlot slot, int result, int cqeFlags, boolean more) {
            BdevIo io = (BdevIo) slot.context;
            if (result == -Errno.EOPNOTSUPP && io.type == IoType.UNMAP && io.driverInt == 0) {
                io.driverInt = ZEROING;
                goOn(io);
                return;
            }
            if (result < 0) {
                fail(io, -result);
                return;
            }
            if (io.type != IoType.READ && io.type != IoType.WRITE) {
                if ((io.flags & BdevIo.FLAG_FUA) != 0 && io.type != IoType.FLUSH && io.driverInt != SYNCING) {
                    io.driverInt = SYNCING;
                    goOn(io);
                } else {
                    io.complete(Status.SUCCESS);
                }
                return;
            }
            io.driverLong += result;
            if (io.driverLong == io.blockCount << shift) {
                io.complete(Status.SUCCESS);
            } else if (result == 0) {
                io.complete(io.type == IoType.READ ? Status.UNRECOVERED_READ_ERROR : Status.WRITE_FAULT);
            } else {
                goOn(io);
            }
        }

        /** The rest of a short transfer, or the sync that is still owed, in a slot of its own, since this one is freed behind the call. */
        @HotPath
        private void goOn(BdevIo io) {
            RingSlot next = ring.tryAcquireForFile(this);
            if (next == null) {
                io.complete(Status.NO_RESOURCES);       // Begun anew when there is a slot.
                return;
            }
            next.context = io;
            start(io, next);
        }

        @HotPath
        private void fail(BdevIo io, int errno) {
            if (errno == Errno.ENODEV || errno == Errno.ENXIO) {
                owner.onDeviceGone();
            }
            if (errno == Errno.EINTR) {
                io.complete(Status.NO_RESOURCES);
                return;
            }
            io.complete(Status.fromErrno(errno, io.type));
        }

        @Override
        protected boolean takesHandedDown() {
            return true;
        }

        @Override
        protected void onClose() {
            ring.files().remove(handle);
        }
    }
}
