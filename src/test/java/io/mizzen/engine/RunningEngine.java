package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.StopReport;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.Patience;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.UUID;

/** The engine on this machine's rings with NVMe/TCP on loopback, and hosts that connect to it. */
final class RunningEngine implements AutoCloseable {
    static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:0a0a0a0a-0000-4000-8000-000000000001";
    static final UUID HOST_ID = UUID.fromString("11111111-1111-4111-8111-111111111111");

    final Engine engine;
    final EngineHarness ask;
    /** What the last admin queue belongs to. */
    private int lastControllerId;

    static EngineConfig config() {
        EngineConfig.Nvmf nvmf = EngineConfig.defaults().nvmf();
        return EngineConfig.defaults().withMemory(new EngineConfig.Memory(64L << 20, false, false))
                .withNvmf(new EngineConfig.Nvmf(List.of("127.0.0.1", "::1"), 0, nvmf.nqnPrefix(), 16, 32, nvmf.maxIoBytes(),
                        nvmf.inCapsuleBytes(), nvmf.maxR2t()));
    }

    RunningEngine() {
        engine = Engine.create(config());
        ask = new EngineHarness(engine);
        engine.start();
    }

    NvmeTcpClient connect(int queueId, int controllerId, String nqn, String host, int listener) {
        ListenerView at = ask.get(engine.info()).listeners().get(listener);
        NvmeTcpClient client = NvmeTcpClient.open(new InetSocketAddress(at.address(), at.port())).initialize(0, 3, 1);
        NvmeTcpClient.Reply reply = client.connect(queueId, 32, controllerId, nqn, host, HOST_ID, 0, 0);
        if (reply.status() != 0) {
            client.close();
            throw new IllegalStateException("connect refused with status " + reply.status());
        }
        if (queueId != 0) {
            return client;
        }
        lastControllerId = (int) reply.result() & 0xffff;
        return client.enable();
    }

    /** An I/O queue of the controller that the last admin queue has made; close both. */
    NvmeTcpClient io(String nqn) {
        return connect(1, lastControllerId, nqn, HOST, 0);
    }

    /** Kinds of events that begin with a prefix, in their order. */
    List<String> events(String prefix) {
        return engine.events(0, Integer.MAX_VALUE).events().stream().map(EventView::kind).filter(kind -> kind.startsWith(prefix))
                .toList();
    }

    /** Waits for the n-th event of a kind. */
    void awaitEvent(String kind, int count) {
        Patience.await(() -> events(kind).stream().filter(kind::equals).count() >= count,
                () -> "no event " + kind + " in " + engine.events(0, Integer.MAX_VALUE).events());
    }

    @Override
    public void close() {
        StopReport report = engine.stop(EngineHarness.STOP_NS);
        assertTrue(report.clean(), report.toString());
    }
}
