package io.mizzen.nvme.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.AsyncEvents;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Properties;
import io.mizzen.testsupport.TestIo.Outcome;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a controller may still do when it is stopped: no memory is another's before it reaches none, no answer is another's. */
class NvmeEndSimTest {
    private final NvmeRig rig = new NvmeRig(2, 41);

    private boolean isIdle() {
        return (RawMemory.getIntAcquire(rig.pci.barAddress() + Properties.CSTS) & Properties.CSTS_RDY) == 0;
    }

    /** Closes the controller; whether its memory came back. */
    private boolean closeAndSeeMemory() {
        boolean[] done = new boolean[1];
        rig.onAdmin(() -> rig.controller.close((nothing, refused) -> done[0] = refused == null));
        rig.hand.runUntil(() -> done[0]);
        assertEquals("CLOSED", rig.controller.state());
        assertEquals(rig.memory.memory().usedBytes() - rig.usedBytesBefore, rig.memory.memory().keptBytes());
        assertEquals(rig.memory.memory().keptBytes() > 0, rig.hasEvent("nvme-memory-kept"));
        return rig.memory.memory().keptBytes() == 0;
    }

    @Test
    void theMemoryOfAControllerThatIsIdleAndCutOffIsFree() {
        rig.open();
        assertTrue(closeAndSeeMemory());
        assertTrue(isIdle());
        assertTrue(rig.pci.dmaStopped);
    }

    @Test
    void theMemoryOfAControllerThatDoesNotBecomeIdleIsKept() {
        rig.open();
        rig.drive.neverIdle = true;
        assertFalse(closeAndSeeMemory());
        assertTrue(rig.pci.dmaStopped);
    }

    @Test
    void theMemoryOfADeviceWhoseBusMasteringDoesNotEndIsKept() {
        rig.open();
        rig.pci.unstoppable = true;
        assertFalse(closeAndSeeMemory());
        assertTrue(isIdle());
    }

