package io.mizzen.nvme.pcie;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.HotPath;

/**
 * A namespace's channel on an mthread: the reactor's queue pair, or, where the controller has fewer pairs than there are
 * reactors, the way to another reactor's and back by message.
 */
final class NvmeChannel extends IoChannel {
    private final IoQueuePair pair;
    private final boolean local;
    private Remote freeRemotes;

    NvmeChannel(NvmeBdev bdev, Mthread mthread, IoQueuePair pair) {
        super(bdev, mthread);
        this.pair = pair;
        this.local = pair.reactor() == mthread.reactor();
    }

    @Override
    @HotPath
    protected void doSubmit(BdevIo io) {
        if (local) {
            pair.submit(io);
            return;
        }
        Remote remote = freeRemotes == null ? newRemote() : freeRemotes;
        freeRemotes = remote.nextFree;
        remote.io = io;
        io.driverContext = remote;
        pair.reactor().mthread().send(remote, mthread().reactor());
    }

    /** Kept from then on: there are as many as I/Os were in flight at one time. */
    private Remote newRemote() {
        return new Remote();
    }

    @Override
    protected boolean takesHandedDown() {
        return true;
    }

    /** Carries an I/O to the pair's reactor and back: the message is one reactor's at a time, and so is the I/O. */
    final class Remote extends Message {
        private Remote nextFree;
        private BdevIo io;
        private int status;
        private boolean returning;

        @Override
        @HotPath
        public void run() {
            if (!returning) {
                pair.submit(io);
                return;
            }
            BdevIo done = io;
            io = null;
            done.driverContext = null;
            returning = false;
            nextFree = freeRemotes;
            freeRemotes = this;
            done.complete(status);
        }

        /** The I/O has ended; on the pair's reactor. */
        @HotPath
        void giveBack(int newStatus) {
            status = newStatus;
            returning = true;
            mthread().send(this, pair.reactor());
        }
    }
}
