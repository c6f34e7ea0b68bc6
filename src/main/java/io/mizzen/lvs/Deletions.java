package io.mizzen.lvs;

import io.mizzen.reactor.Timer;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The deletions under way in a pool, some of which nobody asked for just now: a discarded snapshot goes by itself when one
 * volume reads from it. A change that one of them stands in the way of waits until it does not any more, and comes before the
 * next that goes by itself; after {@link #WAIT_NS_MAX} it is refused. Nothing of a change that waits is on the disk. Control
 * reactor only.
 */
final class Deletions {
    /** So long a change waits at most, all deletions before it together. */
    static final long WAIT_NS_MAX = 10_000_000_000L;

    private final LvStore store;
    private final Set<Lvol> underWay = new HashSet<>();
    private final List<Waiter> waiters = new ArrayList<>();
    private boolean awake;
    private Consumer<Lvol> onGone = lvol -> { };

    /** A change that has not begun. */
    private final class Waiter extends Timer {
        private final Supplier<OperationException> attempt;
        private final Consumer<OperationException> refused;
        private OperationException refusal;

        Waiter(OperationException refusal, Supplier<OperationException> attempt, Consumer<OperationException> refused) {
            this.refusal = refusal;
            this.attempt = attempt;
            this.refused = refused;
        }

        @Override
        protected void onTimer(long nowNs) {
            waiters.remove(this);
            store.closed();
            refused.accept(refusal);
            removeDiscarded();
        }
    }

    Deletions(LvStore store) {
        this.store = store;
    }

    /** The volume is busy with its deletion, and so may be its clone. */
    void begun(Lvol lvol) {
        underWay.add(lvol);
    }

    /** The volume is gone, or was left as it is; its clusters may still be being given back. */
    void ended(Lvol lvol) {
        if (!underWay.remove(lvol)) {
            return;
        }
        if (store.findLvol(lvol.name()) != lvol) {
            onGone.accept(lvol);
        }
        if (!waiters.isEmpty() && !awake) {
            awake = true;
            store.mthread().send(this::tryAgain);       // In a later turn: who ends it has more to do.
        }
    }

    /**
     * Lets a change wait that was refused because a volume is busy.
     *
     * @param attempt begins it; the refusal, or null when it has begun
     * @param refused learns of a refusal later
     * @return false: nothing that is under way will let it go on, or too many wait
     */
    boolean await(OperationException refusal, Supplier<OperationException> attempt, Consumer<OperationException> refused) {
        if (!isForADeletion(refusal) || waiters.size() >= MetadataQueue.COMMANDS_MAX) {
            return false;
        }
        Waiter waiter = new Waiter(refusal, attempt, refused);
        waiters.add(waiter);
        store.closing();
        store.mthread().reactor().arm(waiter, WAIT_NS_MAX);
        return true;
    }

    /** It may be another change that the volume is busy with: then it is refused as soon as no deletion is under way. */
    private boolean isForADeletion(OperationException refusal) {
        return refusal.code().equals(Lvol.CODE_BUSY) && !underWay.isEmpty();
    }

    private void tryAgain() {
        awake = false;
        for (Waiter waiter : List.copyOf(waiters)) {
            OperationException refusal = waiter.attempt.get();
            if (refusal != null && isForADeletion(refusal)) {
                waiter.refusal = refusal;
                continue;
            }
            waiters.remove(waiter);
            store.mthread().reactor().cancel(waiter);
            store.closed();
            if (refusal != null) {
                waiter.refused.accept(refusal);
            }
        }
        removeDiscarded();
    }

    /** Who is told of volumes that are gone. */
    void onGone(Consumer<Lvol> listener) {
        onGone = listener;
    }

    /** The next snapshot that was deleted while it had several clones goes, if it can; changes that wait come before it. */
    void removeDiscarded() {
        Lvol discarded = waiters.isEmpty() && store.refusal() == null ? nextDiscarded() : null;
        if (discarded != null) {
            store.destroyLvol(discarded, (nothing, failure) -> { });    // Tried again after the next change, or at import.
        }
    }

    private Lvol nextDiscarded() {
        for (Lvol lvol : store.lvols()) {
            boolean can = lvol.usable() && !lvol.busy() && lvol.snapshot() && lvol.clones().size() <= 1
                    && lvol.bdev() != null && !lvol.bdev().isOpen()
                    && lvol.clones().stream().allMatch(clone -> clone.usable() && !clone.busy()
                    && !SnapshotRemoval.hidesWhatIsAbove(lvol, clone));
            if (can && lvol.snapshotInfo().discarded()) {
                return lvol;
            }
        }
        return null;
    }
}
