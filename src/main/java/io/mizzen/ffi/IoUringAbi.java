package io.mizzen.ffi;

import io.mizzen.util.HotPath;

/**
 * Numbers and layouts of {@code linux/io_uring.h}, by their C names. An entry of the submission queue is 64 bytes, one of
 * the completion queue 16. A test compares all of it with the installed header.
 */
public final class IoUringAbi {
    public static final int IORING_SETUP_CQSIZE = 1 << 3;
    public static final int IORING_SETUP_CLAMP = 1 << 4;
    public static final int IORING_SETUP_SUBMIT_ALL = 1 << 7;
    public static final int IORING_SETUP_COOP_TASKRUN = 1 << 8;
    public static final int IORING_SETUP_TASKRUN_FLAG = 1 << 9;
    public static final int IORING_SETUP_SINGLE_ISSUER = 1 << 12;
    public static final int IORING_SETUP_DEFER_TASKRUN = 1 << 13;
    public static final int IORING_SETUP_NO_SQARRAY = 1 << 16;

    public static final int IORING_FEAT_SINGLE_MMAP = 1;
    public static final int IORING_FEAT_NODROP = 1 << 1;
    public static final int IORING_FEAT_EXT_ARG = 1 << 8;

    public static final int IORING_SQ_CQ_OVERFLOW = 1 << 1;
    public static final int IORING_SQ_TASKRUN = 1 << 2;

    public static final int IORING_ENTER_GETEVENTS = 1;
    public static final int IORING_ENTER_EXT_ARG = 1 << 3;
    public static final int IORING_ENTER_REGISTERED_RING = 1 << 4;

    public static final long IORING_OFF_SQ_RING = 0;
    public static final long IORING_OFF_CQ_RING = 0x8000000L;
    public static final long IORING_OFF_SQES = 0x10000000L;

    public static final int IORING_REGISTER_BUFFERS = 0;
    public static final int IORING_REGISTER_FILES_UPDATE = 6;
    public static final int IORING_REGISTER_PROBE = 8;
    public static final int IORING_REGISTER_FILES2 = 13;
    public static final int IORING_REGISTER_IOWQ_AFF = 17;
    public static final int IORING_REGISTER_IOWQ_MAX_WORKERS = 19;
    public static final int IORING_REGISTER_RING_FDS = 20;
    public static final int IORING_REGISTER_PBUF_RING = 22;
    public static final int IORING_REGISTER_SEND_MSG_RING = 31;
    public static final int IORING_RSRC_REGISTER_SPARSE = 1;

    public static final int IORING_OP_NOP = 0;
    public static final int IORING_OP_FSYNC = 3;
    public static final int IORING_OP_READ_FIXED = 4;
    public static final int IORING_OP_WRITE_FIXED = 5;
    public static final int IORING_OP_POLL_ADD = 6;
    public static final int IORING_OP_POLL_REMOVE = 7;
    public static final int IORING_OP_SENDMSG = 9;
    public static final int IORING_OP_RECVMSG = 10;
    public static final int IORING_OP_ACCEPT = 13;
    public static final int IORING_OP_ASYNC_CANCEL = 14;
    public static final int IORING_OP_FALLOCATE = 17;
    public static final int IORING_OP_READ = 22;
    public static final int IORING_OP_WRITE = 23;
    public static final int IORING_OP_RECV = 27;
    public static final int IORING_OP_MSG_RING = 40;
    public static final int IORING_OP_URING_CMD = 46;

    public static final int IOSQE_FIXED_FILE = 1;
    public static final int IOSQE_BUFFER_SELECT = 1 << 5;
    public static final int IORING_FSYNC_DATASYNC = 1;
    public static final int IORING_POLL_ADD_MULTI = 1;
    public static final int IORING_ASYNC_CANCEL_ALL = 1;
    public static final int IORING_ASYNC_CANCEL_ANY = 1 << 2;
    public static final int IORING_RECVSEND_POLL_FIRST = 1;
    public static final int IORING_RECV_MULTISHOT = 1 << 1;
    public static final int IORING_ACCEPT_MULTISHOT = 1;

    public static final int IORING_CQE_F_BUFFER = 1;
    public static final int IORING_CQE_F_MORE = 1 << 1;
    public static final int IORING_CQE_F_SOCK_NONEMPTY = 1 << 2;
    public static final int IORING_CQE_BUFFER_SHIFT = 16;

