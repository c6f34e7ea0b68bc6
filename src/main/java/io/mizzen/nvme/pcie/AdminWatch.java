package io.mizzen.nvme.pcie;

import io.mizzen.ffi.Libc;
import io.mizzen.pci.PciDevice;
import io.mizzen.reactor.FdWatcher;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Poller;
import io.mizzen.reactor.Timer;

/**
 * When a controller is looked at: its admin queue every turn that the reactor takes anyway, its registers and deadlines by
 * a timer that is quick while something is awaited and slow else; and at once when an interrupt or the system calls.
 * Admin reactor.
 */
final class AdminWatch {
    private static final long BUSY_PERIOD_NS_MIN = 500_000;
    private static final long BUSY_PERIOD_NS_MAX = 20_000_000;
    private static final long IDLE_PERIOD_NS = 250_000_000;

    private final NvmeController controller;
    private final AdminQueue queue;
    private final Mthread admin;
    private final int interruptFd;
    private final int removalFd;
    private final WatchTimer timer = new WatchTimer();
    private Poller poller;
    private boolean quick;
    private long quickSinceNs;
    private boolean ended;

    AdminWatch(NvmeController controller, AdminQueue queue, Mthread admin, PciDevice device, boolean interrupts) {
        this.controller = controller;
        this.queue = queue;
        this.admin = admin;
        boolean watches = admin.reactor().fdWatcher() != null;
        this.interruptFd = watches && interrupts && device.interruptVectors() > 0 ? device.interruptFd(0) : -1;
        this.removalFd = watches ? device.removalFd() : -1;
    }

    void begin() {
        poller = admin.addPoller("nvme admin queue", 0, nowNs -> queue.poll());
        FdWatcher watcher = admin.reactor().fdWatcher();
        if (interruptFd >= 0) {
            watcher.watch(interruptFd, this::drain);
        }
        if (removalFd >= 0) {
            watcher.watch(removalFd, fd -> {
                drain(fd);
                controller.onRemovalRequest();
            });
        }
        arm();
    }

    void end() {
        ended = true;
        admin.removePoller(poller);
        admin.reactor().cancel(timer);
        FdWatcher watcher = admin.reactor().fdWatcher();
        if (interruptFd >= 0) {
            watcher.unwatch(interruptFd);
        }
        if (removalFd >= 0) {
            watcher.unwatch(removalFd);
        }
    }

    /** Something is awaited from now on. */
    void hurry() {
        if (!quick && !ended) {
            admin.reactor().cancel(timer);
            arm();
        }
    }

    /** What takes long is looked at less often: late by an eighth of its time. */
    private void arm() {
        boolean wasQuick = quick;
        quick = controller.isBusy();
        long nowNs = admin.reactor().nowNs();
        if (quick && !wasQuick) {
            quickSinceNs = nowNs;
        }
        admin.reactor().arm(timer, quick
                ? Math.clamp((nowNs - quickSinceNs) / 8, BUSY_PERIOD_NS_MIN, BUSY_PERIOD_NS_MAX) : IDLE_PERIOD_NS);
    }

    private void drain(int fd) {
        Libc.read(fd, PairFlusher.of(admin.reactor()).scratch(), 8);
    }

    private final class WatchTimer extends Timer {
        @Override
        protected void onTimer(long nowNs) {
            controller.tick(nowNs);
            if (!ended && !isArmed()) {
                arm();
            }
        }
    }
}
