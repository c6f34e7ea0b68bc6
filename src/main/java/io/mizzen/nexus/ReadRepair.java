package io.mizzen.nexus;

import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.RangeLock;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Timer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Rewrites what a child could not read with the data of another one, under a range lock, so that it never undoes a newer
 * write. One range at a time; what cannot wait in the queue is forgotten and comes back with the next read. A child that
 * cannot be written, or read afterwards, is faulted.
 *
 * <p>Where legs may differ (a suspect region) only the source is repaired, block by block, and only the blocks that it
 * really cannot read: what it could show before stays as it was. The read that met the error waits for that.
 *
 * <pre>
 * IDLE → BUFFER (ended by a buffer) → LOCKING (ended by the grant and by dirty bits) → PROBING → READING → WRITING → CHECKING (I/O each)
 *    ↑                                                                  ↑ next piece ←──────┘ │
 *    └──────────────── UNLOCKING (ended by the unlock) ←──────────────────────────────────────┘
 * </pre>
 *
 * Home mthread, but for {@link #report} and {@link #repairFor}.
 */
final class ReadRepair {
    private static final int QUEUE_MAX = 64;
    private static final long BUFFER_RETRY_NS = 1_000_000;

    private enum State {
        IDLE, BUFFER, LOCKING, PROBING, READING, WRITING, CHECKING, UNLOCKING
    }

    /** One range of one child; {@code waiter} is the read that waits for it, or null. */
    private record Task(NexusChild child, long offsetBlocks, long blockCount, NexusChannel channel, BdevIo waiter) {
    }

    private final Nexus nexus;
    private final Deque<Task> queue = new ArrayDeque<>();
    private final List<Runnable> whenStopped = new ArrayList<>();
    private State state = State.IDLE;
    private Task task;
    private DmaBuffer buffer;
    private RangeLock lock;
    private boolean stopping;
    private boolean suspended;
    private boolean closed;
    private boolean blockwise;
    private long offset;
    private long count;
    private int donorsTried;
    private boolean wrote;
    private volatile long repairedBlocks;
    private volatile long failures;
    private final Timer bufferRetry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            takeBuffer();
        }
    };

    ReadRepair(Nexus nexus) {
        this.nexus = nexus;
    }

    private void setState(State next) {
        assert state != State.IDLE || next == State.BUFFER;
        state = next;
    }

    // --- asking, from any reactor ------------------------------------------------------------------

    /** A read failed on the children of the mask, and another one had the data. */
    void report(BdevIo io, int mask, Reactor reactor) {
        if (mask == 0) {
            return;
        }
        long from = io.offsetBlocks;
        long blocks = io.blockCount;
        nexus.home().send(new Message() {
            @Override
            public void run() {
                for (int rest = mask; rest != 0 && queue.size() < QUEUE_MAX; rest &= rest - 1) {
                    add(nexus.child(Integer.numberOfTrailingZeros(rest)), from, blocks, null, null);
                }
            }
        }, reactor);
    }

    /** The source failed a read of a suspect region: the read goes on when that is repaired, or cannot be. */
    void repairFor(NexusChannel channel, BdevIo io, int source) {
        nexus.home().send(new Message() {
            @Override
            public void run() {
                add(nexus.child(source), io.offsetBlocks, io.blockCount, channel, io);
            }
        }, channel.mthread().reactor());
    }

    private void add(NexusChild child, long from, long blocks, NexusChannel channel, BdevIo waiter) {
        Task added = new Task(child, from, blocks, channel, waiter);
        if (closed || child == null) {
            tell(added);
            return;
        }
        if (!child.isUsable()) {
            tellWhenKnown(added);
            return;
        }
        queue.add(added);
        next();
    }

    /** The child is out: the read goes on when channels know that. Earlier, it would come back at once, until it is given up. */
    private void tellWhenKnown(Task ended) {
        nexus.membership().whenSettled(() -> tell(ended));
    }

    /** The read that waited goes on. */
    private void tell(Task ended) {
        if (ended.waiter != null) {
            ended.channel.mthread().send(new Message() {
                @Override
                public void run() {
                    ended.channel.onRepaired(ended.waiter);
                }
            }, nexus.home().reactor());
        }
    }

    // --- one after the other -----------------------------------------------------------------------

    private void next() {
        if (state != State.IDLE || stopping || suspended || queue.isEmpty()) {
            return;
        }
        task = queue.poll();
        if (!task.child.isUsable()) {
            Task over = task;
            task = null;
            tellWhenKnown(over);
            next();
            return;
        }
        setState(State.BUFFER);
        takeBuffer();
    }

    /** Before the lock: host writes that wait for that may hold all other buffers. */
    private void takeBuffer() {
        buffer = stopping ? null : BdevContext.of(nexus.home().reactor()).large().tryAcquire();
        if (stopping) {
            end();
        } else if (buffer == null) {
            nexus.home().reactor().arm(bufferRetry, BUFFER_RETRY_NS);
        } else {
            setState(State.LOCKING);
            nexus.lockRange(task.offsetBlocks, task.blockCount, false, nexus.home(), (granted, failure) -> {
                lock = granted;
                makeDirty();
            });
        }
    }

    /** A write that is cut short by a crash must be healed like a host's. */
    private void makeDirty() {
        nexus.dirtyKeeper().ensure(firstRegion(), lastRegion(), dirty -> {
            if (dirty) {
                begin();
            } else {
                unlock();
            }
        });
    }

    private int firstRegion() {
        return nexus.dirtyMap().regionOf(task.offsetBlocks << nexus.blockShift());
    }

    private int lastRegion() {
        return nexus.dirtyMap().regionOf(task.offsetBlocks + task.blockCount - 1 << nexus.blockShift());
    }

    /** Adds the regions that are being written to the words. */
    void addRegions(long[] words) {
        if (task != null) {
            for (int word = firstRegion() >>> 6; word <= lastRegion() >>> 6; word++) {
                words[word] |= DirtyMap.mask(word, firstRegion(), lastRegion());
            }
        }
    }

    private void begin() {
        boolean suspect = nexus.dirtyMap().isSuspect(firstRegion(), lastRegion());
        blockwise = suspect;
        offset = task.offsetBlocks;
        count = 0;
        wrote = false;
        if (stopping || !task.child.isUsable() || suspect && task.child.index() != nexus.source()) {
            unlock();           // Another leg's suspect blocks are the resynchronisation's business.
        } else {
            nextPiece();
        }
    }

    private void nextPiece() {
        offset += count;
        long left = task.offsetBlocks + task.blockCount - offset;
        if (left == 0 || stopping || !task.child.isUsable()) {
            unlock();
            return;
        }
        count = blockwise ? 1 : Math.min(left, BufferPools.LARGE_BYTES >>> nexus.blockShift());
        donorsTried = 0;
        if (blockwise) {
            setState(State.PROBING);
            io(IoType.READ, task.child, ok -> {
                if (ok) {
                    nextPiece();
                } else {
                    readDonor();
                }
            });
        } else {
            readDonor();
        }
    }

    private void readDonor() {
        if (!task.child.isUsable()) {
            unlock();           // It went meanwhile: nothing is wrong with what others hold.
            return;
        }
        if (BdevContext.of(nexus.home().reactor()).isLost(buffer.address(), buffer.sizeBytes())) {
            onRepairFailed();
            return;
        }
        NexusChild donor = null;
        for (NexusChild child : nexus.children()) {
            boolean may = child != task.child && child.isUsable() && (donorsTried & 1 << child.index()) == 0;
            if (may && (donor == null || child.index() == nexus.source())) {
                donor = child;
            }
        }
        if (donor == null) {
            failures++;
            nexus.event("repair-impossible child=" + task.child.name() + " block=" + offset + " blocks=" + count);
            nextPiece();
            return;
        }
        donorsTried |= 1 << donor.index();
        setState(State.READING);
        io(IoType.READ, donor, ok -> {
            if (ok && task.child.isUsable()) {
                write();
            } else {
                readDonor();
            }
        });
    }

    private void write() {
        setState(State.WRITING);
        io(IoType.WRITE, task.child, ok -> {
            if (!ok) {
                onRepairFailed();
                return;
            }
            wrote = true;
            setState(State.CHECKING);
            io(IoType.READ, task.child, readable -> {
                if (readable) {
                    repairedBlocks += count;
                    nextPiece();
                } else {
                    onRepairFailed();
                }
            });
        });
    }

    private void onRepairFailed() {
        failures++;
        nexus.event("repair-failed child=" + task.child.name() + " block=" + offset + " blocks=" + count);
        if (task.child.isUsable()) {
            nexus.membership().requestFault(task.child.index(), FaultReason.IO_ERROR, this::unlock);
        } else {
            unlock();
        }
    }

    private interface Then {
        void run(boolean ok);
    }

    /** One I/O to a child for the piece. */
    private void io(int type, NexusChild child, Then then) {
        long first = offset + (nexus.label().dataOffsetBytes() >>> nexus.blockShift());
        new ChildFanout(nexus, (okMask, failMask) -> then.run(okMask != 0)) {
            @Override
            void prepare(int place, BdevIo io, IoCompletion completion) {
                io.prepare(type, first, count, buffer.address(), buffer.regionIndex(), completion);
            }
        }.submit(child.isAttached() ? 1 << child.index() : 0);
    }

    private void unlock() {
        if (wrote) {
            nexus.event("repaired child=" + task.child.name() + " block=" + task.offsetBlocks + " blocks="
                    + task.blockCount);
        }
        setState(State.UNLOCKING);
        nexus.unlockRange(lock, nexus.home(), (value, failure) -> {
            lock = null;
            end();
        });
    }

    private void end() {
        if (buffer != null) {
            buffer.close();
            buffer = null;
        }
        Task over = task;
        task = null;
        setState(State.IDLE);
        tell(over);
        if (stopping) {
            stopped();
        } else {
            next();
        }
    }

    // --- stopping -------------------------------------------------------------------------------------

    /** Stops, for a change of members; {@code then} runs when no child is used. What waits in the queue is tried later. */
    void stopThen(Runnable then) {
        if (state == State.IDLE) {
            then.run();
            return;
        }
        stopping = true;
        whenStopped.add(then);
    }

    private void stopped() {
        stopping = false;
        List<Runnable> now = List.copyOf(whenStopped);
        whenStopped.clear();
        now.forEach(Runnable::run);
        next();
    }

    /** Stops until {@link #goOn}. */
    void suspend(Runnable then) {
        suspended = true;
        stopThen(then);
    }

    void goOn() {
        suspended = false;
        next();
    }

    /** Stops for good; reads that wait go on without. */
    void close(Runnable then) {
        closed = true;
        stopThen(() -> {
            queue.forEach(this::tell);
            queue.clear();
            then.run();
        });
    }

    boolean isIdle() {
        return state == State.IDLE && queue.isEmpty();
    }

    /** Blocks that were rewritten and could be read afterwards. Any thread. */
    long repairedBlocks() {
        return repairedBlocks;
    }

    /** Pieces that could not be repaired. Any thread. */
    long failures() {
        return failures;
    }
}
