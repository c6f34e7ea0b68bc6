package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.IoUringAbi;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A bare io_uring: two rings shared with the kernel and the call that hands over. Made and used by one thread. The best
 * set-up that the kernel takes is used; {@link #features()} says which. Oldest kernel: 6.1.
 */
final class IoUring implements AutoCloseable {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED_POPULATE = 0x8001;
    private static final int[] FLAG_SETS = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_NO_SQARRAY,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        0,
    };

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment errnoState = Libc.allocateState(arena);
    private final long eventsArgument = arena.allocate(GETEVENTS_ARG_SIZE_BYTES, 8).address();
    private final long timespec = arena.allocate(16, 8).address();
    private final int fd;
    private final int setupFlags;
    private final int enterFd;
    private final int enterFlags;
    private final int entries;
    private final int sqMask;
    private final int cqMask;
    private final long ringAddress;
    private final long ringBytes;
    private final long sqesAddress;
    private final long sqHeadAddress;
    private final long sqTailAddress;
    private final long sqFlagsAddress;
    private final long cqHeadAddress;
    private final long cqTailAddress;
    private final long cqesAddress;
    private int sqTail;
    private int sqSubmitted;
    private int cqHead;
    private long enters;

    /**
     * @param entriesWanted submission entries, a power of two; the completion queue is four times that
     * @throws OperationException when the kernel has no usable io_uring
     */
    IoUring(int entriesWanted) {
        MemorySegment params = arena.allocate(PARAMS_SIZE_BYTES, 8);
        int result = -Errno.ENOSYS;
        int flags = 0;
        for (int candidate : FLAG_SETS) {
            flags = candidate | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;
            params.fill((byte) 0);
            RawMemory.putInt(params.address() + PARAMS_FLAGS, flags);
            RawMemory.putInt(params.address() + PARAMS_CQ_ENTRIES, entriesWanted * 4);
            result = Libc.io_uring_setup(entriesWanted, params.address());
            if (result != -Errno.EINVAL) {
                break;
            }
        }
        long p = params.address();
        int features = result < 0 ? 0 : RawMemory.getInt(p + PARAMS_FEATURES);
        int needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
        if (result < 0 || (features & needed) != needed) {
            arena.close();
            throw unusable(result);
        }
        fd = result;
        setupFlags = flags;
        entries = RawMemory.getInt(p + PARAMS_SQ_ENTRIES);
        int cqEntries = RawMemory.getInt(p + PARAMS_CQ_ENTRIES);
        long sq = p + PARAMS_SQ_OFF;
        long cq = p + PARAMS_CQ_OFF;
        long sqBytes = offset(sq, SQ_OFF_ARRAY) + entries * 4L;
        long cqBytes = offset(cq, CQ_OFF_CQES) + (long) cqEntries * CQE_SIZE_BYTES;
        ringBytes = Math.max(sqBytes, cqBytes);
        ringAddress = map(ringBytes, IORING_OFF_SQ_RING);
        sqesAddress = map((long) entries * SQE_SIZE_BYTES, IORING_OFF_SQES);
        sqHeadAddress = ringAddress + offset(sq, SQ_OFF_HEAD);
        sqTailAddress = ringAddress + offset(sq, SQ_OFF_TAIL);
        sqFlagsAddress = ringAddress + offset(sq, SQ_OFF_FLAGS);
        sqMask = RawMemory.getInt(ringAddress + offset(sq, SQ_OFF_RING_MASK));
        cqHeadAddress = ringAddress + offset(cq, CQ_OFF_HEAD);
        cqTailAddress = ringAddress + offset(cq, CQ_OFF_TAIL);
        cqesAddress = ringAddress + offset(cq, CQ_OFF_CQES);
        cqMask = RawMemory.getInt(ringAddress + offset(cq, CQ_OFF_RING_MASK));
        if ((flags & IORING_SETUP_NO_SQARRAY) == 0) {
            for (int i = 0; i < entries; i++) {
                RawMemory.putInt(ringAddress + offset(sq, SQ_OFF_ARRAY) + i * 4L, i);
            }
        }
        int index = registerRingFd();
        enterFd = index >= 0 ? index : fd;
        enterFlags = index >= 0 ? IORING_ENTER_REGISTERED_RING : 0;
        RawMemory.putLong(eventsArgument + GETEVENTS_ARG_TS, timespec);
    }

    private static OperationException unusable(int result) {
        String why = result == -Errno.EPERM ? "it is forbidden (sysctl kernel.io_uring_disabled, or a seccomp profile)"
                : result == -Errno.ENOMEM ? "locked memory is short (raise the memlock limit)"
                : result < 0 ? Errno.describe(-result) : "the kernel is older than 6.1";
        return new OperationException(ErrorKind.FAILED_PRECONDITION, "io-uring-unavailable",
                "io_uring cannot be used: " + why + "; ./mizzen check tells more");
    }

    private static long offset(long offsets, int field) {
        return RawMemory.getInt(offsets + field) & 0xFFFFFFFFL;
    }

    private long map(long bytes, long what) {
        long address = Libc.mmap(0, bytes, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, what);
        if (address < 0) {
            throw OperationException.internal("io-uring-map", "mmap of a ring: " + Errno.describe((int) -address));
        }
        return address;
    }

    private int registerRingFd() {
        MemorySegment update = arena.allocate(RSRC_UPDATE_SIZE_BYTES, 8);
        RawMemory.putInt(update.address() + RSRC_UPDATE_OFFSET, -1);
        RawMemory.putLong(update.address() + RSRC_UPDATE_DATA, fd);
        int result = Libc.io_uring_register(fd, IORING_REGISTER_RING_FDS, update.address(), 1);
        return result == 1 ? RawMemory.getInt(update.address() + RSRC_UPDATE_OFFSET) : -1;
    }

    int fd() {
        return fd;
    }

    boolean defersTaskWork() {
        return (setupFlags & IORING_SETUP_DEFER_TASKRUN) != 0;
    }

    /** In words, for logs. */
    String features() {
        return (defersTaskWork() ? "single-issuer defer-taskrun" : "plain")
                + ((setupFlags & IORING_SETUP_NO_SQARRAY) != 0 ? " no-sqarray" : "")
                + (enterFlags != 0 ? " registered-ring" : "");
    }

    /** Registers something; result as of the system call. */
    int register(int opcode, long argument, int count) {
        return Libc.io_uring_register(fd, opcode, argument, count);
    }

    /** Address of the next submission entry, or 0 when all are taken: submit, then ask again. */
    @HotPath
    long nextSqe() {
        if (sqTail - RawMemory.getIntAcquire(sqHeadAddress) >= entries) {
            return 0;
        }
        long sqe = sqesAddress + (long) (sqTail & sqMask) * SQE_SIZE_BYTES;
        sqTail++;
        return sqe;
    }

    /** Entries filled and not handed over. */
    @HotPath
    int pending() {
        return sqTail - sqSubmitted;
    }

    /** Whether the kernel has completions that only an enter brings. */
    @HotPath
    boolean needsEnter() {
        return (RawMemory.getIntAcquire(sqFlagsAddress) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
    }

    @HotPath
    boolean hasCompletions() {
        return RawMemory.getIntAcquire(cqTailAddress) != cqHead;
    }

    /** Hands over what is pending and collects completions; does not wait. Returns how many entries were taken. */
    @HotPath
    int submit() {
        return enter(0, enterFlags | IORING_ENTER_GETEVENTS, 0, 0);
    }

    /** Hands over what is pending, no more. Returns how many entries were taken. */
    @HotPath
    int submitOnly() {
        return enter(0, enterFlags, 0, 0);
    }

    /** Hands over, then waits for a completion or the time limit. */
    void submitAndWait(long timeoutNs) {
        RawMemory.putLong(timespec, timeoutNs / 1_000_000_000L);
        RawMemory.putLong(timespec + 8, timeoutNs % 1_000_000_000L);
        enter(1, enterFlags | IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, eventsArgument, GETEVENTS_ARG_SIZE_BYTES);
    }

    @HotPath
    private int enter(int minComplete, int flags, long argument, int argumentBytes) {
        int count = sqTail - sqSubmitted;
        RawMemory.putIntRelease(sqTailAddress, sqTail);
        enters++;
        int result = Libc.io_uring_enter(errnoState, enterFd, count, minComplete, flags, argument, argumentBytes);
        if (result >= 0) {
            sqSubmitted += result;
            return result;
        }
        switch (-result) {
            case Errno.EINTR:
            case Errno.EAGAIN:
            case Errno.EBUSY:
                sqSubmitted = RawMemory.getIntAcquire(sqHeadAddress);      // What was taken before the error stays taken.
                return 0;
            default:            // EBADR too: a completion was lost, and its operation would never end.
                throw broken(-result);
        }
    }

    private static Error broken(int errno) {
        return new AssertionError("io_uring_enter: " + Errno.describe(errno));
    }

    // --- completions: look at the head entry, then drop it ------------------------------------------

    @HotPath
    long headCqe() {
        return cqesAddress + (long) (cqHead & cqMask) * CQE_SIZE_BYTES;
    }

    @HotPath
    void dropHead() {
        cqHead++;
    }

    /** Gives the dropped entries back to the kernel. */
    @HotPath
    void publishHead() {
        RawMemory.putIntRelease(cqHeadAddress, cqHead);
    }

    /** System calls made. */
    long enters() {
        return enters;
    }

    @Override
    public void close() {
        Libc.munmap(sqesAddress, (long) entries * IoUringAbi.SQE_SIZE_BYTES);
        Libc.munmap(ringAddress, ringBytes);
        Libc.close(fd);
        arena.close();
    }
}
