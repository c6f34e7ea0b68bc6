package io.mizzen.lvs;

import java.util.UUID;

/**
 * The moment of a snapshot that others share, of volumes in other pools: whoever has them taken holds writes back from before
 * until all of them have it. Control reactor.
 */
public interface SnapshotMoment {
    /** That of one snapshot alone. */
    SnapshotMoment OWN = new SnapshotMoment() {
        @Override
        public UUID id() {
            return null;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void onPassed() {
            return;             // Nobody waits for it.
        }
    };

    /** Kept with the snapshot: what those that share the moment, and no others, have in common. Null: nobody shares it. */
    UUID id();

    /**
     * Asked once, before anything changes on disk. False: the snapshot is refused with {@code snapshot-too-late}. True: writes
     * are held back until it has the moment, or has failed.
     */
    boolean isOpen();

    /** The snapshot has it: what is written from now on is not in it. */
    void onPassed();
}
