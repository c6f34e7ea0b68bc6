package io.mizzen.nexus;

import io.mizzen.rebuild.RebuildHistory;
import io.mizzen.rebuild.RebuildKind;
import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.rebuild.SegmentMap;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The rebuilds of a nexus, one a child that is being made equal, and verifications; what children lack between them.
 * Home mthread, but for the views.
 */
final class Rebuilds {
    /** What a rebuild's map counts in: the smallest window that a slow rebuild may lock. */
    private static final int SEGMENT_BYTES = RebuildSettings.PIECE_BYTES;

    private final Nexus nexus;
    private final List<ChildRebuild> rebuilds = new CopyOnWriteArrayList<>();
    private final List<ChildVerify> verifies = new CopyOnWriteArrayList<>();
    private final RebuildHistory history = new RebuildHistory(RebuildHistory.CAPACITY_DEFAULT);
    private RebuildSettings settings;
    private boolean closed;

    Rebuilds(Nexus nexus, RebuildSettings settings) {
        this.nexus = nexus;
        this.settings = settings;
    }

    /** A child has joined and receives all writes; what it lacks besides is copied. */
    void begin(NexusChild child, RebuildKind kind, SegmentMap lacks) {
        if (closed || !child.isAttached()) {
            return;
        }
        ChildRebuild rebuild = new ChildRebuild(nexus, child, kind, lacks, settings);
        rebuilds.add(rebuild);
        rebuild.start();
    }

    /** A map of nothing, or of everything. */
    SegmentMap newMap(boolean everything) {
        SegmentMap map = new SegmentMap(nexus.blockCount(), SEGMENT_BYTES >>> nexus.blockShift());
        if (everything) {
            map.markAll();
        }
        return map;
    }

    /**
     * A child is about to be left out: begins to note what it misses, if what it has is known. That is what was not known
     * to be equal, and, if it has a volatile cache or could not flush, what it may not have made durable.
     */
    void beginAbsence(NexusChild child, FaultReason reason) {
        ChildRebuild rebuild = find(child);
        boolean mayForget = child.bdev().hasVolatileCache() || reason == FaultReason.FLUSH_ERROR;
        child.detach();
        if (child.state() == MemberState.SYNCING && (rebuild == null || mayForget)) {
            child.setMissed(null, null);
            return;
        }
        MissedLog log = new MissedLog(nexus.sizeBytes());
        child.setMissed(log, rebuild == null ? newMap(false) : rebuild.lacks());
        if (mayForget) {
            addRegions(log, nexus.dirtyKeeper().storedBits());
        }
        addSuspects(child);
    }

    /** Every channel has left it out: regions may have become suspect until then. */
    void addSuspects(NexusChild child) {
        if (child.missed() != null) {
            DirtyMap map = nexus.dirtyMap();
            long[] words = new long[map.geometry().wordCount()];
            for (int word = 0; word < words.length; word++) {
                words[word] = map.suspect.get(word);
            }
            addRegions(child.missed(), words);
        }
    }

    private void addRegions(MissedLog log, long[] words) {
        forEachRegion(words, log::add);
    }

    private void forEachRegion(long[] words, MissedLog.Ranges ranges) {
        int shift = nexus.dirtyMap().geometry().regionShift();
        for (int word = 0; word < words.length; word++) {
            for (long rest = words[word]; rest != 0; rest &= rest - 1) {
                long from = (long) ((word << 6) + Long.numberOfTrailingZeros(rest)) << shift;
                ranges.onRange(from, Math.min(1L << shift, nexus.sizeBytes() - from));
            }
        }
    }

    /** The last healthy child may have forgotten what it held in these regions: whoever had it from there gets it anew. */
    void onForgotten(long[] words) {
        addToAbsent(words);
        int shift = nexus.blockShift();
        for (ChildRebuild rebuild : rebuilds) {
            forEachRegion(words, (from, length) -> rebuild.lacks().mark(from >>> shift, length >>> shift));
        }
    }

    /** Those that are away get these regions anew. */
    void addToAbsent(long[] words) {
        for (NexusChild child : nexus.children()) {
            if (child.missed() != null) {
                addRegions(child.missed(), words);
            }
        }
    }

    /** What a member lacks that has been away; every channel has handed its log over. */
    SegmentMap lacks(NexusChild away) {
        SegmentMap map = away.lacksBefore();
        int shift = nexus.blockShift();
        away.missed().forEachRange(nexus.sizeBytes(), (from, length) -> map.mark(from >>> shift, length >>> shift));
        return map;
    }

    // --- orders ---------------------------------------------------------------------------------------

    void verify(NexusChild child) {
        NexusChild source = null;
        for (NexusChild other : nexus.children()) {
            if (other != child && other.isUsable() && (source == null || other.index() == nexus.source())) {
                source = other;
            }
        }
        if (find(child) != null || findVerify(child) != null || child.state() != MemberState.HEALTHY) {
            throw OperationException.precondition("child-busy", "child " + child.name()
                    + " is being rebuilt or verified, or is not healthy; wait for that, or bring it online first");
        }
        if (!child.isUsable() || source == null) {
            throw OperationException.precondition("no-healthy-source", "there is no other healthy child to compare child "
                    + child.name() + " with");
        }
        ChildVerify verify = new ChildVerify(nexus, child, source, newMap(true), settings);
        verifies.add(verify);
        verify.start();
    }

