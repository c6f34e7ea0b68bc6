package io.mizzen.lvs;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.Descriptor;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;

/**
 * What a pool does when its device goes away: it is FAULTED, its volumes' bdevs are unregistered so that whoever has them
 * open closes them. The pool stays listed until it is exported. A larger device is used from the next growth on.
 */
final class StoreListener implements Descriptor.Listener {
    private LvStore store;
    private boolean removed;

    void attach(LvStore newStore) {
        store = newStore;
        if (removed) {
            onRemoved(store.device().descriptor().bdev());
        }
    }

    @Override
    public void onRemoved(Bdev bdev) {
        removed = true;
        if (store == null) {
            return;   // Still being read: its I/O fails and the load with it.
        }
        store.fault(new OperationException(ErrorKind.UNAVAILABLE, "pool-device-removed",
                "device " + bdev.name() + " under pool " + store.name() + " is gone"));
        for (Lvol lvol : store.lvols()) {
            LvolBdev lvolBdev = lvol.bdev();
            if (lvolBdev != null) {
                lvol.bdev(null);
                lvol.unusable("the device under the pool is gone");
                store.closing();
                store.registry().unregister(lvolBdev, (value, failure) -> store.closed());
            }
        }
    }

    @Override
    public void onResized(Bdev bdev) {
        // The pool keeps the size that its super block says.
    }
}
