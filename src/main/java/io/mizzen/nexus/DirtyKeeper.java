package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * Keeps the dirty-region map on the children: sets the bits that channels want before their writes go, clears those
 * that a {@link DirtySweep} has approved. One page is written at a time, with all that has come together for it. Home
 * mthread.
 *
 * <pre>
 * IDLE → WRITING (a page, to every child that writes go to; ended by the last write)
 *           ├─ on all           → IDLE: the bits count
 *           └─ failed somewhere → SETTLING (those children are faulted; ended by that being stored)
 *                                    ├─ every healthy child has the page → IDLE: the bits count
 *                                    └─ the last one lacks it            → IDLE: the writes that wait fail
 * </pre>
 */
final class DirtyKeeper {
    private enum State {
        IDLE, WRITING, SETTLING
    }

    private final Nexus nexus;
    private final DirtyMap map;
    private final DirtyGeometry geometry;
    private final int epoch;
    private final DmaBuffer pageBuffer;
    /** What the healthy children's pages say. */
    private final long[] stored;
    /** What the page that is being written says. */
    private final long[] image;
    /** Bits approved for clearing, still stored. */
    private final long[] clearing;
    private final List<DirtyRequest> requests = new ArrayList<>();
    private final List<Consumer<Boolean>> homeRequests = new ArrayList<>();
    private final Deque<Spread> spreads = new ArrayDeque<>();
    private State state = State.IDLE;
    private boolean spreadsNext;
    private int page;
    private int nextPage;
    private long sequence;
    private Runnable cleared;
    private long pageWrites;

    /**
     * @param epoch the map's, as the metadata has it
     * @param storedBits what the children's map says, in the sense of all that may be dirty
     */
    DirtyKeeper(Nexus nexus, DirtyMap map, int epoch, DmaBuffer pageBuffer, long[] storedBits, long firstSequence) {
        this.nexus = nexus;
        this.map = map;
        this.geometry = map.geometry();
        this.epoch = epoch;
        this.pageBuffer = pageBuffer;
        this.stored = storedBits.clone();
        this.image = new long[stored.length];
        this.clearing = new long[stored.length];
        this.sequence = firstSequence;
        for (int word = 0; word < stored.length; word++) {
            map.durable.set(word, stored[word]);
        }
    }

    private void setState(State next) {
        assert switch (state) {
            case IDLE -> next == State.WRITING;
            case WRITING -> next == State.IDLE || next == State.SETTLING;
            case SETTLING -> next == State.IDLE;
        };
        state = next;
    }

    /** A channel wants regions. It gets one reply. */
    void onRequest(DirtyRequest request) {
        requests.add(request);
        advance();
    }

    /** The home mthread itself is about to write to these regions; told whether they are dirty on the children now. */
    void ensure(int firstRegion, int lastRegion, Consumer<Boolean> done) {
        if (map.isDurable(firstRegion, lastRegion)) {
            done.accept(true);
            return;
        }
        map.want(firstRegion, lastRegion);
        homeRequests.add(failed -> {
            if (!failed && !map.isDurable(firstRegion, lastRegion)) {
                ensure(firstRegion, lastRegion, done);
            } else {
                done.accept(!failed);
            }
        });
        advance();
    }

    /**
     * Clears bits: their regions are equal and durable on all healthy children, and no write to them can begin, for the
     * caller has taken their durable bits away. A region that is wanted meanwhile keeps its bit.
     */
    void clear(long[] approved, Runnable done) {
        assert cleared == null;
        for (int word = 0; word < clearing.length; word++) {
            clearing[word] = approved[word] & stored[word] & ~map.durable.get(word);    // Granted again: stays.
        }
        cleared = done;
        advance();
    }

    /** Gives back regions that were to be cleared: they are dirty as before. */
    void restore(long[] words) {
        for (int word = 0; word < words.length; word++) {
            if (words[word] != 0) {
                assert (words[word] & ~stored[word]) == 0;
                DirtyMap.or(map.durable, word, words[word]);
            }
        }
        advance();
    }

    private void advance() {
        if (state != State.IDLE) {
            return;
        }
        boolean granted = false;
        for (int word = 0; word < stored.length; word++) {
            granted |= grantStored(word);
        }
        int next = choosePage();
        if (next < 0 && (granted || !requests.isEmpty() || !homeRequests.isEmpty())) {
            reply(false);
        }
        if (!spreads.isEmpty() && (next < 0 || spreadsNext)) {
            spreadsNext = false;
            spread();
        } else if (next >= 0) {
            spreadsNext = true;
            write(next);
        } else {
            finishClear();
        }
    }

    /** Wanted bits that are on the children still: no write is needed for them. */
    private boolean grantStored(int word) {
        long there = map.wanted.get(word) & stored[word];
        if (there == 0) {
            return false;
        }
        clearing[word] &= ~there;
        DirtyMap.or(map.durable, word, there);
        DirtyMap.andNot(map.wanted, word, there);
        return true;
    }

    private int choosePage() {
        for (int i = 0; i < geometry.pageCount(); i++) {
            int candidate = (nextPage + i) % geometry.pageCount();
            for (int word = geometry.firstWord(candidate); word < geometry.endWord(candidate); word++) {
                if ((map.wanted.get(word) | clearing[word]) != 0) {
                    nextPage = (candidate + 1) % geometry.pageCount();
                    return candidate;
                }
            }
        }
        return -1;
    }