    /** What can be ordered for a rebuild, or for a verification but for START. */
    enum Order {
        START, PAUSE, RESUME, STOP
    }

    /** Gives an order to what is under way for a child. */
    void order(NexusChild child, Order order) {
        ChildRebuild rebuild = find(child);
        ChildVerify verify = findVerify(child);
        if (rebuild == null && (verify == null || order == Order.START)) {
            throw OperationException.notFound("rebuild-not-found", "child " + child.name()
                    + " is neither being rebuilt nor verified");
        }
        if ((order == Order.PAUSE || order == Order.RESUME) && rebuild != null && rebuild.isStopped()) {
            throw OperationException.precondition("rebuild-stopped", "the rebuild of child " + child.name()
                    + " was stopped: start it, which goes on from where it was");
        }
        switch (order) {
            case START -> rebuild.startAgain();
            case PAUSE -> {
                if (rebuild != null) {
                    rebuild.pause();
                } else {
                    verify.pause();
                }
            }
            case RESUME -> {
                if (rebuild != null) {
                    rebuild.resume();
                } else {
                    verify.resume();
                }
            }
            case STOP -> {
                if (rebuild != null) {
                    rebuild.stop();
                } else {
                    verify.stop(() -> { });
                }
            }
        }
    }

    void setSettings(RebuildSettings changed) {
        settings = changed;
        rebuilds.forEach(rebuild -> rebuild.setSettings(changed));
        verifies.forEach(verify -> verify.setSettings(changed));
    }

    /** The members have changed. */
    void onMembersChanged() {
        rebuilds.forEach(ChildRebuild::onMembersChanged);
    }

    /** Stops using a child; {@code then} runs when that is so. */
    void stopUsing(NexusChild child, Runnable then) {
        Countdown left = new Countdown(then);
        for (ChildRebuild rebuild : rebuilds) {
            left.add();
            rebuild.stopUsing(child, left::end);
        }
        for (ChildVerify verify : verifies) {
            left.add();
            verify.stopUsing(child, left::end);
        }
        left.end();
    }

    /** Holds all rebuilds until {@link #goOn}, and ends verifications. */
    void suspend(Runnable then) {
        Countdown left = new Countdown(then);
        for (ChildRebuild rebuild : rebuilds) {
            left.add();
            rebuild.suspend(left::end);
        }
        for (ChildVerify verify : verifies) {
            left.add();
            verify.stop(left::end);
        }
        left.end();
    }

    void goOn() {
        rebuilds.forEach(ChildRebuild::goOn);
    }

    /**
     * The nexus is about to be larger, and hosts wait: the new part is lacking wherever something is.
     *
     * @return to be run when every channel has adopted the picture with the new logs
     */
    Runnable grow(long sizeBytes) {
        long from = nexus.sizeBytes();
        long blocks = sizeBytes >>> nexus.blockShift();
        rebuilds.forEach(rebuild -> rebuild.grow(blocks));
        List<Runnable> moves = new ArrayList<>();
        for (NexusChild child : nexus.children()) {
            MissedLog old = child.missed();
            if (old == null) {
                continue;
            }
            MissedLog log = new MissedLog(sizeBytes);
            log.add(from, sizeBytes - from);
            child.setMissed(log, child.lacksBefore().grown(blocks));
            moves.add(() -> old.forEachRange(from, log::add));
        }
        return () -> moves.forEach(Runnable::run);
    }

    /** Ends all of it for good. */
    void close(Runnable then) {
        closed = true;
        Countdown left = new Countdown(then);
        for (ChildRebuild rebuild : rebuilds) {
            left.add();
            rebuild.close(left::end);
        }
        for (ChildVerify verify : verifies) {
            left.add();
            verify.stop(left::end);
        }
        left.end();
    }

    void onOver(ChildRebuild rebuild) {
        rebuilds.remove(rebuild);
    }

    void onOver(ChildVerify verify) {
        verifies.remove(verify);
    }

    private ChildRebuild find(NexusChild child) {
        for (ChildRebuild rebuild : rebuilds) {
            if (rebuild.child() == child) {
                return rebuild;
            }
        }
        return null;
    }

    private ChildVerify findVerify(NexusChild child) {
        for (ChildVerify verify : verifies) {
            if (verify.child() == child) {
                return verify;
            }
        }
        return null;
    }

    // --- views ------------------------------------------------------------------------------------------

    /** Any thread. */
    RebuildHistory history() {
        return history;
    }

    RebuildSettings settings() {
        return settings;
    }

    /** Any thread. */
    List<RebuildStatus> statuses() {
        List<RebuildStatus> list = new ArrayList<>();
        rebuilds.forEach(rebuild -> list.add(rebuild.status()));
        verifies.forEach(verify -> list.add(verify.status()));
        return list;
    }
}
