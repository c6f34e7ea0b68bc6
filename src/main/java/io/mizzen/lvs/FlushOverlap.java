package io.mizzen.lvs;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.FlushLedger;
import io.mizzen.bdev.IoQueue;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Timer;

/**
 * A volume's flushes on one channel, and its writes with FUA where these end with a flush, that have succeeded while flushes of
 * others were under way: they end once those have, since one of them may have been told of the loss ({@link FlushLedger}). Only
 * those wait that overlap, and no longer than the device takes for the others. Channel's reactor.
 *
 * <p>In the I/O: {@code driverLong}, {@code driverLong2} = the ledger's marks.
 */
final class FlushOverlap extends Timer {
    private final LvolBdev volume;
    private final FlushLedger ledger;
    private final Reactor reactor;
    private final IoQueue waiting = new IoQueue();
    private long sinceNs;

    FlushOverlap(LvolBdev volume, FlushLedger ledger, Reactor reactor) {
        this.volume = volume;
        this.ledger = ledger;
        this.reactor = reactor;
    }

    /** An I/O that is in flight, all of whose parts have ended well. */
    void add(BdevIo io) {
        io.driverLong = ledger.mark(0);
        io.driverLong2 = ledger.mark(1);
        ledger.haveEnded(io.driverLong, io.driverLong2);
        waiting.add(io);
        if (!isArmed()) {
            sinceNs = reactor.nowNs();
            reactor.arm(this, FlushLedger.pollNs(0));
        }
    }

    /** Those that came later wait for no fewer. */
    @Override
    protected void onTimer(long nowNs) {
        for (BdevIo io = waiting.peek(); io != null && ledger.haveEnded(io.driverLong, io.driverLong2); io = waiting.peek()) {
            waiting.poll();
            sinceNs = nowNs;
            io.complete(volume.flushOutcome(io));
        }
        if (!waiting.isEmpty() && !isArmed()) {
            reactor.arm(this, FlushLedger.pollNs(nowNs - sinceNs));
        }
    }

    boolean isIdle() {
        return waiting.isEmpty();
    }
}
