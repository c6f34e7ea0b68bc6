package io.mizzen.sim;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the hosts of a volume know of it, across crashes: for each block the values that it may hold. A read returns the last
 * acknowledged value or one of a write in flight or given up since; once returned with no write in flight, a value stays.
 * Values are stamps: 0 is zeroes, any other names one write. Hosts never overlap their writes.
 */
final class History {
    private final List<Set<Long>> possible = new ArrayList<>();
    private final List<Set<Long>> afterCrash = new ArrayList<>();
    /** Every value whose write has begun, in order. */
    private final List<List<Long>> begun = new ArrayList<>();
    /** What a block could hold before a read settled it while legs may differ: comes back if its source is lost. */
    private final Map<Integer, Set<Long>> unsettled = new HashMap<>();
    private boolean[] writing;
    private final boolean volatileCache;
    /** What blocks may hold since the cache of the last leg was lost, for reads that began before. */
    private final Map<Integer, Set<Long>> lost = new HashMap<>();
    private int losses;
    private boolean sourceLost;
    private long nextStamp = 1;
    private long readsChecked;

    /** @param volatileCache whether acknowledged writes may be lost at a power failure before a flush */
    History(long blocks, boolean volatileCache) {
        this.volatileCache = volatileCache;
        writing = new boolean[(int) blocks];
        for (int i = 0; i < blocks; i++) {
            possible.add(new HashSet<>(Set.of(0L)));
            afterCrash.add(new HashSet<>(Set.of(0L)));
            begun.add(new ArrayList<>());
        }
    }

    /** The volume is larger; the new part was never written. */
    void grow(int blocks) {
        for (int i = writing.length; i < blocks; i++) {
            possible.add(new HashSet<>(Set.of(0L)));
            afterCrash.add(new HashSet<>(Set.of(0L)));
            begun.add(new ArrayList<>());
        }
        writing = java.util.Arrays.copyOf(writing, blocks);
    }

    /** The last healthy leg was pulled out and is back: what was not durable may be lost, as when the power fails. */
    void onCacheLost() {
        if (volatileCache) {
            losses++;
            for (int i = 0; i < writing.length; i++) {
                possible.get(i).addAll(afterCrash.get(i));
                lost.computeIfAbsent(i, block -> new HashSet<>()).addAll(afterCrash.get(i));
            }
        }
    }

    /** How often the cache of the last leg was lost. */
    int losses() {
        return losses;
    }

    int blocks() {
        return writing.length;
    }

    long readsChecked() {
        return readsChecked;
    }

    long nextStamp() {
        return nextStamp++;
    }

    /** Before the first write: blocks hold what one of the legs held. */
    void hold(Set<Long> stamps) {
        for (int i = 0; i < writing.length; i++) {
            possible.set(i, new HashSet<>(stamps));
            afterCrash.set(i, new HashSet<>(stamps));
        }
    }

    boolean isWriting(long lba, long count) {
        for (long i = lba; i < lba + count; i++) {
            if (writing[(int) i]) {
                return true;
            }
        }
        return false;
    }

    void beginWrite(long lba, long count, long stamp) {
        for (int block = (int) lba; block < lba + count; block++) {
            writing[block] = true;
            possible.get(block).add(stamp);
            afterCrash.get(block).add(stamp);
            begun.get(block).add(stamp);
            unsettled.remove(block);
        }
    }

    /**
     * The write was acknowledged: the blocks hold it, and durably if it was so ordered or nothing is volatile.
     *
     * @param lossesBefore {@link #losses} when it was sent
     */
    void acknowledge(long lba, long count, long stamp, boolean forcedUnitAccess, int lossesBefore) {
        for (int block = (int) lba; block < lba + count; block++) {
            writing[block] = false;
            possible.set(block, new HashSet<>(Set.of(stamp)));
            if (!volatileCache || forcedUnitAccess) {
                afterCrash.set(block, new HashSet<>(Set.of(stamp)));
            } else if (losses != lossesBefore) {
                possible.get(block).addAll(afterCrash.get(block));      // It may have been lost before we heard of it.
            }
        }
    }

    /** The write ended without a promise: it failed, or was a hint. It may have happened or not. */
    void giveUp(long lba, long count) {
        for (int block = (int) lba; block < lba + count; block++) {
            writing[block] = false;
        }
    }

    /** A read that begins now. */
    Read beginRead(long lba, int count) {
        return new Read(lba, count);
    }

