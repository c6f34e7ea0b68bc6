package io.mizzen.uring;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.ffi.Statx;
import io.mizzen.ffi.Sysfs;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * An open block device or file. Opening blocks: never on a reactor. Direct I/O where the file system has it; exclusive:
 * a device that is mounted or held is refused, and so is a file that another engine has open.
 */
public final class UringFile implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0x40;
    private static final int O_EXCL = 0x80;
    private static final int O_DIRECT = 0x4000;
    private static final int O_CLOEXEC = 0x80000;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int FALLOC_FL_ZERO_RANGE = 0x10;
    private static final int F_OFD_SETLK = 37;
    private static final short F_WRLCK = 1;
    /** The rings of a killed engine, or of this one, give a closed file back a little later. */
    private static final long BUSY_TIMEOUT_NS = 1_500_000_000L;
    private static final long BUSY_RETRY_NS = 50_000_000L;
    private static final String IN_USE = "disk-in-use";
    private static final long BLKSSZGET = 0x1268;
    private static final long BLKGETSIZE64 = 0x80081272L;

    /**
     * How to open.
     *
     * @param blockSizeBytes block size to present; 0: the device's, or the smallest that the file takes
     * @param create whether to create the file if it is not there
     * @param sizeBytes the size a file is to have at least: it is created so or grown; 0: as it is
     */
    public record Options(int blockSizeBytes, boolean create, long sizeBytes) {
    }

    private final Path path;
    private final int fd;
    private final boolean blockDevice;
    private final boolean direct;
    private final boolean volatileCache;
    private final boolean unmap;
    private final boolean zeroRange;
    private final int blockSizeBytes;
    private final boolean made;
    private long sizeBytes;
    private boolean unwanted;

    private UringFile(Path path, int fd, boolean direct, Options options, long statx, boolean made) {
        this.path = path;
        this.made = made;
        this.fd = fd;
        this.direct = direct;
        this.blockDevice = Statx.isBlockDevice(statx);
        this.sizeBytes = readSize();
        this.blockSizeBytes = chooseBlockSize(options.blockSizeBytes(), statx);
        this.volatileCache = !blockDevice || !sysfs(statx, "queue/write_cache", "write back").equals("write through");
        // A hole is punched into a device by writing zeroes with the leave to unmap: it takes both.
        this.unmap = blockDevice ? !sysfs(statx, "queue/discard_max_bytes", "0").equals("0")
                && !sysfs(statx, "queue/write_zeroes_max_bytes", "0").equals("0")
                : probe(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
        this.zeroRange = blockDevice || unmap && probe(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
        if (sizeBytes < blockSizeBytes) {
            throw OperationException.invalid("device-too-small", path
                    + " is empty; bring back what it held (a new file is made by create=true and size_mb=)");
        }
    }

    /**
     * Opens, and creates or grows the file if the options say so. A file that was made for a refused opening does not stay.
     *
     * @throws OperationException NOT_FOUND, FAILED_PRECONDITION (in use), INVALID_ARGUMENT, RESOURCE_EXHAUSTED
     */
    public static UringFile open(Path path, Options options) {
        long deadlineNs = System.nanoTime() + BUSY_TIMEOUT_NS;
        while (true) {
            try {
                return openOnce(path, options);
            } catch (OperationException e) {
                if (!e.code().equals(IN_USE) || System.nanoTime() - deadlineNs > 0) {
                    throw e;
                }
                LockSupport.parkNanos(BUSY_RETRY_NS);
            }
        }
    }

    private static UringFile openOnce(Path path, Options options) {
        try (Arena arena = Arena.ofConfined()) {
            boolean device = isBlockDevice(arena, path);
            if (device && (options.create() || options.sizeBytes() != 0)) {
                throw OperationException.invalid("invalid-parameter", path
                        + " is a block device: create and size are for files");
            }
            int flags = O_RDWR | O_CLOEXEC | (device ? O_EXCL : 0);
            long name = Libc.cString(arena, path.toString()).address();
            boolean made = options.create() && make(path, name);
            boolean direct = true;
            int fd = Libc.open(name, flags | O_DIRECT, 0600);
            if (fd == -Errno.EINVAL) {
                direct = false;
                fd = Libc.open(name, flags, 0600);
            }
            if (fd < 0) {
                throw openFailed(path, device, -fd);
            }
            try {
                return opened(arena, path, fd, direct, options, made);
            } catch (OperationException e) {
                Libc.close(fd);
                throw e;
            }
        }
    }

    /** Makes the file if it is not there; whether it was not. */
    private static boolean make(Path path, long name) {
        int fd = Libc.open(name, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
        if (fd < 0 && fd != -Errno.EEXIST) {
            throw openFailed(path, false, -fd);
        }
        if (fd >= 0) {
            Libc.close(fd);
        }
        return fd >= 0;
    }

    private static UringFile opened(Arena arena, Path path, int fd, boolean direct, Options options, boolean made) {
        long statx = stat(arena, path, fd);
        if (!Statx.isBlockDevice(statx) && !Statx.isRegularFile(statx)) {
            throw OperationException.invalid("not-a-disk", path + " is neither a block device nor a regular file");
        }
        if (Statx.isRegularFile(statx)) {
            lock(arena, path, fd);
        }
        try {
            if (Statx.isRegularFile(statx) && options.sizeBytes() > Statx.size(statx)) {
                grow(path, fd, options.sizeBytes());
            }
            return new UringFile(path, fd, direct, options, statx, made);
        } catch (OperationException refused) {
            if (made) {
                unlink(path, fd);
            }
            throw refused;
        }
    }

    private static void grow(Path path, int fd, long sizeBytes) {
        int result = Libc.ftruncate(fd, sizeBytes);
        if (result < 0) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "file-not-grown", "cannot make " + path
                    + " " + sizeBytes + " bytes long: " + Errno.describe(-result));
        }
        Libc.fsync(fd);
    }

    /** Removes the file that is open, and no other that has come to its place; what cannot be removed stays, and costs its name. */
    private static void unlink(Path path, int fd) {
        try {
            if (Files.isSameFile(Path.of("/proc/self/fd", Integer.toString(fd)), path)) {
                Files.delete(path);
            }
        } catch (IOException gone) {
            return;                 // Somebody was faster, or took the right to do it.
        }
    }

    private static boolean isBlockDevice(Arena arena, Path path) {
        MemorySegment buffer = arena.allocate(Statx.SIZE_BYTES, 8);
        int result = Libc.statx(-100, Libc.cString(arena, path.toString()).address(), 0, Statx.STATX_BASIC_STATS,
                buffer.address());
        return result == 0 && Statx.isBlockDevice(buffer.address());
    }

    private static long stat(Arena arena, Path path, int fd) {
        MemorySegment buffer = arena.allocate(Statx.SIZE_BYTES, 8);
        int result = Libc.statx(fd, Libc.cString(arena, "").address(), Statx.AT_EMPTY_PATH,
                Statx.STATX_BASIC_STATS | Statx.STATX_DIOALIGN, buffer.address());
        if (result < 0) {
            throw OperationException.internal("stat-failed", path + ": " + Errno.describe(-result));
        }
        return buffer.address();
    }

    private static void lock(Arena arena, Path path, int fd) {
        MemorySegment flock = arena.allocate(32, 8);
        RawMemory.putShort(flock.address(), F_WRLCK);
        int result = Libc.fcntl(fd, F_OFD_SETLK, flock.address());
        if (result < 0) {
            throw OperationException.precondition(IN_USE, path
                    + " is open already, in this engine under another path, or in another engine; name another disk, or end that first");
        }
    }

    private static OperationException openFailed(Path path, boolean device, int errno) {
        return switch (errno) {
            case Errno.ENOENT, Errno.ENXIO, Errno.ENODEV -> OperationException.notFound("disk-not-found", path
                    + " does not exist; bring it back or name it where it is now (a new file is made by create=true and size_mb=)");
            case Errno.EBUSY -> OperationException.precondition(IN_USE, path
                    + " is in use (mounted, or held by LVM, md or another program); release it first");
            case Errno.EACCES, Errno.EPERM -> OperationException.precondition("disk-not-permitted", path
                    + ": permission denied; the engine needs read and write access");
            case Errno.EROFS -> OperationException.precondition("disk-read-only", path + " is read-only");
            default -> OperationException.precondition("disk-open-failed", "cannot open " + path
                    + (device ? " (block device): " : ": ") + Errno.describe(errno));
        };
    }

    private int chooseBlockSize(int wanted, long statx) {
        int least = blockDevice ? logicalBlockSize() : direct ? Math.max(512, Statx.dioOffsetAlign(statx)) : 512;
        if (wanted == 0) {
            return least;
        }
        if (wanted != 512 && wanted != 4096 || wanted < least) {
            throw OperationException.invalid("invalid-block-size", path + ": blk_size=" + wanted
                    + " is not possible; it takes " + (least > 512 ? "4096" : "512 or 4096"));
        }
        return wanted;
    }

    private int logicalBlockSize() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(8, 8);
            int result = Libc.ioctl(fd, BLKSSZGET, number.address());
            return result < 0 ? 512 : RawMemory.getInt(number.address());
        }
    }

    /** The size now; 0 or negative errno when the device is gone. Short; the control reactor may call it. */
    long readSize() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(Statx.SIZE_BYTES, 8);
            if (blockDevice) {
                int result = Libc.ioctl(fd, BLKGETSIZE64, buffer.address());
                return result < 0 ? result : RawMemory.getLong(buffer.address());
            }
            int result = Libc.statx(fd, Libc.cString(arena, "").address(), Statx.AT_EMPTY_PATH,
                    Statx.STATX_BASIC_STATS, buffer.address());
            return result < 0 ? result : Statx.size(buffer.address());
        }
    }

    private static String sysfs(long statx, String file, String otherwise) {
        Path base = Path.of("/sys/dev/block", Statx.device(statx));
        for (Path candidate : new Path[] {base.resolve(file), base.resolve("..").resolve(file)}) {
            String text = Sysfs.text(candidate);
            if (text != null) {
                return text;
            }
        }
        return otherwise;           // A partition has its queue in the parent; else the kernel does not say.
    }

    /** Tries an operation behind the end of the file, where it changes nothing that anybody sees. */
    private boolean probe(int mode) {
        long behind = sizeBytes + 4095 & -4096;
        boolean works = Libc.fallocate(fd, mode, behind, 4096) == 0;
        if (works && (mode & FALLOC_FL_ZERO_RANGE) != 0) {
            Libc.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, behind, 4096);
        }
        return works;
    }

    public Path path() {
        return path;
    }

    int fd() {
        return fd;
    }

    public boolean isBlockDevice() {
        return blockDevice;
    }

    /** Whether completed writes need a flush to be durable. */
    public boolean hasVolatileCache() {
        return volatileCache;
    }

    /** Whether unmap works; blocks read as zeroes afterwards. */
    public boolean canUnmap() {
        return unmap;
    }

    boolean canZeroRange() {
        return zeroRange;
    }

    public int blockSizeBytes() {
        return blockSizeBytes;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /** Reads for inspection, blocking; short at the end. */
    byte[] read(long offsetBytes, int lengthBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(lengthBytes, 4096);
            long result = Libc.pread(fd, buffer.address(), lengthBytes, offsetBytes);
            if (result < 0) {
                throw OperationException.internal("disk-read-failed", path + " at " + offsetBytes + ": "
                        + Errno.describe((int) -result));
            }
            return buffer.asSlice(0, result).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        }
    }

    /** Whoever had it opened was refused: a file that the opening made goes when it is closed. One that was there stays. */
    public void discard() {
        unwanted = made;
    }

    @Override
    public void close() {
        if (unwanted) {
            unlink(path, fd);
        }
        Libc.close(fd);
    }
}
