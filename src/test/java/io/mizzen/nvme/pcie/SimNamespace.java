package io.mizzen.nvme.pcie;

import java.util.HashMap;
import java.util.Map;

/** A namespace of the simulated drive and what is stored in it. */
final class SimNamespace {
    final int nsid;
    final int shift;
    final int metadataBytes;
    final int dlfeat;
    final Map<Long, byte[]> blocks = new HashMap<>();
    long blockCount;

    SimNamespace(int nsid, int shift, long blockCount, int metadataBytes, int dlfeat) {
        this.nsid = nsid;
        this.shift = shift;
        this.blockCount = blockCount;
        this.metadataBytes = metadataBytes;
        this.dlfeat = dlfeat;
    }

    /** A copy of a block. */
    byte[] read(long block) {
        byte[] data = blocks.get(block);
        return data == null ? new byte[1 << shift] : data.clone();
    }

    void write(long block, byte[] data) {
        blocks.put(block, data);
    }

    void zero(long block) {
        blocks.remove(block);
    }
}
