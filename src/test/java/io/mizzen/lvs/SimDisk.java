package io.mizzen.lvs;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Poller;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

/**
 * A sparse disk with a volatile cache, completing in random order. What was neither flushed nor written with FUA may be
 * lost at a crash, wholly or block by block; so may what is in flight.
 */
final class SimDisk extends Bdev {
    private static final int PAGE = 4096;

    private final Random random;
    private final boolean unmapZeroes;
    private final Contents durable;
    private Contents current;
    private final List<Volatile> unflushed = new ArrayList<>();
    private final List<SimChannel> simChannels = new ArrayList<>();
    /** I/Os of this type fail from now on; -1: none. */
    int failType = -1;
    /** The next so many writes succeed, then all fail; -1: none fails. */
    int writesUntilFailure = -1;
    /** What fails so is on the disk all the same. */
    boolean failedWritesLand;
    long writeCount;
    long zeroedBytes;
    long flushCount;
    boolean dead;
    /** Reads do not end. */
    boolean holdsReads;
    /** A write with FUA ends with a flush: of a disk that came later, where it does so from then on. */
    boolean fuaFlushes;
    boolean hasCache = true;
    /** So many of the flushes that are there end only when they are released. */
    int heldFlushes;

    void releaseOneFlush() {
        heldFlushes--;
    }

    /** Non-zero 4 KiB pages by index. */
    static final class Contents implements SlowDecoder.Source {
        final Map<Long, byte[]> pages = new HashMap<>();

        Contents copy() {
            Contents c = new Contents();
            pages.forEach((index, page) -> c.pages.put(index, page.clone()));
            return c;
        }

        @Override
        public byte[] read(long at, int size) {
            byte[] out = new byte[size];
            for (int done = 0; done < size;) {
                long index = (at + done) / PAGE;
                int within = (int) ((at + done) % PAGE);
                int part = Math.min(PAGE - within, size - done);
                byte[] page = pages.get(index);
                if (page != null) {
                    System.arraycopy(page, within, out, done, part);
                }
                done += part;
            }
            return out;
        }

        /** {@code data} null: zeroes. */
        void write(long at, byte[] data, int from, long size) {
            for (long done = 0; done < size;) {
                long index = (at + done) / PAGE;
                int within = (int) ((at + done) % PAGE);
                int part = (int) Math.min(PAGE - within, size - done);
                if (data == null && part == PAGE) {
                    pages.remove(index);
                } else if (data == null) {
                    byte[] page = pages.get(index);
                    if (page != null) {
                        Arrays.fill(page, within, within + part, (byte) 0);
                    }
                } else {
                    System.arraycopy(data, (int) (from + done), pages.computeIfAbsent(index, i -> new byte[PAGE]), within, part);
                }
                done += part;
            }
        }
    }

    private record Volatile(long at, byte[] data, long size) {
    }

    private long flushesThere() {
        return simChannels.stream().flatMap(channel -> channel.pending.stream()).filter(io -> io.type == IoType.FLUSH).count();
    }

    SimDisk(String name, int blockSize, long sizeBytes, Contents contents, boolean unmapZeroes, Random random) {
        super(name, UUID.nameUUIDFromBytes((name + random.nextLong()).getBytes()), "simdisk", blockSize, sizeBytes / blockSize);
        this.random = random;
        this.unmapZeroes = unmapZeroes;
        this.durable = contents.copy();
        this.current = contents.copy();
    }

    static Contents load(FileChannel file) throws IOException {
        Contents c = new Contents();
        byte[] zero = new byte[PAGE];
        for (long at = 0; at < file.size(); at += 1 << 20) {
            MemorySegment chunk = FixtureImages.read(file, at, (int) Math.min(1 << 20, file.size() - at));
            byte[] raw = (byte[]) chunk.heapBase().orElseThrow();
            for (int i = 0; i < raw.length; i += PAGE) {
                if (!Arrays.equals(raw, i, i + PAGE, zero, 0, PAGE)) {
                    c.pages.put((at + i) / PAGE, Arrays.copyOfRange(raw, i, i + PAGE));
                }
            }
        }
        return c;
    }

    /** What a reader sees now. */
    Contents current() {
        return current;
    }

    /** What is left after the power went now: some unflushed and in-flight blocks, not others. I/O fails from here on. */
    Contents crash() {
        dead = true;
        Contents left = durable.copy();
        for (Volatile v : unflushed) {
            tear(left, v);
        }
        for (SimChannel channel : simChannels) {
            for (BdevIo io : channel.pending) {
                Volatile v = effect(io);
                if (v != null) {
                    tear(left, v);
                }
            }
        }
        return left;
    }

