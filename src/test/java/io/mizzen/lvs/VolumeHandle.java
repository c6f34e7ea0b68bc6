package io.mizzen.lvs;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.testsupport.HandReactors;

/** An open volume with a channel on one hand-driven reactor. */
class VolumeHandle {
    private static final int SECTOR_SHIFT = 9;

    static final Descriptor.Listener NO_LISTENER = new Descriptor.Listener() {
        @Override
        public void onRemoved(Bdev bdev) {
            throw new AssertionError("not expected: " + bdev + " removed");
        }

        @Override
        public void onResized(Bdev bdev) {
            return;
        }
    };

    /** An I/O under way. */
    static final class Pending {
        boolean ended;
        int status;
    }

    final Bdev bdev;
    final int reactorIndex;
    final IoChannel channel;
    private final HandReactors hand;
    private final Descriptor descriptor;

    VolumeHandle(HandReactors hand, BdevRegistry registry, Bdev bdev, int reactorIndex) {
        this.hand = hand;
        this.bdev = bdev;
        this.reactorIndex = reactorIndex;
        descriptor = hand.call(0, () -> registry.open(bdev, "test", false, NO_LISTENER));
        channel = hand.call(reactorIndex, () -> descriptor.openChannel(hand.reactor(reactorIndex).mthread()));
    }

    Pending submit(int type, long atBytes, long sizeBytes, long address, int flags) {
        Pending pending = new Pending();
        hand.on(reactorIndex, () -> {
            BdevIo io = channel.tryAcquire();
            int shift = bdev.blockShift();
            io.prepare(type, atBytes >>> shift, sizeBytes >>> shift, IoType.hasData(type) ? address : 0, -1, ended -> {
                pending.status = ended.status();
                pending.ended = true;
                ended.release();
            });
            io.flags |= flags;
            channel.submit(io);
        });
        return pending;
    }

    /** The same in sectors of 512 bytes. */
    Pending submitSectors(int type, long firstSector, long sectors, long address, int flags) {
        return submit(type, firstSector << SECTOR_SHIFT, sectors << SECTOR_SHIFT, address, flags);
    }

    void close() {
        hand.on(reactorIndex, channel::close);
        hand.on(0, descriptor::close);
    }
}
