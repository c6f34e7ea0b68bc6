package io.mizzen.bdev;

import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.HugePages;
import io.mizzen.memory.PageUse;
import io.mizzen.reactor.Deferred;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;
import java.util.Arrays;
import java.util.UUID;

/** A RAM disk, for tests and measurements: zeroes at first, gone at the end. */
public final class MallocBdev extends Bdev {
    /** What a turn zeroes at most: nobody on the core is to wait for a whole disk. */
    private static final long ZERO_STEP_BYTES = 4L << 20;

    private static final int COPIES_AT_FIRST = 256;

    private final HugePages.Mapping memory;
    private final long base;

    /** Allocates the memory, of huge pages where there are some. */
    public MallocBdev(String name, UUID uuid, int blockSizeBytes, long blockCount) {
        this(name, uuid, blockSizeBytes, blockCount, PageUse.TRANSPARENT);
    }

    /**
     * As above, of the pages named.
     *
     * @throws io.mizzen.util.OperationException RESOURCE_EXHAUSTED when there is no memory
     */
    public MallocBdev(String name, UUID uuid, int blockSizeBytes, long blockCount, PageUse pages) {
        super(name, uuid, "malloc", blockSizeBytes, blockCount);
        memory = HugePages.map(sizeBytes(), pages);
        base = memory.address();
    }

    /** Address of the first block: for tests, which look at the disk behind the engine's back. */
    public long baseAddress() {
        return base;
    }

    @Override
    public boolean supports(int ioType) {
        return true;
    }

    @Override
    public boolean isTestOnly() {
        return true;
    }

    @Override
    public boolean unmapReadsZeroes() {
        return true;
    }

    @Override
    public boolean isBlank() {
        return isUnwritten();
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new Channel(this, mthread);
    }

    @Override
    protected void onDestroy(Completion<Void> done) {
        HugePages.unmap(memory);
        done.ok(null);
    }

    private static final class Channel extends IoChannel {
        private final long base;
        private final int shift;
        private final ZeroSteps zeroSteps = new ZeroSteps();
        private final Copies copies = new Copies();

        Channel(MallocBdev bdev, Mthread mthread) {
            super(bdev, mthread);
            base = bdev.base;
            shift = bdev.blockShift();
        }

        @Override
        @HotPath
        protected void doSubmit(BdevIo io) {
            long target = base + (io.offsetBlocks << shift);
            long lengthBytes = io.blockCount << shift;
            int status = Status.SUCCESS;
            switch (io.type) {
                case IoType.READ:
                case IoType.WRITE:
                    copies.add(io);
                    return;
                case IoType.UNMAP:
                case IoType.WRITE_ZEROES:
                    if (lengthBytes > ZERO_STEP_BYTES) {
                        zeroSteps.add(io);
                        return;
                    }
                    RawMemory.zero(target, lengthBytes);
                    break;
                case IoType.COMPARE:
                    status = RawMemory.equal(target, io.address, lengthBytes) ? Status.SUCCESS
                            : Status.COMPARE_FAILURE | Status.DNR;
                    break;
                default:
                    break;
            }
            io.completeDeferred(status);
        }

        @Override
        protected boolean takesHandedDown() {
            return true;
        }

        /**
         * What a turn has to copy, one after the other, then all are told: a core begins a copy before the last one has
         * ended, if what lies between them is little.
         */
        private final class Copies extends Deferred {
            private BdevIo[] next = new BdevIo[COPIES_AT_FIRST];
            private BdevIo[] spare = new BdevIo[COPIES_AT_FIRST];
            private int count;

            @HotPath
            void add(BdevIo io) {
                if (count == 0) {
                    mthread().reactor().defer(this);
                } else if (count == next.length) {
                    grow();
                }
                next[count++] = io;
            }

            /** Seldom: more in one turn than ever before. */
            private void grow() {
                next = Arrays.copyOf(next, count * 2);
            }

            @Override
            @HotPath
            protected void runDeferred() {
                BdevIo[] batch = next;
                int ended = count;
                next = spare;
                spare = batch;
                count = 0;
                for (int i = 0; i < ended; i++) {
                    copy(batch[i]);
                }
                for (int i = 0; i < ended; i++) {
                    batch[i].complete(Status.SUCCESS);
                }
            }

            @HotPath
            private void copy(BdevIo io) {
                long at = base + (io.offsetBlocks << shift);
                boolean reads = io.type == IoType.READ;
                Libc.memcpy(reads ? io.address : at, reads ? at : io.address, io.blockCount << shift);
            }
        }

        /** Long zeroings, one after the other, a step in each turn. In the I/O: {@code driverLong} = bytes done. */
        private final class ZeroSteps extends Deferred {
            private BdevIo head;
            private BdevIo tail;

            @HotPath
            void add(BdevIo io) {
                io.driverLong = 0;
                io.queueNext = null;
                if (head == null) {
                    head = io;
                    mthread().reactor().defer(this);
                } else {
                    tail.queueNext = io;
                }
                tail = io;
            }

            @Override
            @HotPath
            protected void runDeferred() {
                BdevIo io = head;
                long left = (io.blockCount << shift) - io.driverLong;
                long step = Math.min(left, ZERO_STEP_BYTES);
                RawMemory.zero(base + (io.offsetBlocks << shift) + io.driverLong, step);
                io.driverLong += step;
                if (step == left) {
                    head = io.queueNext;
                    io.queueNext = null;
                }
                if (head != null) {
                    mthread().reactor().defer(this);
                }
                if (step == left) {
                    io.complete(Status.SUCCESS);
                }
            }
        }
    }
}
