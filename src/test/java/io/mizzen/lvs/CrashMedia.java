package io.mizzen.lvs;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.Random;

/**
 * What a disk holds: what a reader sees, and what would be left if the power failed now. A block is written whole or not
 * at all; of changes that are not durable any part may be left, in any combination. Pages are never changed once they are
 * here, so a copy is one of references. One thread.
 */
final class CrashMedia implements SlowDecoder.Source {
    static final int PAGE = 4096;
    /** Up to so many blocks of a change are lost or kept each on its own; of a larger one, stretches. */
    private static final int BLOCKS_ONE_BY_ONE_MAX = 64;
    private static final byte[] ZEROES = new byte[PAGE];
    private static final byte[] ONES = new byte[PAGE];
    private static final byte[] OLD = new byte[PAGE];

    static {
        Arrays.fill(ONES, (byte) 0xff);
        new Random(5).nextBytes(OLD);
    }

    final int blockBytes;
    final boolean volatileCache;
    private final byte[][] current;
    private final byte[][] flushed;
    private final ArrayDeque<Change> unflushed = new ArrayDeque<>();
    private long sequence;

    /** Something that changes a range: to {@code data}, or every page of it to {@code fill} (null: zeroes). */
    static final class Change {
        private final long at;
        private final long size;
        private final byte[] data;
        private final byte[] fill;
        private long number;
        private boolean durable;

        private Change(long at, long size, byte[] data, byte[] fill) {
            this.at = at;
            this.size = size;
            this.data = data;
            this.fill = fill;
        }
    }

    private CrashMedia(int blockBytes, boolean volatileCache, byte[][] pages) {
        this.blockBytes = blockBytes;
        this.volatileCache = volatileCache;
        this.current = pages;
        this.flushed = pages.clone();
    }

    /** A disk that was used before, for something else. */
    static CrashMedia used(int blockBytes, long sizeBytes, boolean volatileCache) {
        byte[][] pages = new byte[Math.toIntExact(sizeBytes / PAGE)][];
        Arrays.fill(pages, OLD);
        return new CrashMedia(blockBytes, volatileCache, pages);
    }

    long sizeBytes() {
        return (long) current.length * PAGE;
    }

    /** A page as a reader sees it, null: zeroes. Not to be changed. */
    byte[] page(long index) {
        return current[(int) index];
    }

    @Override
    public byte[] read(long atBytes, int sizeBytes) {
        byte[] out = new byte[sizeBytes];
        for (int done = 0; done < sizeBytes;) {
            int within = (int) ((atBytes + done) % PAGE);
            int part = Math.min(PAGE - within, sizeBytes - done);
            byte[] page = current[(int) ((atBytes + done) / PAGE)];
            if (page != null) {
                System.arraycopy(page, within, out, done, part);
            }
            done += part;
        }
        return out;
    }

    void readInto(long atBytes, long sizeBytes, long address) {
        for (long done = 0; done < sizeBytes;) {
            int within = (int) ((atBytes + done) % PAGE);
            int part = (int) Math.min(PAGE - within, sizeBytes - done);
            byte[] page = current[(int) ((atBytes + done) / PAGE)];
            if (page == null) {
                RawMemory.zero(address + done, part);
            } else {
                MemorySegment.copy(page, within, RawMemory.ALL, ValueLayout.JAVA_BYTE, address + done, part);
            }
            done += part;
        }
    }

    /**
     * What an I/O does; null: nothing.
     *
     * @param unmapsToZeroes else what is unmapped stays, is zeroes, or is ones
     */
    static Change changeOf(BdevIo io, int blockShift, boolean unmapsToZeroes, Random random) {
        long at = io.offsetBlocks << blockShift;
        long size = io.blockCount << blockShift;
        return switch (io.type) {
            case IoType.WRITE -> {
                byte[] data = new byte[(int) size];
                MemorySegment.copy(RawMemory.ALL, ValueLayout.JAVA_BYTE, io.address, data, 0, (int) size);
                yield new Change(at, size, data, null);
            }
            case IoType.WRITE_ZEROES -> new Change(at, size, null, null);
            case IoType.UNMAP -> {
                int fate = unmapsToZeroes ? 1 : random.nextInt(3);
                yield fate == 0 ? null : new Change(at, size, null, fate == 1 ? null : ONES);
            }
            default -> null;
        };
    }

