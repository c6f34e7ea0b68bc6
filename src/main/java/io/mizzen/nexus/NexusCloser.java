package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;

/**
 * Closes a nexus that nobody has open, or that is being shut down while hosts wait: ends background work, flushes the
 * children, clears the dirty bits, and last of all the in-use flag. What fails on the way leaves the children unclean,
 * which the next assembly heals. Home mthread.
 *
 * <pre>
 * STOPPING (sweep, copying) → FLUSHING → CLEARING (dirty pages) → MARKING (not in use) → (ERASING) → RELEASING → done
 * </pre>
 */
final class NexusCloser {
    private enum Step {
        STOPPING, FLUSHING, CLEARING, MARKING, ERASING, RELEASING, DONE
    }

    private final Nexus nexus;
    private final boolean erase;
    private final Completion<Void> done;
    private Step step = Step.STOPPING;
    private boolean unclean;
    private boolean notErased;

    NexusCloser(Nexus nexus, boolean erase, Completion<Void> done) {
        this.nexus = nexus;
        this.erase = erase;
        this.done = done;
    }

    private void setStep(Step next) {
        assert next.ordinal() > step.ordinal();
        step = next;
    }

    void start() {
        nexus.operations().whenQuiet(() -> nexus.tracking().stop(() -> nexus.rebuilds().close(() ->
                nexus.repairs().close(this::flush))));
    }

    private void flush() {
        setStep(Step.FLUSHING);
        flushUsable();
    }

    private void flushUsable() {
        int flushed = nexus.usableMask();
        DirtySweep.flushChildren(nexus, flushed, (okMask, failMask) -> {
            nexus.membership().requestFaults(failMask, FaultReason.FLUSH_ERROR, () -> {
                int usable = nexus.usableMask();
                if ((usable & ~flushed) != 0) {
                    flushUsable();          // A rebuild had ended already when it was told to, and its end is stored now.
                } else if (usable == 0 || (usable & okMask) != usable || nexus.membership().isBlocked()) {
                    unclean = true;         // The last one: its bits and its flag stay set.
                    release();
                } else {
                    clear();
                }
            });
        });
    }

    private void clear() {
        setStep(Step.CLEARING);
        DirtyMap map = nexus.dirtyMap();
        long[] clean = nexus.dirtyKeeper().storedBits();
        for (int word = 0; word < clean.length; word++) {
            clean[word] &= ~map.suspect.get(word);
            DirtyMap.andNot(map.durable, word, clean[word]);
        }
        nexus.dirtyKeeper().clear(clean, this::mark);
    }

    private void mark() {
        setStep(Step.MARKING);
        // Two generations, the first as the last one of use: what is set back into that is told from what a crash left here.
        nexus.membership().requestGeneration(() -> nexus.membership().requestInUse(false, () -> {
            unclean = nexus.membership().stored().inUse();
            if (erase && !unclean) {
                erase();
            } else {
                release();
            }
        }));
    }

    private void erase() {
        setStep(Step.ERASING);
        nexus.membership().close();         // Or a child that goes now would have the record written again.
        MetadataEraser.erase(nexus, nexus.usableMask(), erased -> {
            notErased = !erased;
            release();
        });
    }

    private void release() {
        setStep(Step.RELEASING);
        nexus.dirtyKeeper().whenIdle(this::detach);     // A child that was joining may be given the map still.
    }

    private void detach() {
        nexus.membership().close();
        for (NexusChild child : nexus.children()) {
            child.detach();
        }
        nexus.publishConfig(() -> {
            nexus.operations().closeDetached();
            nexus.operations().whenQuiet(() -> {
                nexus.dirtyKeeper().close();
                setStep(Step.DONE);
                nexus.onClosed();
                finish();
            });
        });
    }

    /** Removes the metadata of a nexus that was shut down before. */
    static void eraseShut(Nexus nexus, Completion<Void> done) {
        int mask = 0;
        boolean missed = false;
        for (NexusChild child : nexus.children()) {
            try {
                Bdev bdev = child.name() == null ? null : nexus.environment().registry().find(child.name());
                if (bdev == null || child.state() != MemberState.HEALTHY) {
                    missed |= child.state() == MemberState.HEALTHY;
                    continue;
                }
                OpenedChild opened = OpenedChild.open(nexus.environment(), bdev, "nexus " + nexus.name());
                Member member = nexus.membership().stored().member(child.memberUuid());
                nexus.childrenTable().hold(new NexusChild(child.index(), member, bdev.name(), bdev.isLocal(), opened));
                mask |= 1 << child.index();
            } catch (OperationException refused) {
                nexus.event("child-not-erased child=" + child.name() + " code=" + refused.code());
                missed = true;
            }
        }
        int opened = mask;
        boolean incomplete = missed;
        MetadataEraser.erase(nexus, mask, erased -> {
            for (int rest = opened; rest != 0; rest &= rest - 1) {
                NexusChild child = nexus.child(Integer.numberOfTrailingZeros(rest));
                child.detach();
                child.whenHomeIdle(child::close);
            }
            if (erased && !incomplete) {
                done.ok(null);
            } else {
                done.fail(notErased(nexus));
            }
        });
    }

    private static OperationException notErased(Nexus nexus) {
        return new OperationException(ErrorKind.UNAVAILABLE, "nexus-not-erased", "nexus " + nexus.name()
                + " is closed, but its metadata could not be removed from every child; wipe them");
    }

    private void finish() {
        if (unclean) {
            done.fail(new OperationException(ErrorKind.UNAVAILABLE, "nexus-closed-unclean", "nexus " + nexus.name()
                    + " is closed, but its children could not be marked clean; the next assembly makes them equal"));
        } else if (notErased) {
            done.fail(notErased(nexus));
        } else {
            done.ok(null);
        }
    }
}
