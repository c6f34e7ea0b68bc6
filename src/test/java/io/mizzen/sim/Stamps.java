package io.mizzen.sim;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Contents of blocks: a stamp names the write, and each block says where it belongs. */
final class Stamps {
    private static final long MIX = 0x9E3779B97F4A7C15L;

    private Stamps() {
    }

    /** Data of a write. */
    static byte[] data(long stamp, long lba, int count, int blockBytes) {
        ByteBuffer buffer = ByteBuffer.allocate(count * blockBytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            for (int at = 0; at < blockBytes; at += 16) {
                buffer.putLong(stamp);
                buffer.putLong(stamp * MIX + lba + i);
            }
        }
        return buffer.array();
    }

    /** The stamp of a block; fails if the block is torn or belongs elsewhere. */
    static long of(byte[] data, int from, int blockBytes, long block) {
        ByteBuffer buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        long stamp = buffer.getLong(from);
        long second = stamp == 0 ? 0 : stamp * MIX + block;
        for (int at = 0; at < blockBytes; at += 16) {
            Checks.require(buffer.getLong(from + at) == stamp && buffer.getLong(from + at + 8) == second,
                    "contents: block " + block + " is torn, garbage or another block's");
        }
        return stamp;
    }
}