    private void write(int newPage) {
        setState(State.WRITING);
        page = newPage;
        for (int word = geometry.firstWord(page); word < geometry.endWord(page); word++) {
            image[word] = (stored[word] | map.wanted.get(word)) & ~clearing[word];
        }
        pageWrites++;
        writePage(page, image, nexus.attachedMask(), this::onWritten);
    }

    private void onWritten(int okMask, int failMask) {
        if (failMask == 0 && isOnAllHealthy(okMask)) {
            onStored();
            return;
        }
        setState(State.SETTLING);
        nexus.membership().requestFaults(failMask, FaultReason.METADATA_ERROR, () -> {
            nexus.cacheLoss().onWriteThroughFailed(failMask);
            if (isOnAllHealthy(okMask) && !nexus.membership().isBlocked()) {
                onStored();
            } else if (failMask == 0 && nexus.usableMask() != 0) {
                setState(State.IDLE);           // Somebody came back meanwhile who lacks the page.
                advance();
            } else {
                onNotStored();
            }
        });
    }

    private boolean isOnAllHealthy(int okMask) {
        int healthy = nexus.usableMask();
        return healthy != 0 && (okMask & healthy) == healthy;
    }

    private void onStored() {
        setState(State.IDLE);
        for (int word = geometry.firstWord(page); word < geometry.endWord(page); word++) {
            long added = image[word] & ~stored[word];
            stored[word] = image[word];
            clearing[word] &= stored[word];
            if (added != 0) {
                DirtyMap.or(map.durable, word, added);
                DirtyMap.andNot(map.wanted, word, added);
            }
        }
        reply(false);
        advance();
    }

    /** The page could not be stored: on some child it may say the old or the new; the bits cleared by it are lost. */
    private void onNotStored() {
        setState(State.IDLE);
        for (int word = geometry.firstWord(page); word < geometry.endWord(page); word++) {
            DirtyMap.andNot(map.wanted, word, image[word] & ~stored[word]);
            long kept = clearing[word];
            if (kept != 0) {
                stored[word] &= ~kept;      // Not to be relied on; the next want writes it again.
                clearing[word] = 0;
            }
        }
        reply(true);
        advance();
    }

    private void reply(boolean failed) {
        List<DirtyRequest> now = List.copyOf(requests);
        requests.clear();
        now.forEach(request -> request.reply(failed));
        List<Consumer<Boolean>> ours = List.copyOf(homeRequests);
        homeRequests.clear();
        ours.forEach(request -> request.accept(failed));
    }

    private void finishClear() {
        if (cleared != null && state == State.IDLE) {
            Runnable done = cleared;
            cleared = null;
            done.run();
        }
    }

    /**
     * Writes the whole map to a child that has just been attached; from then on it has every page, for later ones go to
     * it as well.
     *
     * @param done whether it is there; if not, the child has been faulted, or is out anyway
     */
    void spreadTo(NexusChild child, Consumer<Boolean> done) {
        spreads.add(new Spread(child, done));
        advance();
    }

    private static final class Spread {
        private final NexusChild child;
        private final Consumer<Boolean> done;
        private int page;

        Spread(NexusChild child, Consumer<Boolean> done) {
            this.child = child;
            this.done = done;
        }
    }

    private void spread() {
        Spread next = spreads.peek();
        setState(State.WRITING);
        writePage(next.page, stored, next.child.isAttached() ? 1 << next.child.index() : 0, (okMask, failMask) -> {
            setState(State.IDLE);
            if (okMask != 0 && ++next.page < geometry.pageCount()) {
                advance();
                return;
            }
            spreads.remove(next);
            if (okMask != 0) {
                next.done.accept(true);
            } else {
                nexus.membership().requestFaults(failMask, FaultReason.METADATA_ERROR, () -> next.done.accept(false));
            }
            advance();
        });
    }

    /** Writes one page of these words to the children of the mask. */
    void writePage(int index, long[] words, int mask, Fanout.Done done) {
        int shift = nexus.blockShift();
        DirtyPageCodec.encode(geometry, nexus.uuid(), epoch, index, ++sequence, words, RawMemory.ALL, pageBuffer.address());
        new ChildFanout(nexus, done) {
            @Override
            void prepare(int child, BdevIo io, IoCompletion completion) {
                io.prepare(IoType.WRITE, geometry.pageOffsetBytes(index) >>> shift, geometry.pageBytes() >>> shift,
                        pageBuffer.address(), pageBuffer.regionIndex(), completion);
                io.flags = BdevIo.FLAG_FUA;
            }
        }.submit(mask);
    }

    /** Bits that the children's map has, a copy. */
    long[] storedBits() {
        return stored.clone();
    }

    /** Runs it once nothing is written; no host writes now. */
    void whenIdle(Runnable then) {
        if (state == State.IDLE && spreads.isEmpty()) {
            then.run();
        } else {
            nexus.home().send(() -> whenIdle(then));
        }
    }

    /** The newest sequence of a page. */
    long sequence() {
        return sequence;
    }

    /** Pages written so far. */
    long pageWrites() {
        return pageWrites;
    }

    void close() {
        assert state == State.IDLE;
        pageBuffer.close();
    }
}