    /** Readers see the change from here on. */
    void perform(Change change, boolean forced) {
        change.number = sequence++;
        change.durable = forced || !volatileCache;
        apply(current, change, 0, change.size);
        if (change.durable && unflushed.isEmpty()) {
            apply(flushed, change, 0, change.size);
        } else {
            unflushed.add(change);
        }
    }

    /** What a flush that arrives now must make durable: all that has ended. */
    long mark() {
        return sequence;
    }

    void flush(long mark) {
        for (Change change : unflushed) {
            change.durable |= change.number < mark;
        }
        while (!unflushed.isEmpty() && unflushed.peek().durable) {
            Change change = unflushed.poll();
            apply(flushed, change, 0, change.size);
        }
    }

    /** That change is durable from here on, if it is not lost. */
    void force(Change change) {
        change.durable = true;
        flush(0);
    }

    /** What is not durable never will be: readers see it until the power fails. */
    void lose() {
        unflushed.removeIf(change -> !change.durable);
        flush(0);
    }

    /** What is there after the power failed now, with those changes under way. */
    CrashMedia cut(Collection<Change> underWay, Random random) {
        byte[][] left = flushed.clone();
        for (Change change : unflushed) {
            if (change.durable) {
                apply(left, change, 0, change.size);
            } else {
                applySome(left, change, random);
            }
        }
        for (Change change : underWay) {
            applySome(left, change, random);
        }
        return new CrashMedia(blockBytes, volatileCache, left);
    }

    private void applySome(byte[][] pages, Change change, Random random) {
        long blocks = change.size / blockBytes;
        switch (random.nextInt(4)) {
            case 0 -> { }
            case 1 -> apply(pages, change, 0, change.size);
            case 2 -> {
                if (blocks > BLOCKS_ONE_BY_ONE_MAX) {
                    stretches(pages, change, blocks, random);
                    return;
                }
                for (long i = 0; i < blocks; i++) {
                    if (random.nextBoolean()) {
                        apply(pages, change, i * blockBytes, blockBytes);
                    }
                }
            }
            default -> {
                long part = random.nextLong(blocks + 1) * blockBytes;
                if (random.nextBoolean()) {
                    apply(pages, change, 0, part);
                } else {
                    apply(pages, change, part, change.size - part);
                }
            }
        }
    }

    private void stretches(byte[][] pages, Change change, long blocks, Random random) {
        for (long from = random.nextLong(blocks); from < blocks; from += 1 + random.nextLong(blocks)) {
            long count = Math.min(blocks - from, 1 + random.nextLong(blocks / 4));
            apply(pages, change, from * blockBytes, count * blockBytes);
        }
    }

    /** A page of that data; of what there is much of, one for all. */
    private static byte[] pageOf(byte[] data, int from) {
        if (Arrays.equals(data, from, from + PAGE, OLD, 0, PAGE)) {
            return OLD;
        }
        return Arrays.equals(data, from, from + PAGE, ZEROES, 0, PAGE) ? null : Arrays.copyOfRange(data, from, from + PAGE);
    }

    private static void apply(byte[][] pages, Change change, long from, long size) {
        for (long done = from; done < from + size;) {
            int index = (int) ((change.at + done) / PAGE);
            int within = (int) ((change.at + done) % PAGE);
            int part = (int) Math.min(PAGE - within, from + size - done);
            if (part == PAGE) {
                pages[index] = change.data == null ? change.fill : pageOf(change.data, (int) done);
            } else {
                byte[] page = pages[index] == null ? new byte[PAGE] : pages[index].clone();
                if (change.data != null) {
                    System.arraycopy(change.data, (int) done, page, within, part);
                } else {
                    Arrays.fill(page, within, within + part, change.fill == null ? 0 : change.fill[0]);
                }
                pages[index] = page;
            }
            done += part;
        }
    }
}