    /** {@code RWF_DSYNC} of {@code linux/fs.h}: this write is durable when it completes. */
    public static final int RWF_DSYNC = 2;

    // struct io_uring_params
    public static final int PARAMS_SIZE_BYTES = 120;
    public static final int PARAMS_SQ_ENTRIES = 0;
    public static final int PARAMS_CQ_ENTRIES = 4;
    public static final int PARAMS_FLAGS = 8;
    public static final int PARAMS_FEATURES = 20;
    public static final int PARAMS_SQ_OFF = 40;
    public static final int PARAMS_CQ_OFF = 80;
    // struct io_sqring_offsets
    public static final int SQ_OFF_HEAD = 0;
    public static final int SQ_OFF_TAIL = 4;
    public static final int SQ_OFF_RING_MASK = 8;
    public static final int SQ_OFF_FLAGS = 16;
    public static final int SQ_OFF_DROPPED = 20;
    public static final int SQ_OFF_ARRAY = 24;
    // struct io_cqring_offsets
    public static final int CQ_OFF_HEAD = 0;
    public static final int CQ_OFF_TAIL = 4;
    public static final int CQ_OFF_RING_MASK = 8;
    public static final int CQ_OFF_OVERFLOW = 16;
    public static final int CQ_OFF_CQES = 20;

    // struct io_uring_sqe
    public static final int SQE_SIZE_BYTES = 64;
    public static final int SQE_OPCODE = 0;
    public static final int SQE_FLAGS = 1;
    public static final int SQE_IOPRIO = 2;
    public static final int SQE_FD = 4;
    public static final int SQE_OFF = 8;
    public static final int SQE_ADDR = 16;
    public static final int SQE_LEN = 24;
    public static final int SQE_OP_FLAGS = 28;
    public static final int SQE_USER_DATA = 32;
    public static final int SQE_BUF_INDEX = 40;
    public static final int SQE_ADDR3 = 48;

    // struct io_uring_cqe
    public static final int CQE_SIZE_BYTES = 16;
    public static final int CQE_USER_DATA = 0;
    public static final int CQE_RES = 8;
    public static final int CQE_FLAGS = 12;

    // struct io_uring_rsrc_register, io_uring_rsrc_update, io_uring_buf_reg, io_uring_buf, io_uring_getevents_arg
    public static final int RSRC_REGISTER_SIZE_BYTES = 32;
    public static final int RSRC_UPDATE_SIZE_BYTES = 16;
    public static final int RSRC_UPDATE_OFFSET = 0;
    public static final int RSRC_UPDATE_DATA = 8;
    public static final int BUF_REG_SIZE_BYTES = 40;
    public static final int BUF_REG_RING_ADDR = 0;
    public static final int BUF_REG_RING_ENTRIES = 8;
    public static final int BUF_REG_BGID = 12;
    public static final int BUF_SIZE_BYTES = 16;
    public static final int BUF_ADDR = 0;
    public static final int BUF_LEN = 8;
    public static final int BUF_BID = 12;
    /** {@code tail} of {@code struct io_uring_buf_ring}: where the first entry has its reserved field. */
    public static final int BUF_RING_TAIL = 14;
    public static final int GETEVENTS_ARG_SIZE_BYTES = 24;
    public static final int GETEVENTS_ARG_TS = 16;

    private IoUringAbi() {
    }

    /** Fills an entry, in eight stores; what is not named is zero. */
    @HotPath
    public static void fill(long sqe, int opcode, int flags, int ioprio, int fd, long off, long addr, int len,
            int opFlags, long userData, int bufIndex) {
        RawMemory.putLong(sqe, (opcode & 0xFFL) | (flags & 0xFFL) << 8 | (ioprio & 0xFFFFL) << 16 | (long) fd << 32);
        RawMemory.putLong(sqe + SQE_OFF, off);
        RawMemory.putLong(sqe + SQE_ADDR, addr);
        RawMemory.putLong(sqe + SQE_LEN, (len & 0xFFFFFFFFL) | (long) opFlags << 32);
        RawMemory.putLong(sqe + SQE_USER_DATA, userData);
        RawMemory.putLong(sqe + SQE_BUF_INDEX, bufIndex & 0xFFFFL);
        RawMemory.putLong(sqe + SQE_ADDR3, 0);
        RawMemory.putLong(sqe + SQE_ADDR3 + 8, 0);
    }
}
