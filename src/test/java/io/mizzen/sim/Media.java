package io.mizzen.sim;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * What stays of a disk when the machine goes: blocks that are durable, and blocks that a volatile cache holds in one or
 * more versions since the last flush. One thread.
 */
public final class Media {
    private final int blockBytes;
    private final byte[] zeroes;
    private final Map<Long, byte[]> durable = new HashMap<>();
    private final Map<Long, List<byte[]>> cached = new HashMap<>();

    public Media(int blockBytes) {
        this.blockBytes = blockBytes;
        this.zeroes = new byte[blockBytes];
    }

    public int blockBytes() {
        return blockBytes;
    }

    /** Whether nothing but zeroes was ever written. */
    public boolean isBlank() {
        return durable.isEmpty() && cached.isEmpty();
    }

    /** What a reader sees. Not to be changed. */
    public byte[] current(long block) {
        List<byte[]> versions = cached.isEmpty() ? null : cached.get(block);
        return versions != null ? versions.getLast() : durable.getOrDefault(block, zeroes);
    }

    /** What is there after a power failure that takes all that it may. Not to be changed. */
    public byte[] durable(long block) {
        return durable.getOrDefault(block, zeroes);
    }

    /** Bytes of a range, as a reader sees them or as they are durable. */
    public byte[] bytes(long atBytes, int sizeBytes, boolean durableOnly) {
        byte[] out = new byte[sizeBytes];
        for (int done = 0; done < sizeBytes;) {
            long block = (atBytes + done) / blockBytes;
            int within = (int) ((atBytes + done) % blockBytes);
            int part = Math.min(blockBytes - within, sizeBytes - done);
            System.arraycopy(durableOnly ? durable(block) : current(block), within, out, done, part);
            done += part;
        }
        return out;
    }

    /** Old contents here and there below that offset. */
    void litter(long belowBytes, Random random) {
        byte[] garbage = new byte[blockBytes];
        random.nextBytes(garbage);
        for (long block = random.nextInt(64); block < belowBytes / blockBytes; block += 1 + random.nextInt(64)) {
            durable.put(block, garbage);
        }
    }

    /** A write of one block; null is zeroes. The array is kept. */
    void write(long block, byte[] data, boolean isDurable) {
        if (isDurable) {
            cached.remove(block);
            put(block, data);
        } else {
            cached.computeIfAbsent(block, b -> new ArrayList<>(2)).add(data == null ? zeroes : data);
        }
    }

    private void put(long block, byte[] data) {
        if (data == null || data == zeroes) {
            durable.remove(block);
        } else {
            durable.put(block, data);
        }
    }

    void flush() {
        cached.forEach((block, versions) -> put(block, versions.getLast()));
        cached.clear();
    }

    /** Power fails: of each block any version since the last flush may have reached the medium, or none. */
    void crash(Random random) {
        cached.forEach((block, versions) -> {
            int which = random.nextInt(versions.size() + 1);
            if (which < versions.size()) {
                put(block, versions.get(which));
            }
        });
        cached.clear();
    }
}
