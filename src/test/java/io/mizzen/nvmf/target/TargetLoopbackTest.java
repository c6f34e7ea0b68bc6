package io.mizzen.nvmf.target;

import static io.mizzen.nvmf.target.LoopbackTarget.ANY;
import static io.mizzen.nvmf.target.LoopbackTarget.BLOCK;
import static io.mizzen.nvmf.target.LoopbackTarget.queue;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.Opcodes;
import io.mizzen.reactor.Reactor;
import io.mizzen.ring.ReactorRing;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.Patience;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The target on real reactors and rings, over the loopback interface. */
class TargetLoopbackTest {
    private static final int COMMANDS = 20_000;
    private static final long ENTER_BYTES = 40;

    private static InetSocketAddress local(String address) throws Exception {
        return new InetSocketAddress(InetAddress.getByName(address), 0);
    }

    @Test
    void severalQueuesAtOnceOverBothFamilies() throws Exception {
        try (LoopbackTarget t = new LoopbackTarget(2, 50_000)) {
            InetSocketAddress four = t.listen(local("127.0.0.1"));
            InetSocketAddress six = t.listen(local("::1"));
            try (NvmeTcpClient admin = queue(six, 0, ANY, 3, 1, 0)) {
                int id = t.controllerId();
                List<CompletableFuture<Void>> workers = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    workers.add(worker(i % 2 == 0 ? four : six, i, id));
                }
                workers.forEach(t.real::await);
                assertEquals(0, admin.admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status());
            }
            TargetStats stats = t.real.call(0, () -> t.target.stats());
            assertTrue(stats.commands > 1000);
            assertEquals(0, stats.terminationsSent);
        }
    }

    private static CompletableFuture<Void> worker(InetSocketAddress address, int worker, int controllerId) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> {
            try (NvmeTcpClient io = queue(address, worker + 1, controllerId, worker, worker + 1,
                    worker == 2 ? FabricsCommand.CATTR_NO_FLOW_CONTROL : 0)) {
                verify(io, worker);
                done.complete(null);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    /** Random reads and writes of one quarter of the disk against a model. */
    private static void verify(NvmeTcpClient io, int worker) {
        Random random = new Random(worker);
        int blocks = 4096;
        byte[] model = new byte[blocks * BLOCK];
        for (int round = 0; round < 300; round++) {
            int count = 1 + random.nextInt(random.nextInt(10) == 0 ? 256 : 16);
            int at = random.nextInt(blocks - count);
            if (random.nextBoolean()) {
                byte[] data = TargetFixture.pattern(count * BLOCK, random.nextInt());
                System.arraycopy(data, 0, model, at * BLOCK, data.length);
                assertEquals(0, io.write(1, worker * 4096L + at, data, BLOCK, data.length <= 8192).status());
            } else {
                assertArrayEquals(java.util.Arrays.copyOfRange(model, at * BLOCK, (at + count) * BLOCK),
                        io.read(1, worker * 4096L + at, count, BLOCK).data());
            }
        }
    }

    /**
     * Over the whole path, on a reactor that spins. A system call whose errno is captured makes one slice of a segment
     * until the compiler has inlined it, whenever that is: so many bytes for each enter of the ring are not counted.
     */
    @Test
    void nothingIsAllocatedPerCommand() throws Exception {
        try (LoopbackTarget t = new LoopbackTarget(1, -1)) {
            InetSocketAddress address = t.listen(local("127.0.0.1"));
            try (NvmeTcpClient admin = queue(address, 0, ANY, 3, 1, 0);
                    NvmeTcpClient io = queue(address, 1, t.controllerId(), 3, 1, 0)) {
                long perCommand = Patience.leastAllocated(0, () -> {
                    long before = allocatedBytes(t);
                    long entersBefore = enters(t);
                    load(io, COMMANDS);
                    long enters = enters(t) - entersBefore;
                    return (allocatedBytes(t) - before - enters * ENTER_BYTES) / COMMANDS;
                });
                assertTrue(perCommand <= 0, perCommand + " bytes are allocated for each command, once warm");
                assertEquals(0, admin.admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status());
            }
        }
    }

    private static long enters(LoopbackTarget t) {
        return t.real.call(0, () -> ReactorRing.of(t.real.reactor(0)).stats().enters());
    }

    private static long allocatedBytes(LoopbackTarget t) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = 0;
        for (Reactor reactor : t.real.reactors().all()) {
            sum += threads.getThreadAllocatedBytes(reactor.thread().threadId());
        }
        return sum;
    }

    /** Reads and writes of 4 KiB, 32 at a time, every tenth write of 16 KiB by R2T. */
    private static void load(NvmeTcpClient io, int commands) {
        byte[] small = new byte[4096];
        byte[] large = new byte[16_384];
        ArrayDeque<Integer> flying = new ArrayDeque<>();
        for (int i = 0; i < commands; i++) {
            if (flying.size() == 32) {
                assertEquals(0, io.await(flying.poll()).status());
            }
            byte[] data = i % 20 == 0 ? large : small;
            if (i % 2 == 0) {
                flying.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, i % 4096, data.length / BLOCK, 0), data,
                        data == small, 0));
            } else {
                flying.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, i % 4096, 8, 0), null, false, 4096));
            }
        }
        while (!flying.isEmpty()) {
            assertEquals(0, io.await(flying.poll()).status());
        }
    }
}
