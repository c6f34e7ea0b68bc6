package io.mizzen.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

/** Listeners with a congestion control of their own. */
class RingCongestionControlTest {
    private static RingConfig config(String congestionControl) {
        RingConfig small = RingRig.SMALL;
        return new RingConfig(small.entries(), small.slots(), small.files(), small.connections(), small.receiveBuffers(),
                small.receiveBufferBytes(), congestionControl);
    }

    private static int listenAndClose(RingRig rig) {
        return rig.call(() -> {
            var listener = rig.reactor.sockets().listen(new InetSocketAddress("127.0.0.1", 0), socket -> { });
            int port = listener.localAddress().getPort();
            listener.close();
            return port;
        });
    }

    @Test
    void oneThatTheKernelHasNotIsRefusedByNameAndNothingListens() {
        try (RingRig rig = new RingRig(config("no_such_control"))) {
            OperationException refused = assertThrows(OperationException.class, () -> listenAndClose(rig));
            assertEquals(ErrorKind.FAILED_PRECONDITION, refused.kind());
            assertEquals("congestion-control-unavailable", refused.code());
            assertTrue(refused.getMessage().contains("no_such_control"), refused.getMessage());
        }
    }

    @Test
    void renoIsInEveryKernelAndAllowed() {
        for (String name : new String[] {"reno", RingConfig.SYSTEM, RingConfig.AUTO}) {
            try (RingRig rig = new RingRig(config(name))) {
                assertTrue(listenAndClose(rig) > 0, name);
            }
        }
    }
}