    /** Its next driver lets it at memory before it makes it idle. */
    @Test
    void theMemoryOfAControllerThatIsTakenAwayWhileItRunsIsKept() {
        rig.open();
        rig.pci.listed = false;
        rig.hand.runUntil(() -> rig.dead != null);
        assertFalse(closeAndSeeMemory());
        assertFalse(isIdle());
        assertTrue(rig.pci.dmaStopped);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theMemoryOfAControllerThatIsPulledOrMadeIdleAfterItWasTakenAwayIsFree(boolean pulled) {
        rig.open();
        rig.pci.listed = false;
        rig.hand.runUntil(() -> rig.hasEvent("nvme-dead"));
        assertEquals(null, rig.dead);
        if (pulled) {
            rig.pci.pull();
        } else {
            RawMemory.putIntRelease(rig.pci.barAddress() + Properties.CC, 0);
        }
        rig.hand.runUntil(() -> rig.dead != null);
        assertTrue(closeAndSeeMemory());
        assertTrue(rig.pci.dmaStopped);
    }

    @Test
    void theMemoryOfADriveThatWasPulledIsFree() {
        rig.open();
        rig.pci.pull();
        rig.hand.runUntil(() -> rig.dead != null);
        assertTrue(closeAndSeeMemory());
    }

    @Test
    void theMemoryOfADriveThatFailedToStartIsFreeOnceItIsIdle() {
        rig.drive.faults = (queue, opcode) -> opcode == Opcodes.ADMIN_CREATE_SQ ? SimFate.losing() : SimFate.NORMAL;
        rig.tryOpen(NvmeRig.OPTIONS, 0);
        assertEquals("nvme-no-answer", rig.failure.code());
        assertTrue(isIdle());
        assertTrue(rig.pci.dmaStopped);
        assertEquals(rig.usedBytesBefore, rig.memory.memory().usedBytes());
    }

    /** The first answer that needs memory finds none. */
    @Test
    void aStartWithoutMemoryIsRefused() {
        rig.drive.hasDoorbellBuffers = true;
        List<DmaMemory.Block> others = new ArrayList<>();
        rig.drive.faults = (queue, opcode) -> {
            if (opcode == Opcodes.ADMIN_SET_FEATURES && queue == 0 && others.isEmpty()) {
                takeAll(others);
            }
            return SimFate.NORMAL;
        };
        rig.tryOpen(NvmeRig.OPTIONS, 0);
        assertEquals("out-of-memory", rig.failure.code());
        others.forEach(rig.memory.memory()::free);
        assertEquals(rig.usedBytesBefore, rig.memory.memory().usedBytes());
        rig.failure = null;
        rig.open();
        rig.close();
    }

    private void takeAll(List<DmaMemory.Block> others) {
        for (long size = 16L << 20; size >= 4096; size /= 2) {
            try {
                while (true) {
                    others.add(rig.memory.memory().allocate(size, -1));
                }
            } catch (OperationException full) {
                assertEquals("out-of-memory", full.code());
            }
        }
    }

    /** Its buffers are others' as soon as an I/O has failed. */
    @Test
    void ioOfADeviceThatCannotBeCutOffFailsOnlyOnceItsControllerIsIdle() {
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), 0);
        DmaMemory.Block buffer = rig.buffer(4096);
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.after(900_000_000L);
        rig.drive.disableDelayNs = 300_000_000;
        Outcome read = rig.io.submit(channel, IoType.READ, 0, 1, buffer.address());
        rig.hand.tickAll(20);
        rig.pci.unstoppable = true;
        rig.onAdmin(rig.controller::onRemovalRequest);
        rig.hand.runUntil(() -> read.isDone() || isIdle());
        assertFalse(read.isDone());
        rig.hand.runUntil(read::isDone);
        assertEquals(Status.INTERNAL_ERROR | Status.DNR, read.status);
        rig.hand.runUntil(() -> rig.dead != null);
        rig.pci.unstoppable = false;
        rig.pci.stopDma();
    }

    @Test
    void buffersOfADeviceThatCanBeNeitherStoppedNorCutOffAreUsedForNothingElse() {
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), 0);
        DmaMemory.Block block = rig.buffer(3 * 4096);
        DmaMemory.Block untouched = rig.buffer(4096);
        BufferPool pool = rig.memory.pools().large();
        DmaBuffer pooled = rig.hand.call(0, pool.cache(0)::tryAcquire);
        int free = pool.freeCount();
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.after(30_000_000_000L);
        rig.drive.neverIdle = true;
        rig.pci.unstoppable = true;
        Outcome read = rig.io.submit(channel, IoType.READ, 0, 2, block.address() + 4096);
        Outcome write = rig.io.submit(channel, IoType.WRITE, 8, 1, pooled.address() + 8192);
        rig.hand.tickAll(20);
        rig.onAdmin(rig.controller::onRemovalRequest);
        rig.hand.runUntil(() -> read.isDone() && write.isDone(), 2_000_000);
        assertEquals(Status.INTERNAL_ERROR | Status.DNR, read.status);
        assertEquals(Status.INTERNAL_ERROR | Status.DNR, write.status);
        assertTrue(rig.hasEvent("nvme-memory-kept"));
        long used = rig.memory.memory().usedBytes();
        rig.hand.on(0, pooled::close);
        rig.memory.memory().free(block);
        rig.memory.memory().free(untouched);
        assertEquals(free, pool.freeCount());
        assertEquals(used - untouched.sizeBytes(), rig.memory.memory().usedBytes());
        assertEquals(pooled.sizeBytes() + block.sizeBytes(), rig.memory.memory().keptBytes());
        rig.hand.runUntil(() -> rig.dead != null);
        rig.pci.unstoppable = false;
        rig.pci.stopDma();
    }

    @Test
    void aDriveIsGivenToTheSystemOnceItIsIdle() {
        rig.open();
        rig.drive.disableDelayNs = 300_000_000;
        rig.onAdmin(rig.controller::onRemovalRequest);
        assertTrue(rig.pci.dmaStopped);
        rig.hand.runUntil(() -> rig.dead != null);
        assertTrue(isIdle());
        rig.close();
    }

    /** Who cleared CC.EN then would get what the specification does not define. */
    @Test
    void aControllerThatIsOnItsWayToReadyIsNotDisabledBeforeItArrives() {
        rig.drive.powerOn(20);
        rig.drive.readyDelayNs = 1_500_000_000L;
        RawMemory.putIntRelease(rig.pci.barAddress() + Properties.CC, Properties.ccEnable(Properties.CC_CSS_NVM));
        rig.hand.tickAll(3);
        assertTrue(isIdle());
        rig.open();
        assertEquals(2, rig.drive.enables, "the one that was on its way, and ours");
        rig.close();
    }

    @Test
    void aControllerThatNeverArrivesIsDisabledAllTheSame() {
        rig.drive.neverReady = true;
        rig.drive.powerOn(4);
        RawMemory.putIntRelease(rig.pci.barAddress() + Properties.CC, Properties.ccEnable(Properties.CC_CSS_NVM));
        rig.hand.tickAll(3);
        rig.drive.neverReady = false;
        rig.open();
        rig.close();
    }

    @Test
    void anAnswerThatComesAfterAResetBeganIsNobodys() {
        rig.open();
        rig.drive.disableDelayNs = 400_000_000;
        rig.drive.faults = (queue, opcode) -> opcode == Opcodes.ADMIN_GET_LOG_PAGE && queue == 0
                ? SimFate.after(100_000_000L) : SimFate.NORMAL;
        List<String> answers = new ArrayList<>();
        rig.onAdmin(() -> rig.controller.readHealth((health, failure) -> answers.add(failure == null ? "health" : failure.code())));
        rig.hand.tickAll(20);
        assertEquals(List.of(), answers);
        rig.onAdmin(() -> rig.controller.reset("the test wants it"));
        assertEquals(List.of("nvme-no-answer"), answers);
        rig.hand.runUntil(() -> rig.controller.state().equals("READY"));
        rig.onAdmin(() -> rig.controller.readHealth((health, failure) -> answers.add(failure == null ? "health" : failure.code())));
        rig.hand.runUntil(() -> answers.size() == 2);
        assertEquals(List.of("nvme-no-answer", "health"), answers);
        rig.close();
    }

    /** A look at the namespaces, of which each answer leads to the next question, is under way when the controller stops. */
    @Test
    void nothingIsAskedOfAControllerThatIsDown() {
        rig.open();
        rig.drive.disableDelayNs = 400_000_000;
        rig.drive.faults = (queue, opcode) -> opcode == Opcodes.ADMIN_IDENTIFY ? SimFate.after(10_000_000L) : SimFate.NORMAL;
        assertTrue(rig.drive.admin.event(AsyncEvents.NAMESPACE_ATTRIBUTES));
        long fetched = rig.drive.fetched;
        rig.hand.runUntil(() -> rig.drive.fetched > fetched + 1);
        rig.onAdmin(() -> rig.controller.reset("the test wants it"));
        rig.hand.runUntil(() -> rig.controller.state().equals("READY"));
        rig.close();
    }
}
