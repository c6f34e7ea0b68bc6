package io.mizzen.nvme.pcie;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.pci.PciDevice;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;

/**
 * The interrupt by wire that all completion queues of a controller share, where its device has no vectors (PCIe transport
 * 1.0, section 3.5.1). The wire is off, until a pair that has nothing to do but to wait asks for it; the next interrupt, whosever
 * it is, switches it off again and wakes all that asked. Since the wire is held as long as a completion is not consumed, none is
 * missed in between. Admin reactor, unless a method says otherwise.
 */
final class WireInterrupt {
    private static final int COUNT_BYTES = 4;

    private final PciDevice device;
    private final Mthread admin;
    private final List<Waker> wakers = new ArrayList<>();
    private final boolean wanted;
    private boolean watched;
    private boolean enabled;

    WireInterrupt(PciDevice device, Mthread admin, boolean wanted) {
        this.device = device;
        this.admin = admin;
        this.wanted = wanted && device.interruptVectors() == 0 && device.wireFd() >= 0 && admin.reactor().fdWatcher() != null;
    }

    /** Whether there is one to wait for: it is watched. */
    boolean works() {
        return watched;
    }

    void begin() {
        watched = wanted && admin.reactor().fdWatcher().watch(device.wireFd(), this::onReadable);
    }

    /** The descriptor may be closed afterwards. */
    void end() {
        if (watched) {
            watched = false;
            admin.reactor().fdWatcher().unwatch(device.wireFd());
        }
    }

    /** Wakes a pair of that reactor; made once for each. */
    PairWaker waker(Reactor reactor) {
        Waker waker = new Waker(reactor);
        wakers.add(waker);
        return waker;
    }

    private void onReadable(int fd) {
        long result = Libc.read(fd, PairFlusher.of(admin.reactor()).scratch(), COUNT_BYTES);
        if (result == -Errno.EAGAIN) {
            return;                     // Told twice: one read takes several interrupts, as a neighbour on the line causes them.
        }
        if (result != COUNT_BYTES) {
            end();                      // The device is gone; its registers will say so.
            return;
        }
        enabled = false;
        for (Waker waker : wakers) {
            waker.wake();
        }
    }

    private final class Waker extends PairWaker {
        private final Reactor reactor;
        private final Message question = new Message() {
            @Override
            public void run() {
                waits = true;
                if (!enabled && watched) {
                    enabled = true;
                    device.enableWire();
                }
            }
        };
        private final Message answer = new Message() {
            @Override
            public void run() {
                asked = false;
                onInterrupt();
            }
        };
        /** On the admin reactor. */
        private boolean waits;
        /** On the pair's: the question is on its way, or not answered yet. */
        private boolean asked;

        Waker(Reactor reactor) {
            this.reactor = reactor;
        }

        private void wake() {
            if (waits) {
                waits = false;
                reactor.mthread().send(answer, admin.reactor());
            }
        }

        @Override
        int vector() {
            return 0;
        }

        @Override
        boolean needsHeads() {
            return true;
        }

        @Override
        void ask() {
            if (!asked) {
                asked = true;
                admin.send(question, reactor);
            }
        }

        @Override
        void stopAsking() {
            // An answer that still comes finds nobody who waits.
        }
    }
}