    private void tear(Contents into, Volatile v) {
        int fate = random.nextInt(3);
        if (fate == 0) {
            return;
        }
        for (long done = 0; done < v.size; done += blockSizeBytes()) {
            if (fate == 1 || random.nextBoolean()) {
                into.write(v.at + done, v.data, (int) done, blockSizeBytes());
            }
        }
    }

    private Volatile effect(BdevIo io) {
        long at = io.offsetBlocks << blockShift();
        long size = io.blockCount << blockShift();
        return switch (io.type) {
            case IoType.WRITE -> {
                byte[] data = new byte[(int) size];
                MemorySegment.copy(RawMemory.ALL, ValueLayout.JAVA_BYTE, io.address, data, 0, (int) size);
                yield new Volatile(at, data, size);
            }
            case IoType.WRITE_ZEROES -> new Volatile(at, null, size);
            case IoType.UNMAP -> unmapZeroes ? new Volatile(at, null, size) : null;
            default -> null;
        };
    }

    private int perform(BdevIo io) {
        if (dead || io.type == failType) {
            return Status.WRITE_FAULT;
        }
        if (IoType.isWrite(io.type)) {
            if (writesUntilFailure == 0) {
                if (failedWritesLand && effect(io) instanceof Volatile landed) {
                    current.write(landed.at, landed.data, 0, landed.size);
                }
                return Status.WRITE_FAULT;
            }
            if (writesUntilFailure > 0) {
                writesUntilFailure--;
            }
            writeCount++;
        }
        if (io.type == IoType.READ) {
            byte[] data = current.read(io.offsetBlocks << blockShift(), (int) (io.blockCount << blockShift()));
            MemorySegment.copy(data, 0, RawMemory.ALL, ValueLayout.JAVA_BYTE, io.address, data.length);
        } else if (io.type == IoType.FLUSH) {
            flushCount++;
            for (Volatile v : unflushed) {
                durable.write(v.at, v.data, 0, v.size);
            }
            unflushed.clear();
        } else {
            Volatile v = effect(io);
            if (v != null) {
                zeroedBytes += v.data == null ? v.size : 0;
                current.write(v.at, v.data, 0, v.size);
                unflushed.add(v);
                if ((io.flags & BdevIo.FLAG_FUA) != 0) {
                    durable.write(v.at, v.data, 0, v.size);
                    unflushed.remove(unflushed.size() - 1);
                    unflushed.replaceAll(older -> without(older, v));
                    unflushed.removeIf(older -> older.size == 0);
                }
            }
        }
        return Status.SUCCESS;
    }

    /** An older unflushed write must not come back over a FUA write: metadata pages are written whole, so whole it goes. */
    private static Volatile without(Volatile older, Volatile fua) {
        if (older.at + older.size <= fua.at || fua.at + fua.size <= older.at) {
            return older;
        }
        if (older.at >= fua.at && older.at + older.size <= fua.at + fua.size) {
            return new Volatile(older.at, null, 0);
        }
        byte[] data = older.data == null ? new byte[(int) older.size] : older.data.clone();
        for (long at = Math.max(older.at, fua.at); at < Math.min(older.at + older.size, fua.at + fua.size); at++) {
            data[(int) (at - older.at)] = fua.data == null ? 0 : fua.data[(int) (at - fua.at)];
        }
        return new Volatile(older.at, data, older.size);
    }

    @Override
    public boolean supports(int ioType) {
        return ioType != IoType.COMPARE;
    }

    @Override
    public boolean hasVolatileCache() {
        return hasCache;
    }

    @Override
    public boolean fuaFlushes() {
        return fuaFlushes;
    }

    @Override
    public boolean unmapReadsZeroes() {
        return unmapZeroes;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        SimChannel channel = new SimChannel(mthread);
        simChannels.add(channel);
        return channel;
    }

    final class SimChannel extends IoChannel {
        final List<BdevIo> pending = new ArrayList<>();
        private final Poller poller;

        SimChannel(Mthread mthread) {
            super(SimDisk.this, mthread);
            poller = mthread.addPoller("simdisk", 0, this::completeSome);
        }

        private int completeSome(long nowNs) {
            int count = 0;
            while (!pending.isEmpty() && random.nextInt(4) != 0) {
                int index = random.nextInt(pending.size());
                int type = pending.get(index).type;
                if (holdsReads && type == IoType.READ || type == IoType.FLUSH && flushesThere() <= heldFlushes) {
                    break;
                }
                BdevIo io = pending.remove(index);
                io.complete(perform(io));
                count++;
            }
            return count;
        }

        @Override
        protected void doSubmit(BdevIo io) {
            pending.add(io);
        }

        @Override
        protected void onClose() {
            mthread().removePoller(poller);
            simChannels.remove(this);
        }
    }
}
