package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Status;
import java.util.List;

/** A nexus of 2 MiB on two reactors, the same schedule each time; its host's history outlives power cuts. */
abstract class NexusTestBase {
    static final long SIZE = 2 << 20;
    /** Where data begins on a child: metadata lies before it. */
    static final int DATA_BLOCK = 8192;
    final NexusSim.History history = new NexusSim.History(SIZE);

    NexusSim sim(int disks) {
        return sim(NexusSim.media(disks));
    }

    NexusSim sim(List<SimDisk.Media> media) {
        return sim(media, false);
    }

    NexusSim sim(List<SimDisk.Media> media, boolean volatileCache) {
        return new NexusSim(1, 2, media.size(), SIZE, media, volatileCache, history);
    }

    static NexusSim opened(NexusSim sim) {
        sim.openAll();
        return sim;
    }

    /** Every I/O of one type fails with that status. */
    static SimDisk.Fault failing(int ioType, int status) {
        return io -> io.type == ioType ? status : Status.SUCCESS;
    }

    static boolean isData(BdevIo io) {
        return io.offsetBlocks >= DATA_BLOCK;
    }

    static MemberState health(NexusSim sim, int child) {
        return sim.nexus.childStatuses().get(child).health();
    }
}
