package io.mizzen.nexus;

import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.function.Consumer;

/**
 * Makes a nexus larger while hosts use it; they wait for a moment. The dirty map for the new size is on every child, and
 * the new size is stored, before hosts see it. What lies in the new part of the children is not known to be equal: it is
 * made so like what may differ after a crash. Home mthread.
 *
 * <pre>
 * PAUSING (hosts) → STOPPING (sweep, copying) → MAPPING (the map's pages) → STORING → SPREADING (all channels) → DONE
 *                                                   └── failed ────────────┴→ RESTORING (the old pages) → DONE
 * </pre>
 */
final class NexusResizer {
    private enum Step {
        PAUSING, STOPPING, MAPPING, STORING, SPREADING, RESTORING, DONE
    }

    private final Nexus nexus;
    private final long sizeBytes;
    private final Completion<Void> done;
    private Step step = Step.PAUSING;
    private DirtyTracking before;
    private DirtyTracking next;
    private NexusMetadata planned;
    private long[] bits;

    NexusResizer(Nexus nexus, long sizeBytes, Completion<Void> done) {
        this.nexus = nexus;
        this.sizeBytes = sizeBytes;
        this.done = done;
    }

    private void setStep(Step following) {
        assert following.ordinal() > step.ordinal();
        step = following;
    }

    /** Begins; throws what is refused. */
    void start() {
        if (sizeBytes == nexus.sizeBytes()) {
            done.ok(null);
            return;
        }
        if (sizeBytes < nexus.sizeBytes()) {
            throw OperationException.invalid("nexus-shrink-refused", "nexus " + nexus.name() + " has "
                    + nexus.sizeBytes() + " bytes and cannot become smaller: " + sizeBytes);
        }
        check();
        nexus.pause(nexus.home(), (paused, none) -> {
            setStep(Step.STOPPING);
            before = nexus.tracking();
            before.stop(() -> nexus.rebuilds().suspend(() -> nexus.repairs().suspend(() ->
                    before.keeper().whenIdle(this::map))));
        });
    }

    private void check() {
        nexus.label().checkSize(sizeBytes, nexus.blockSizeBytes());
        List<String> small = new ArrayList<>();
        for (NexusChild child : nexus.children()) {
            if (child.isAttached() && nexus.label().usableBytes(child.bdev().sizeBytes(), nexus.blockSizeBytes())
                    < sizeBytes) {
                small.add(child.name() + " (" + child.bdev().sizeBytes() + " bytes)");
            }
        }
        if (!small.isEmpty()) {
            throw OperationException.precondition("child-too-small", "nexus " + nexus.name() + " of " + sizeBytes
                    + " bytes needs children of at least "
                    + nexus.label().childBytesNeeded(sizeBytes, nexus.blockSizeBytes()) + " bytes; too small: "
                    + String.join(", ", small) + "; resize them first");
        }
        if (nexus.usableMask() == 0 || nexus.membership().isBlocked()) {
            throw OperationException.precondition("no-healthy-child", "nexus " + nexus.name()
                    + " has no healthy child now to store its size on; bring one back first");
        }
    }

    // --- the map of the new size -------------------------------------------------------------------

    private void map() {
        try {
            check();
        } catch (OperationException refusal) {
            finish(refusal);        // A child left or shrank while hosts were made to wait.
            return;
        }
        setStep(Step.MAPPING);
        NexusMetadata stored = nexus.membership().stored();
        DirtyGeometry old = before.map().geometry();
        int shift = DirtyGeometry.chooseShift(sizeBytes, old.regionShift());
        int epoch = shift == old.regionShift() ? stored.dirtyEpoch() : stored.dirtyEpoch() + 1;
        planned = stored.resized(sizeBytes, shift, epoch);
        DirtyGeometry geometry = new DirtyGeometry(sizeBytes, nexus.blockSizeBytes(), shift);
        bits = grown(before.keeper().storedBits(), old, geometry, true);
        next = nexus.newTracking(geometry, epoch, bits, before.keeper().sequence());
        next.markSuspect(grown(suspects(), old, geometry, true));
        writePages(next.keeper(), geometry, shift == old.regionShift() ? old.pageCount() - 1 : 0, bits, written -> {
            if (written) {
                store();
            } else {
                restore(OperationException.internal("nexus-metadata-not-stored", "nexus " + nexus.name()
                        + ": the map of the new size could not be stored; check the devices"));
            }
        });
    }

