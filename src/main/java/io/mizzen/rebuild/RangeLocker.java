package io.mizzen.rebuild;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.RangeLock;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;

/** How a job keeps hosts from writing where it copies. A port, so that tests can show what goes wrong without it. */
interface RangeLocker {
    void lock(long offsetBlocks, long blockCount, Completion<RangeLock> granted);

    void unlock(RangeLock lock, Completion<Void> done);

    /** The volume's own locks, over all its channels. */
    static RangeLocker of(Bdev volume, Mthread home) {
        return new RangeLocker() {
            @Override
            public void lock(long offsetBlocks, long blockCount, Completion<RangeLock> granted) {
                volume.lockRange(offsetBlocks, blockCount, false, home, granted);
            }

            @Override
            public void unlock(RangeLock lock, Completion<Void> done) {
                volume.unlockRange(lock, home, done);
            }
        };
    }
}
