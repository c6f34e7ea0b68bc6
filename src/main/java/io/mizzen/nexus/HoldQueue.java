package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.FlushLedger;
import io.mizzen.bdev.IoQueue;
import io.mizzen.bdev.IoType;
import io.mizzen.reactor.Message;
import io.mizzen.util.HotPath;

/**
 * Changing commands of one channel that failed on some child: they wait until the home mthread has stored the failures
 * or refused them, and that long count as under way if they flush ({@link FlushLedger}). One report is under way at a time; what fails meanwhile goes into the next. Channel's reactor, but
 * for the report's run.
 */
final class HoldQueue {
    /** In {@code driverInt}: it counts in the ledger, and on which side. */
    private static final int COUNTED = 2;
    private static final int SIDE_SHIFT = 2;

    private final NexusChannel channel;
    private final Nexus nexus;
    private final FlushLedger flushes;
    private final IoQueue fresh = new IoQueue();
    private final IoQueue reported = new IoQueue();
    private final FaultReason[] reasons;
    private final Report report;
    private final Verdict verdict = new Verdict();
    private int freshMask;
    private boolean underWay;

    HoldQueue(NexusChannel channel, Nexus nexus) {
        this.channel = channel;
        this.nexus = nexus;
        this.flushes = nexus.childrenTable().flushes();
        this.reasons = new FaultReason[NexusChildren.PLACE_COUNT];
        this.report = new Report(NexusChildren.PLACE_COUNT);
    }

    /** It goes to the children. */
    @HotPath
    void begin(BdevIo io, NexusConfig config) {
        if (io.type == IoType.FLUSH || config.fuaFlushes && IoType.isWrite(io.type)
                && ((io.flags & BdevIo.FLAG_FUA) != 0 || config.writeThrough != 0)) {
            io.driverInt |= COUNTED | flushes.begin() << SIDE_SHIFT;
        }
    }

    /** What it came to is decided. */
    @HotPath
    void end(BdevIo io, boolean failed) {
        if ((io.driverInt & COUNTED) != 0) {
            flushes.end(io.driverInt >>> SIDE_SHIFT & 1, failed);
            io.driverInt &= ~(COUNTED | 1 << SIDE_SHIFT);
        }
    }

    /** Holds an I/O that failed on the children of the mask. */
    @HotPath
    void add(BdevIo io, int failedMask) {
        int noSpace = (int) (io.driverLong2 >>> 32);
        for (int rest = failedMask & ~freshMask; rest != 0; rest &= rest - 1) {
            int child = Integer.numberOfTrailingZeros(rest);
            reasons[child] = (noSpace & 1 << child) != 0 ? FaultReason.NO_SPACE : FaultReason.IO_ERROR;
        }
        for (int rest = io.type == IoType.FLUSH ? failedMask : 0; rest != 0; rest &= rest - 1) {
            reasons[Integer.numberOfTrailingZeros(rest)] = FaultReason.FLUSH_ERROR;     // The worst: its cache is in doubt.
        }
        freshMask |= failedMask;
        fresh.add(io);
        send();
    }

    @HotPath
    private void send() {
        if (!underWay) {
            underWay = true;
            reported.addAll(fresh);
            report.mask = freshMask;
            for (int rest = freshMask; rest != 0; rest &= rest - 1) {
                int child = Integer.numberOfTrailingZeros(rest);
                report.reasons[child] = reasons[child];
            }
            freshMask = 0;
            nexus.home().send(report, channel.mthread().reactor());
        }
    }

    boolean isEmpty() {
        return fresh.isEmpty() && reported.isEmpty();
    }

    /** Tells the home mthread; runs there. */
    private final class Report extends Message {
        private final FaultReason[] reasons;
        private int mask;

        Report(int childCount) {
            reasons = new FaultReason[childCount];
        }

        @Override
        public void run() {
            nexus.membership().requestFaults(mask, reasons, () -> {
                nexus.cacheLoss().onFlushFailed(flushMask(), true);
                channel.mthread().send(verdict, nexus.home().reactor());
            });
        }

        private int flushMask() {
            int flushes = 0;
            for (int rest = mask; rest != 0; rest &= rest - 1) {
                int child = Integer.numberOfTrailingZeros(rest);
                flushes |= reasons[child] == FaultReason.FLUSH_ERROR ? 1 << child : 0;
            }
            return flushes;
        }
    }

    /** The home mthread has dealt with the report; runs on the channel's mthread. */
    private final class Verdict extends Message {
        @Override
        public void run() {
            for (int i = reported.size(); i > 0; i--) {
                channel.settle(reported.poll());
            }
            underWay = false;
            if (!fresh.isEmpty()) {
                send();
            }
        }
    }
}