    private long[] suspects() {
        long[] words = new long[before.map().geometry().wordCount()];
        for (int word = 0; word < words.length; word++) {
            words[word] = before.map().suspect.get(word);
        }
        return words;
    }

    /** Bits of the old map in the new one; what the old one did not cover is marked, if asked. */
    static long[] grown(long[] words, DirtyGeometry old, DirtyGeometry geometry, boolean marksNew) {
        long[] result = new long[geometry.wordCount()];
        int coarser = geometry.regionShift() - old.regionShift();
        for (int word = 0; word < words.length; word++) {
            for (long rest = words[word]; rest != 0; rest &= rest - 1) {
                int region = (word << 6) + Long.numberOfTrailingZeros(rest) >>> coarser;
                result[region >>> 6] |= 1L << region;
            }
        }
        if (marksNew) {
            for (int region = geometry.regionOf(old.sizeBytes()); region < geometry.regionCount(); region++) {
                result[region >>> 6] |= 1L << region;
            }
        }
        return result;
    }

    /** Writes pages from one on to every child that writes go to; those that fail are faulted. */
    private void writePages(DirtyKeeper keeper, DirtyGeometry geometry, int page, long[] words, Consumer<Boolean> then) {
        if (page == geometry.pageCount()) {
            then.accept(true);
            return;
        }
        keeper.writePage(page, words, nexus.attachedMask(), (okMask, failMask) ->
                nexus.membership().requestFaults(failMask, FaultReason.METADATA_ERROR, () -> {
                    nexus.cacheLoss().onWriteThroughFailed(failMask);
                    int usable = nexus.usableMask();
                    if (usable == 0 || (okMask & usable) != usable) {
                        then.accept(false);
                    } else {
                        writePages(keeper, geometry, page + 1, words, then);
                    }
                }));
    }

    // --- storing ----------------------------------------------------------------------------------------

    private void store() {
        setStep(Step.STORING);
        nexus.membership().request(new MemberChange() {
            @Override
            OperationException check() {
                return null;
            }

            @Override
            void edit(SortedMap<Integer, Member> members) {
                // They stay who they are.
            }

            @Override
            NexusMetadata edit(NexusMetadata generation) {
                return generation.resized(planned.sizeBytes(), planned.regionShift(), planned.dirtyEpoch());
            }

            @Override
            void take() {
                nexus.event("nexus-resized bytes=" + sizeBytes);
            }

            @Override
            void done(OperationException failure) {
                if (failure != null) {
                    restore(failure);
                } else {
                    spread();
                }
            }
        });
    }

    /** Nobody has anything in flight: the picture with the other map, and other logs, is adopted by all. */
    private void spread() {
        setStep(Step.SPREADING);
        nexus.setTracking(next);
        Runnable logsMoved = nexus.rebuilds().grow(sizeBytes);
        nexus.growTo(sizeBytes);                // Hosts are told now; what they send waits.
        nexus.publishConfig(() -> {
            logsMoved.run();
            finish(null);
        });
    }

    /** The children's pages may be those of the new size: the old ones again, as far as that goes. */
    private void restore(OperationException failure) {
        setStep(Step.RESTORING);
        writePages(before.keeper(), before.map().geometry(), 0, before.keeper().storedBits(), written -> {
            if (!written) {
                nexus.event("map-not-restored");
            }
            finish(failure);
        });
    }

    private void finish(OperationException failure) {
        setStep(Step.DONE);
        if (failure != null) {
            // The old parts have ended for good; the same map goes on with new ones.
            next = nexus.newTracking(before.map().geometry(), nexus.membership().stored().dirtyEpoch(),
                    before.keeper().storedBits(), before.keeper().sequence());
            next.markSuspect(suspects());
            nexus.setTracking(next);
        }
        nexus.publishConfig(() -> {
            next.start();
            nexus.rebuilds().goOn();
            nexus.repairs().goOn();
            nexus.resume(nexus.home(), (resumed, none) -> done.complete(null, failure));
        });
    }
}
