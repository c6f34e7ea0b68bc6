package io.mizzen.nvmf.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoLimit;
import io.mizzen.bdev.IoLimits;
import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.util.Completion;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A limited volume must not keep hosts from going, coming back or being told to stop. */
class TargetLimitsTest {
    private static final long SECOND = 1_000_000_000L;

    private final TargetFixture f = new TargetFixture(21);

    @BeforeEach
    void onceASecond() {
        limit(new IoLimit(1, 1));
    }

    private void limit(IoLimit operations) {
        IoLimits limits = new IoLimits(IoLimit.NONE, IoLimit.NONE, operations, IoLimit.NONE, IoLimit.NONE, IoLimit.NONE);
        f.control((Completion<Void> done) -> f.disk.setLimits(limits, f.hand.reactor(0).mthread(), done));
    }

    private List<Integer> submitReads(NvmeTcpClient io, int count) {
        List<Integer> cids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            cids.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, i, 1, 0), null, false, TargetFixture.BLOCK));
        }
        f.hand.tickAll(50);
        return cids;
    }

    @Test
    void aHostThatGoesIsForgottenAtOnce() {
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient io = f.io(admin, 1);
        submitReads(io, 100);
        long beforeNs = f.hand.nowNs();
        io.close();
        admin.client().close();
        f.hand.runUntil(() -> f.hand.call(0, () -> f.target.controllers().isEmpty()));
        assertThat(f.hand.nowNs() - beforeNs).isLessThan(5 * SECOND);
        f.stop();
    }

    @Test
    void anotherHostsCommandsStayWhereTheyAre() {
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient going = f.io(admin, 1);
        NvmeTcpClient staying = f.io(admin, 2);
        submitReads(going, 10);
        List<Integer> cids = submitReads(staying, 3);
        going.close();
        for (int cid : cids) {
            assertEquals(0, staying.await(cid).status());
        }
        f.stop();
    }

    @Test
    void aNamespaceWithWaitingCommandsIsRemovedAtOnceAndTheyAreAnswered() {
        NvmeTcpClient io = f.io(f.admin(0), 1);
        List<Integer> cids = submitReads(io, 50);
        long beforeNs = f.hand.nowNs();
        f.control((Completion<Void> done) -> f.target.removeNamespace(f.subsystem, 1, done));
        assertThat(f.hand.nowNs() - beforeNs).isLessThan(SECOND);
        for (int cid : cids) {
            assertEquals(0, io.await(cid).status());
        }
        f.stop();
    }

    @Test
    void commandsAreSlowedAndNoneIsLost() {
        limit(new IoLimit(50, 1));
        NvmeTcpClient io = f.io(f.admin(3), 1, 128, 0, 3, 1, 0);
        long beforeNs = f.hand.nowNs();
        for (int cid : submitReads(io, 100)) {
            assertEquals(0, io.await(cid).status());
        }
        assertTrue(f.hand.nowNs() - beforeNs >= 100 * SECOND / 50 - SECOND / 100);
        assertThat(f.disk.stats().delayed()).isEqualTo(100);         // The change gave no burst.
        f.stop();
    }
}
