package io.mizzen.nvme.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.TestIo.Outcome;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** I/O against a simulated drive that fails in one way each. */
class NvmeFaultsSimTest {
    private final NvmeRig rig = new NvmeRig(2, 21);
    private DmaMemory.Block buffer;
    private IoChannel channel;
    private NvmeBdev bdev;

    private void open() {
        rig.open();
        bdev = rig.bdev(1);
        channel = rig.channel(bdev, 0);
        buffer = rig.buffer(1 << 20);
    }

    /** The n-th I/O command from now on has that fate. */
    private void nth(int n, SimFate fate) {
        int[] seen = new int[1];
        rig.drive.faults = (queue, opcode) -> queue != 0 && ++seen[0] == n ? fate : SimFate.NORMAL;
    }

    private List<Outcome> writes(int count) {
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            outcomes.add(rig.io.submit(channel, IoType.WRITE, i, 1, buffer.address() + i * 4096L));
        }
        return outcomes;
    }

    private void await(List<Outcome> outcomes) {
        rig.hand.runUntil(() -> outcomes.stream().allMatch(Outcome::isDone), 2_000_000);
    }

    private int write() {
        return rig.io.run(channel, IoType.WRITE, 0, 1, buffer.address());
    }

    @ParameterizedTest
    @ValueSource(ints = {Status.UNRECOVERED_READ_ERROR, NvmeStatus.INTERNAL_ERROR, 0x712})
    void aStatusWithoutDnrIsTriedAgain(int status) {
        open();
        nth(1, SimFate.failing(status));
        assertEquals(0, write());
        assertEquals(1, rig.controller.stats().retries());
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.failing(status);
        assertEquals(status, write(), "in the end it is told as it is");
        assertEquals(1 + NvmeRig.OPTIONS.retryMax(), rig.controller.stats().retries());
        rig.close(buffer);
    }

    @Test
    void eachTryWaitsLonger() {
        open();
        List<Long> times = new ArrayList<>();
        rig.drive.faults = (queue, opcode) -> {
            if (queue == 0) {
                return SimFate.NORMAL;
            }
            times.add(rig.hand.nowNs());
            return SimFate.failing(Status.UNRECOVERED_READ_ERROR);
        };
        write();
        for (int i = 1; i < times.size(); i++) {
            long waitedNs = times.get(i) - times.get(i - 1);
            long leastNs = (long) Math.pow(10, i - 1) * 1_000_000;
            assertTrue(waitedNs >= leastNs && waitedNs < 3 * leastNs, "try " + i + " after " + waitedNs + " ns");
        }
        rig.close(buffer);
    }

    @Test
    void aRetryWaitsAsLongAsTheDriveAsks() {
        rig.drive.admin.retryDelays = new int[] {1, 7, 0xFFFF};
        open();
        assertEquals(1, rig.drive.admin.hostBehaviour, "else it would not ask");
        for (int delay = 0; delay <= 3; delay++) {
            nth(1, SimFate.failing(NvmeStatus.INTERNAL_ERROR | delay << 11));
            long startNs = rig.hand.nowNs();
            Outcome outcome = rig.io.submit(channel, IoType.WRITE, 0, 1, buffer.address());
            rig.hand.runUntil(outcome::isDone, 2_000_000);
            assertEquals(0, outcome.status);
            long tookNs = rig.hand.nowNs() - startNs;
            long leastNs = List.of(1_000_000L, 100_000_000L, 700_000_000L, NvmeRig.OPTIONS.ioTimeoutNs()).get(delay);
            assertTrue(tookNs >= leastNs && tookNs < leastNs + 5_000_000, "delay " + delay + " took " + tookNs + " ns");
        }
        rig.close(buffer);
    }

    @Test
    void aDriveThatDoesNotAskForItIsNotToldThatWeWait() {
        open();
        assertEquals(-1, rig.drive.admin.hostBehaviour);
        nth(1, SimFate.failing(NvmeStatus.INTERNAL_ERROR | 3 << 11));
        assertEquals(0, write());
        rig.close(buffer);
    }

    @ParameterizedTest
    @ValueSource(ints = {Status.UNRECOVERED_READ_ERROR | Status.DNR, Status.WRITE_FAULT | Status.DNR,
        Status.LBA_OUT_OF_RANGE, Status.CAPACITY_EXCEEDED, Status.NAMESPACE_WRITE_PROTECTED})
    void aStatusThatTimeDoesNotCureIsTold(int status) {
        open();
        nth(1, SimFate.failing(status));
        assertEquals(status, write());
        assertEquals(0, rig.controller.stats().retries());
        rig.close(buffer);
    }

    @Test
    void aVendorsStatusIsNeverTakenForBackpressure() {
        open();
        nth(1, SimFate.failing(Status.NO_RESOURCES | Status.DNR));
        assertEquals(Status.INTERNAL_ERROR | Status.DNR, write());
        rig.close(buffer);
    }

    @Test
    void moreInformationIsStillSuccess() {
        open();
        nth(1, SimFate.failing(NvmeStatus.MORE));
        assertEquals(0, write());
        rig.close(buffer);
    }

    @Test
    void aPartThatFailsFailsTheWholeOnce() {
        rig.drive.mdts = 1;
        open();
        nth(5, SimFate.failing(Status.WRITE_FAULT | Status.DNR));
        assertEquals(Status.WRITE_FAULT | Status.DNR, rig.io.run(channel, IoType.WRITE, 0, 100, buffer.address()));
        assertEquals(0, rig.io.run(channel, IoType.WRITE, 0, 100, buffer.address()));
        rig.close(buffer);
    }

    @Test
    void completionsThatComeTwiceOrOfNothingAreIgnored() {
        open();
        nth(3, SimFate.doubled());
        List<Outcome> outcomes = writes(60);
        await(outcomes);
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == 0));
        assertEquals(1, rig.controller.stats().unknownCompletions());
        SimQueues.Submission queue = rig.drive.submissions.get(1);
        Outcome last = rig.io.submit(channel, IoType.READ, 0, 1, buffer.address());
        rig.drive.post(queue, 0xFFFF, 0, 0);
        rig.drive.post(queue, 31, 0, 0);
        rig.drive.post(rig.drive.submissions.get(1), 0xFFE0, 0, Status.WRITE_FAULT);
        rig.hand.runUntil(last::isDone);
        assertEquals(0, last.status);
        assertEquals(4, rig.controller.stats().unknownCompletions());
        assertEquals(0, rig.controller.stats().resets());
        rig.close(buffer);
    }

    @Test
    void whatIsTooLateIsAborted() {
        open();
        nth(2, SimFate.after(60_000_000_000L));
        List<Outcome> outcomes = writes(5);
        await(outcomes);
        assertEquals(List.of(0, Status.ABORTED_BY_REQUEST, 0, 0, 0), outcomes.stream().map(o -> o.status).toList());
        assertEquals(1, rig.drive.admin.aborts);
        assertEquals(1, rig.controller.stats().timeouts());
        assertEquals(0, rig.controller.stats().resets());
        assertTrue(rig.hasEvent("nvme-timeout"));
        rig.close(buffer);
    }

    @Test
    void whatComesJustBeforeItsAbortIsASuccess() {
        open();
        nth(1, SimFate.after(1_300_000_000L));
        rig.drive.faults = (queue, opcode) -> queue != 0 ? SimFate.after(1_300_000_000L)
                : opcode == Opcodes.ADMIN_ABORT ? SimFate.after(400_000_000L) : SimFate.NORMAL;
        assertEquals(0, write());
        assertEquals(1, rig.controller.stats().timeouts());
        rig.close(buffer);
    }

    /** The lost one fails after its time; the others, in flight at the reset, are sent again. */
    @Test
    void aLostCompletionEndsInAResetThatLosesNothingElse() {
        open();
        boolean[] lost = new boolean[1];
        rig.drive.faults = (queue, opcode) -> {
            if (queue == 0) {
                return SimFate.NORMAL;
            }
            if (!lost[0]) {
                lost[0] = true;
                return SimFate.losing();
            }
            return rig.controller.stats().resets() == 0 ? SimFate.after(700_000_000L) : SimFate.NORMAL;
        };
        Outcome first = rig.io.submit(channel, IoType.WRITE, 100, 1, buffer.address());
        rig.hand.runUntil(() -> rig.controller.stats().timeouts() == 1, 2_000_000);
        List<Outcome> others = writes(20);
        await(others);
        rig.hand.runUntil(first::isDone, 2_000_000);
        assertEquals(Status.ABORTED_BY_REQUEST, first.status);
        assertTrue(others.stream().allMatch(outcome -> outcome.status == 0), others.stream().map(o -> o.status).toList().toString());
        assertEquals(1, rig.controller.stats().resets());
        assertEquals("READY", rig.controller.state());
        rig.close(buffer);
    }

    @Test
    void aFatalStatusUnderLoadCostsTimeOnly() {
        open();
        rig.drive.faults = (queue, opcode) -> queue == 0 || rig.controller.stats().resets() > 0 ? SimFate.NORMAL
                : SimFate.after(900_000_000L);
        List<Outcome> outcomes = writes(100);
        rig.hand.tickAll(20);
        rig.drive.failFatally();
        await(outcomes);
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == 0));
        assertEquals(1, rig.controller.stats().resets());
        assertEquals(100, rig.drive.namespaces.get(1).blocks.size());
        rig.close(buffer);
    }

    @Test
    void whatIsTriedTooOftenFails() {
        open();
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.after(950_000_000L);
        List<Outcome> outcomes = writes(3);
        for (int i = 1; i <= NvmeRig.OPTIONS.retryMax() + 1; i++) {
            int resets = i;
            rig.hand.tickAll(20);
            rig.drive.failFatally();
            rig.hand.runUntil(() -> rig.controller.stats().resets() == resets && rig.controller.state().equals("READY"), 2_000_000);
        }
        await(outcomes);
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == Status.INTERNAL_ERROR));
        rig.drive.faults = (queue, opcode) -> SimFate.NORMAL;
        assertEquals(0, write());
        rig.close(buffer);
    }

    @Test
    void aDriveThatIsPulledFailsEverythingOnce() {
        open();
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.after(900_000_000L);
        List<Outcome> outcomes = writes(100);
        rig.hand.tickAll(20);
        rig.pci.pull();
        await(outcomes);
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == (Status.INTERNAL_ERROR | Status.DNR)));
        rig.hand.runUntil(() -> rig.dead != null && bdev.isRemoved());
        assertEquals("DEAD", rig.controller.state());
        assertTrue(rig.pci.dmaStopped);
        assertEquals(Status.INTERNAL_ERROR | Status.DNR, write());
        rig.close(buffer);
    }

    @Test
    void aDriveThatIsPulledWithNothingInFlightIsNoticed() {
        open();
        rig.pci.pull();
        rig.hand.runUntil(() -> rig.dead != null);
        rig.close(buffer);
    }

    @Test
    void aDriveThatTheSystemListsNoMoreIsGivenUp() {
        open();
        rig.pci.listed = false;
        rig.hand.runUntil(() -> rig.dead != null && bdev.isRemoved());
        assertEquals(Status.INTERNAL_ERROR | Status.DNR, write());
        rig.close(buffer);
    }

    @Test
    void aDriveThatIsPulledDuringItsResetIsGivenUp() {
        open();
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.after(900_000_000L);
        List<Outcome> outcomes = writes(100);
        rig.hand.tickAll(20);
        rig.drive.failFatally();
        rig.hand.runUntil(() -> rig.controller.state().equals("RESETTING"));
        rig.hand.tickAll(30);
        rig.pci.pull();
        await(outcomes);
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == (Status.INTERNAL_ERROR | Status.DNR)));
        rig.hand.runUntil(() -> rig.dead != null);
        rig.close(buffer);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDriveThatCannotBeResetIsCutOff(boolean neverIdle) {
        open();
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.after(900_000_000L);
        List<Outcome> outcomes = writes(10);
        rig.hand.tickAll(20);
        rig.drive.neverIdle = neverIdle;
        rig.drive.neverReady = !neverIdle;
        rig.drive.failFatally();
        await(outcomes);
        assertTrue(rig.pci.dmaStopped, "before any buffer was given back");
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == (Status.INTERNAL_ERROR | Status.DNR)));
        assertEquals("DEAD", rig.controller.state());
        rig.close(buffer);
    }

    @Test
    void aResetThatFailsOnceIsTriedAgain() {
        open();
        int[] identifies = new int[1];
        rig.drive.faults = (queue, opcode) -> queue != 0 && rig.drive.enables == 1 ? SimFate.after(900_000_000L)
                : queue == 0 && opcode == Opcodes.ADMIN_IDENTIFY && ++identifies[0] == 1 ? SimFate.losing() : SimFate.NORMAL;
        List<Outcome> outcomes = writes(10);
        rig.hand.tickAll(20);
        rig.drive.failFatally();
        await(outcomes);
        assertEquals("READY", rig.controller.state());
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == 0));
        assertEquals(1, rig.controller.stats().resets());
        assertEquals(3, rig.drive.enables);
        rig.close(buffer);
    }

    @Test
    void aDriveThatIsResetAllTheTimeIsGivenUp() {
        open();
        for (int i = 0; i < NvmeRig.OPTIONS.resetMax(); i++) {
            rig.drive.failFatally();
            rig.hand.runUntil(() -> rig.controller.state().equals("RESETTING"));
            rig.hand.runUntil(() -> rig.controller.state().equals("READY"));
        }
        rig.drive.failFatally();
        rig.hand.runUntil(() -> rig.dead != null);
        rig.close(buffer);
    }

    @Test
    void anotherDriveInTheSamePlaceIsNotWrittenTo() {
        open();
        rig.drive.admin.serial = "SIM0002";
        rig.drive.failFatally();
        rig.hand.runUntil(() -> rig.dead != null);
        assertTrue(rig.dead.contains("SIM0002"), rig.dead);
        rig.close(buffer);
    }

    @Test
    void aReformattedNamespaceIsNotWrittenTo() {
        open();
        rig.drive.namespaces.put(1, new SimNamespace(1, 9, 4096, 0, 0));
        rig.drive.faults = (queue, opcode) -> queue == 0 ? SimFate.NORMAL : SimFate.losing();
        List<Outcome> outcomes = writes(1);
        rig.hand.tickAll(20);
        long stored = rig.drive.namespaces.get(1).blocks.size();
        rig.drive.failFatally();
        await(outcomes);
        rig.hand.runUntil(() -> rig.dead != null);
        assertTrue(rig.dead.contains("namespace 1"), rig.dead);
        assertEquals(stored, rig.drive.namespaces.get(1).blocks.size());
        rig.close(buffer);
    }

    @Test
    void anAdminCommandWithoutAnAnswerEndsInAReset() {
        open();
        rig.drive.faults = (queue, opcode) -> opcode == Opcodes.ADMIN_GET_LOG_PAGE && queue == 0 ? SimFate.losing() : SimFate.NORMAL;
        String[] answer = new String[1];
        rig.onAdmin(() -> rig.controller.readHealth((health, failure) -> answer[0] = failure.code()));
        rig.hand.runUntil(() -> answer[0] != null);
        assertEquals("nvme-no-answer", answer[0]);
        rig.hand.runUntil(() -> rig.controller.state().equals("READY"));
        assertEquals(1, rig.controller.stats().resets());
        assertEquals(0, write());
        assertFalse(bdev.isRemoved());
        rig.close(buffer);
    }
}
