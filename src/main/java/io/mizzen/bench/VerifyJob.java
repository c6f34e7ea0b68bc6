package io.mizzen.bench;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.util.HotPath;

/**
 * Writes a pattern, reads it back and compares. Every 8 bytes of the pattern say which unit of the bdev, which pass and
 * which place in the unit they belong to, so that data that went elsewhere or is older than it should be is found. Slots
 * never touch each other's units: unit u belongs to slot u modulo the number of slots of all cores.
 */
final class VerifyJob extends Job {
    private static final long MIX = 0xD6E8FEB86659FD93L;

    private final boolean randomOffsets;
    private final int firstSlot;
    private final int slotCount;
    private final long rounds;
    private final long[] unit;
    private final long[] pass;
    private final long[] cursor;
    private final boolean[] reading;
    private long passes;
    long mismatches;
    /** Of the first mismatch: the block, and the byte in it. */
    long mismatchBlock;
    long mismatchByte;

    VerifyJob(IoChannel channel, long buffers, int regionIndex, BenchOptions options, int index, int part, long seed) {
        super(channel, buffers, regionIndex, options.blockBytes, options.depth, seed);
        this.randomOffsets = options.workload.random;
        this.firstSlot = index * depth;
        this.slotCount = part * depth;
        this.rounds = channel.bdev().blockCount() / unitBlocks / slotCount;
        this.unit = new long[depth];
        this.pass = new long[depth];
        this.cursor = new long[depth];
        this.reading = new boolean[depth];
        this.passes = seed << 40;
    }

    /** Units that the bdev must have. */
    static long unitsNeeded(BenchOptions options, int part) {
        return (long) options.depth * part;
    }

    @Override
    @HotPath
    void next(int slot, BdevIo io) {
        long address = buffer(slot);
        if (reading[slot]) {
            RawMemory.zero(address, ioBytes);
        } else {
            choose(slot);
            long value = start(slot);
            for (long at = 0; at < ioBytes; at += 8) {
                RawMemory.putLong(address + at, value);
                value += MIX;
            }
        }
        io.prepare(reading[slot] ? IoType.READ : IoType.WRITE, unit[slot] * unitBlocks, unitBlocks, address, regionIndex,
                this);
        submit(io, slot);
    }

    @HotPath
    private void choose(int slot) {
        long round = randomOffsets ? Math.unsignedMultiplyHigh(random(), rounds) : cursor[slot];
        cursor[slot] = cursor[slot] + 1 == rounds ? 0 : cursor[slot] + 1;
        unit[slot] = round * slotCount + firstSlot + slot;
        pass[slot] = ++passes;
    }

    /** The pattern's first word. */
    @HotPath
    private long start(int slot) {
        return (unit[slot] + 1) * 0x9E3779B97F4A7C15L ^ pass[slot] * 0xC2B2AE3D27D4EB4FL;
    }

    @Override
    @HotPath
    void onSuccess(int slot, int type) {
        reading[slot] = type == IoType.WRITE;
        if (type == IoType.READ) {
            compare(slot);
        }
    }

    @HotPath
    private void compare(int slot) {
        long address = buffer(slot);
        long value = start(slot);
        for (long at = 0; at < ioBytes; at += 8) {
            if (RawMemory.getLong(address + at) != value) {
                if (mismatches++ == 0) {
                    mismatchBlock = unit[slot] * unitBlocks;
                    mismatchByte = at;
                }
                running = false;
                return;
            }
            value += MIX;
        }
    }

    @Override
    String failure() {
        return errors > 0 || mismatches == 0 ? super.failure() : "verification of " + channel.bdev().name()
                + " failed in " + mismatches + " I/Os, the first at block " + mismatchBlock + ", byte " + mismatchByte
                + ": what was read is not what was written";
    }
}
