package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoType;
import org.junit.jupiter.api.Test;

class NexusTest {
    private static final long SIZE = 2 << 20;
    private final NexusSim.History history = new NexusSim.History(SIZE);

    private NexusSim sim(int disks) {
        return new NexusSim(1, 2, disks, SIZE, NexusSim.media(disks), false, history);
    }

    @Test
    void aWriteGoesToAllChildrenAndIsReadBack() {
        NexusSim sim = sim(2);
        sim.openAll();
        assertEquals(SIZE, sim.nexus.sizeBytes());
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        assertEquals(0, sim.run(0, IoType.WRITE, 10, 8));
        assertEquals(0, sim.run(1, IoType.WRITE, 4000, 16));
        assertEquals(0, sim.run(1, IoType.READ, 8, 16));
        assertEquals(0, sim.run(0, IoType.FLUSH, 0, 0));
        assertEquals(2, sim.nexus.dirtyRegions());
        sim.checkLegs();
        assertNull(sim.close(false));
        assertTrue(!sim.newestDurable().inUse());
    }
}
