package io.mizzen.bench;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.util.HotPath;

/** Reads and writes without looking at the data. Writes carry what the slot's buffer holds. */
final class LoadJob extends Job {
    private final boolean randomOffsets;
    private final int readPart;
    private final long firstUnit;
    private final long unitCount;
    private long cursor;

    /**
     * @param part so many cores share the bdev; in sequence each has its own part, the {@code index}-th
     */
    LoadJob(IoChannel channel, long buffers, int regionIndex, BenchOptions options, int index, int part, long seed) {
        super(channel, buffers, regionIndex, options.blockBytes, options.depth, seed);
        this.randomOffsets = options.workload.random;
        this.readPart = options.readPercent * 65536 / 100;
        long units = channel.bdev().blockCount() / unitBlocks;
        this.unitCount = randomOffsets ? units : Math.max(1, units / part);
        this.firstUnit = randomOffsets ? 0 : unitCount * index % units;
    }

    @Override
    @HotPath
    void next(int slot, BdevIo io) {
        long bits = random();
        long unit;
        if (randomOffsets) {
            unit = Math.unsignedMultiplyHigh(bits, unitCount);
        } else {
            unit = firstUnit + cursor;
            if (++cursor == unitCount) {
                cursor = 0;
            }
        }
        int type = (bits & 0xFFFF) < readPart ? IoType.READ : IoType.WRITE;
        io.prepare(type, unit * unitBlocks, unitBlocks, buffer(slot), regionIndex, this);
        submit(io, slot);
    }

    @Override
    @HotPath
    void onSuccess(int slot, int type) {
        // The data is nobody's business.
    }
}
