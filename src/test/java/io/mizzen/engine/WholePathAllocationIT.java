package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.Patience;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole path of a host's command, target to nexus to lvol to uring to file: the reactors allocate nothing. */
class WholePathAllocationIT {
    private static final String NEXUS = "aaaaaaaa-2222-4222-8222-222222222222";
    private static final List<String> REPLICAS =
            List.of("11111111-2222-4222-8222-111111111111", "22222222-2222-4222-8222-222222222222");
    private static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:0a0a0a0a-0000-4000-8000-000000000009";
    private static final int BLOCK = 512;
    private static final int DEPTH = 32;
    private static final long SECOND_NS = 1_000_000_000L;
    private static final int COMMANDS = Integer.getInteger("allocation.commands", 100_000);

    @TempDir
    private Path directory;

    private Engine engine;
    private EngineHarness ask;

    @Test
    void nothingIsAllocatedPerCommandFromTargetToFile() throws InterruptedException {
        EngineConfig.Nvmf nvmf = EngineConfig.defaults().nvmf();
        engine = Engine.create(EngineConfig.defaults().withMemory(new EngineConfig.Memory(64L << 20, false, false))
                .withNvmf(new EngineConfig.Nvmf(List.of("127.0.0.1"), 0, nvmf.nqnPrefix(), 16, 64, nvmf.maxIoBytes(),
                        nvmf.inCapsuleBytes(), nvmf.maxR2t())));
        ask = new EngineHarness(engine);
        engine.start();
        try {
            String nqn = publishMirror();
            try (NvmeTcpClient admin = connect(0, FabricsCommand.CNTLID_DYNAMIC, nqn);
                    NvmeTcpClient io = connect(1, ask.get(engine.hosts()).getFirst().controllerId(), nqn)) {
                long perSecond = allocatedBySecond();
                long perCommand = Patience.leastAllocated(0, () -> {
                    long before = allocatedBytes();
                    long startNs = System.nanoTime();
                    load(io);
                    long aside = 2 * perSecond * (System.nanoTime() - startNs) / SECOND_NS;
                    return (allocatedBytes() - before - aside) / COMMANDS;
                });
                assertTrue(perCommand <= 0, perCommand + " bytes allocated by the reactors for each command, once warm");
                assertEquals(0, admin.admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status());
            }
        } finally {
            assertTrue(engine.stop(EngineHarness.STOP_NS).clean());
        }
    }

    /** What reactors allocate without a command: they look after disks and count, however long the commands take. */
    private static long allocatedBySecond() throws InterruptedException {
        long before = allocatedBytes();
        long startNs = System.nanoTime();
        Thread.sleep(2_000);
        return (allocatedBytes() - before) * SECOND_NS / (System.nanoTime() - startNs);
    }

    private String publishMirror() {
        for (int i = 0; i < 2; i++) {
            String disk = "uring://" + directory.resolve("d" + i) + "?name=d" + i + "&create=true&size_mb=64";
            ask.get(engine.createPool(new PoolSpec("p" + i, null, List.of(disk), 1 << 20, List.of(), false)));
            ask.get(engine.createReplica(new ReplicaSpec(REPLICAS.get(i), "r" + i, "p" + i, 32 << 20, i == 0)));
        }
        ask.get(engine.createNexus(new NexusSpec(NEXUS, "vol", List.of("lvol:///p0/r0", "lvol:///p1/r1"), 0, null)));
        return ask.get(engine.publishNexus(NEXUS, new ShareSpec(List.of("any")))).share().nqn();
    }

    private NvmeTcpClient connect(int queueId, int controllerId, String nqn) {
        ListenerView at = ask.get(engine.info()).listeners().getFirst();
        NvmeTcpClient client = NvmeTcpClient.open(new InetSocketAddress(at.address(), at.port())).initialize(0, 3, 1);
        assertEquals(0, client.connect(queueId, 64, controllerId, nqn, HOST, UUID.fromString(NEXUS), 0, 0).status());
        return queueId == 0 ? client.enable() : client;
    }

    private static long allocatedBytes() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = 0;
        int reactors = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("reactor-")) {
                sum += threads.getThreadAllocatedBytes(thread.threadId());
                reactors++;
            }
        }
        assertTrue(reactors > 0, "the reactors' threads are found by name");
        return sum;
    }

    /** Reads and writes of 4 KiB within 16 MiB, and every twentieth a write of 16 KiB by R2T. */
    private static void load(NvmeTcpClient io) {
        byte[] small = new byte[4096];
        byte[] large = new byte[16_384];
        ArrayDeque<Integer> flying = new ArrayDeque<>();
        for (int i = 0; i < COMMANDS; i++) {
            if (flying.size() == DEPTH) {
                assertEquals(0, io.await(flying.poll()).status());
            }
            long lba = i * 7919L % 4096 * 8;
            byte[] data = i % 20 == 0 ? large : small;
            if (i % 2 == 0) {
                long fits = Math.min(lba, 32_768 - data.length / BLOCK);
                flying.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, fits, data.length / BLOCK, 0), data,
                        data == small, 0));
            } else {
                flying.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, lba, 8, 0), null, false, 4096));
            }
        }
        while (!flying.isEmpty()) {
            assertEquals(0, io.await(flying.poll()).status());
        }
    }
}