    /** What a read may return, from what was possible when it began and what was written since. */
    final class Read {
        private final long lba;
        private final List<Set<Long>> atStart = new ArrayList<>();
        private final int[] begunAt;
        private final boolean[] quiet;
        private final int lossesBefore = losses;

        private Read(long lba, int count) {
            this.lba = lba;
            begunAt = new int[count];
            quiet = new boolean[count];
            for (int i = 0; i < count; i++) {
                // Reads side by side may end in any order: what one of them fixes is no news to the other.
                atStart.add(new HashSet<>(possible.get((int) lba + i)));
                // A write that is under way may end during the read: it can settle nothing.
                begunAt[i] = begun.get((int) lba + i).size();
                quiet[i] = !writing[(int) lba + i];
            }
        }

        /**
         * Checks what the read returned.
         *
         * @param legsMayDiffer whether the mirror is still being made equal
         * @param sourceMayFail whether the leg that has the say until then may have failed meanwhile
         */
        void check(byte[] data, int blockBytes, boolean legsMayDiffer, boolean sourceMayFail) {
            for (int i = 0; i < begunAt.length; i++) {
                int block = (int) lba + i;
                long stamp = Stamps.of(data, i * blockBytes, blockBytes, block);
                List<Long> log = begun.get(block);
                Checks.require(atStart.get(i).contains(stamp) || log.subList(begunAt[i], log.size()).contains(stamp)
                                || losses != lossesBefore && lost.getOrDefault(block, Set.of()).contains(stamp)
                                || (sourceLost || sourceMayFail) && unsettled.getOrDefault(block, Set.of()).contains(stamp),
                        () -> "history: a read returns " + stamp + ": " + describe(block));
                if (log.size() == begunAt[i] && quiet[i]) {
                    settle(block, stamp, legsMayDiffer);
                }
            }
            readsChecked++;
        }
    }

    private void settle(int block, long stamp, boolean legsMayDiffer) {
        Set<Long> may = possible.get(block);
        if (may.size() > 1 && !(legsMayDiffer && sourceLost)) {
            if (legsMayDiffer) {
                unsettled.putIfAbsent(block, new HashSet<>(may));
            }
            may.retainAll(Set.of(stamp));
        }
    }

    /**
     * The leg that answered while legs differed is lost: another one, equally entitled, may answer otherwise where nothing
     * has been acknowledged since.
     */
    void onSourceLost() {
        sourceLost = true;
        unsettled.forEach((block, may) -> possible.set(block, new HashSet<>(may)));
    }

    /** The legs are equal. */
    void onLegsEqual() {
        sourceLost = false;
        unsettled.clear();
    }

    /** A flush begins now: what it will have made durable, once it has succeeded, is what the result does. */
    Runnable beginFlush() {
        List<Set<Long>> now = new ArrayList<>();
        int[] begunAt = new int[writing.length];
        int lossesBefore = losses;
        for (int i = 0; i < writing.length; i++) {
            now.add(possible.get(i).size() == 1 && afterCrash.get(i).size() == 1 ? null : Set.copyOf(possible.get(i)));
            begunAt[i] = begun.get(i).size();
        }
        return () -> {
            for (int i = 0; i < begunAt.length && losses == lossesBefore; i++) {
                if (now.get(i) != null) {
                    Set<Long> may = new HashSet<>(now.get(i));
                    may.addAll(begun.get(i).subList(begunAt[i], begun.get(i).size()));
                    may.retainAll(afterCrash.get(i));
                    afterCrash.set(i, may);
                }
            }
        };
    }

    /** Power failed. Writes that are not acknowledged go on: their hosts will send them again. */
    void crash() {
        onLegsEqual();
        for (int i = 0; i < writing.length; i++) {
            possible.set(i, new HashSet<>(afterCrash.get(i)));
        }
    }

    /** Whether the block may hold this value now. */
    boolean mayHold(int block, long stamp) {
        return possible.get(block).contains(stamp);
    }

    String describe(int block) {
        return "block " + block + " may hold " + possible.get(block) + ", after a crash " + afterCrash.get(block)
                + ", last begun " + begun.get(block).stream().skip(Math.max(0, begun.get(block).size() - 4)).toList()
                + (writing[block] ? ", being written" : "");
    }

    /** Nobody writes any more. */
    boolean isQuiet() {
        for (boolean one : writing) {
            if (one) {
                return false;
            }
        }
        return true;
    }

}
