package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoStats;
import io.mizzen.bdev.IoType;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.IoStatsView;

/** Views of the bdev layer. Any thread where the bdev's own methods allow it. */
final class BdevViews {
    private BdevViews() { }

    static BdevView bdev(Bdev bdev, String uri) {
        return new BdevView(bdev.name(), uri, bdev.aliases(), bdev.uuid().toString(), bdev.product(), bdev.blockSizeBytes(),
                bdev.blockCount(), bdev.sizeBytes(), bdev.hasVolatileCache(), bdev.supports(IoType.UNMAP),
                bdev.isTestOnly(), bdev.claimedBy(), bdev.isOpen(), stats(bdev.stats()));
    }

    static BdevView.ChannelView channel(IoChannel channel) {
        return new BdevView.ChannelView(channel.bdev().name(), channel.mthread().reactor().core(), channel.mthread().name(),
                channel.references(), channel.inFlight(), channel.waiting(), channel.isPaused(), stats(channel.stats()));
    }

    static IoStatsView stats(IoStats stats) {
        return new IoStatsView(
                stats.operations(IoType.READ), stats.bytes(IoType.READ), stats.errors(IoType.READ), stats.latencySumNs(0),
                stats.operations(IoType.WRITE), stats.bytes(IoType.WRITE), stats.errors(IoType.WRITE), stats.latencySumNs(1),
                stats.operations(IoType.FLUSH), stats.operations(IoType.UNMAP), stats.operations(IoType.WRITE_ZEROES),
                stats.operations(IoType.COMPARE), stats.operations(IoType.RESET) + stats.operations(IoType.VERIFY),
                stats.errors(IoType.FLUSH) + stats.errors(IoType.UNMAP) + stats.errors(IoType.WRITE_ZEROES)
                        + stats.errors(IoType.COMPARE) + stats.errors(IoType.RESET) + stats.errors(IoType.VERIFY),
                stats.latencyBuckets(0), stats.latencyBuckets(1));
    }
}
