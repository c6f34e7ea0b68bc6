package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.util.OperationException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LabelTest {
    private static final long MIB = 1 << 20;

    @Test
    void v2LeavesEightMiBAndRoundsDown() {
        assertEquals(92 * MIB, Label.V2.usableBytes(100 * MIB, 512));
        assertEquals(92 * MIB, Label.V2.usableBytes(101 * MIB - 512, 512));
        assertEquals(0, Label.V2.usableBytes(8 * MIB, 512));
        assertEquals(0, Label.V2.usableBytes(0, 512));
        assertEquals(4 * MIB, Label.V2.dataOffsetBytes());
    }

    @Test
    void v1LeavesFiveMiBAndThirtyFourBlocks() {
        assertEquals(95 * MIB - 34 * 512, Label.V1.usableBytes(100 * MIB, 512));
        assertEquals(95 * MIB - 34 * 4096, Label.V1.usableBytes(100 * MIB, 4096));
        assertEquals(5 * MIB, Label.V1.dataOffsetBytes());
    }

    @Test
    void theChildSizeNeededIsTheSmallestThatSuffices() {
        SplittableRandom random = new SplittableRandom(7);
        for (Label label : Label.values()) {
            for (int i = 0; i < 2000; i++) {
                int block = 512 << random.nextInt(4);
                long unit = label == Label.V2 ? MIB : block;
                long size = unit * random.nextLong(1, 1 << 20);
                long needed = label.childBytesNeeded(size, block);
                assertTrue(label.usableBytes(needed, block) >= size);
                assertTrue(label.usableBytes(needed - block, block) < size);
            }
        }
    }

    @Test
    void oddSizesAreRefusedWithTheNextPossibleOne() {
        OperationException e = assertThrows(OperationException.class, () -> Label.V2.checkSize(MIB + 512, 512));
        assertTrue(e.getMessage().contains(String.valueOf(2 * MIB)), e.getMessage());
        assertThrows(OperationException.class, () -> Label.V1.checkSize(0, 512));
        Label.V1.checkSize(512 * 7, 512);
        Label.V2.checkSize(3 * MIB, 4096);
    }
}
