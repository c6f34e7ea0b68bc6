package io.mizzen.nvmf.target;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.memory.BufferPool;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.testsupport.FakeSockets;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.TestMemory;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;

/** A target on hand-driven reactors with sockets in memory, one subsystem with one RAM disk. */
final class TargetFixture {
    static final String NQN = "nqn.2026-11.io.mizzen:volume-1";
    static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:0f8fad5b-d9cb-469f-a165-70867728950e";
    static final UUID HOST_ID = UUID.fromString("0f8fad5b-d9cb-469f-a165-70867728950e");
    static final UUID VOLUME = UUID.fromString("7d444840-9dc0-11d1-b245-5ffdce74fad2");
    static final int BLOCK = 512;
    static final int BLOCKS = 4096;

    final HandReactors hand;
    final FakeSockets sockets;
    /** One for all tests: a stopped target has given everything back, or its test has failed. */
    private static final TestMemory MEMORY = new TestMemory(32L << 20, 512, 128, 2);
    final TestMemory memory = MEMORY;
    final BdevRegistry registry = new BdevRegistry();
    final Target target;
    final InetSocketAddress address;
    final MallocBdev disk = new MallocBdev("disk", VOLUME, BLOCK, BLOCKS);
    final List<String> lost = new ArrayList<>();
    final List<String> hosts = new ArrayList<>();
    private final long usedAtFirst;
    Subsystem subsystem;

    TargetFixture(long seed) {
        this(seed, TargetConfig.defaults());
    }

    TargetFixture(long seed, TargetConfig config) {
        hand = new HandReactors(2, seed);
        sockets = new FakeSockets(hand);
        for (io.mizzen.reactor.Reactor reactor : hand.reactors().all()) {
            io.mizzen.bdev.BdevContext.install(reactor, 1024, memory.pools(), memory.zeroes());
        }
        usedAtFirst = memory.memory().usedBytes();
        target = control(done -> Target.start(hand.reactor(0).mthread(), hand.reactors().all(), config, memory.memory(),
                registry, new Events(), done));
        address = hand.call(0, () -> target.listen(new InetSocketAddress("127.0.0.1", 4420)));
        hand.on(0, () -> registry.register(disk));
        subsystem = control(done -> target.createSubsystem(NQN, "S0001", HostAccess.only(java.util.Set.of(HOST)), done));
        add(1, disk, VOLUME);
    }

    private final class Events implements Target.Listener {
        @Override
        public void onNamespaceLost(Subsystem from, Namespace namespace) {
            lost.add(from.nqn() + "#" + namespace.nsid());
        }

        @Override
        public void onHostConnected(ControllerInfo controller) {
            hosts.add("+" + controller.controllerId());
        }

        @Override
        public void onHostGone(ControllerInfo controller, String reason) {
            hosts.add("-" + controller.controllerId() + " " + reason);
        }
    }

    /** Runs a control operation to its end; throws its failure. */
    <T> T control(Consumer<Completion<T>> operation) {
        Object[] outcome = {null, null, null};
        hand.on(0, () -> operation.accept((value, failure) -> {
            outcome[0] = Boolean.TRUE;
            outcome[1] = value;
            outcome[2] = failure;
        }));
        hand.runUntil(() -> outcome[0] != null);
        if (outcome[2] != null) {
            throw (OperationException) outcome[2];
        }
        @SuppressWarnings("unchecked")
        T value = (T) outcome[1];
        return value;
    }

    Namespace add(int nsid, Bdev bdev, UUID uuid) {
        return control(done -> target.addNamespace(subsystem, nsid, bdev, NamespaceIdentity.of(uuid), done));
    }

    FakeSockets.Peer peer() {
        return sockets.connect(address);
    }

    NvmeTcpClient client() {
        return new NvmeTcpClient(peer());
    }

    /** An enabled admin queue, and its controller id. */
    record Admin(NvmeTcpClient client, int controllerId) {
    }

    Admin admin(int digests) {
        return admin(NQN, digests, 0);
    }

    Admin admin(String nqn, int digests, int keepAliveMs) {
        NvmeTcpClient client = client().initialize(0, digests, 1);
        NvmeTcpClient.Reply reply = client.connect(0, 32, FabricsCommand.CNTLID_DYNAMIC, nqn, HOST, HOST_ID, 0,
                keepAliveMs);
        if (reply.status() != 0) {
            throw new AssertionError("connect: " + reply);
        }
        return new Admin(client.enable(), (int) reply.result());
    }

    NvmeTcpClient io(Admin admin, int queueId, int entries, int hpda, int digests, int maxR2t, int attributes) {
        NvmeTcpClient client = client().initialize(hpda, digests, maxR2t);
        NvmeTcpClient.Reply reply = client.connect(queueId, entries, admin.controllerId(), NQN, HOST, HOST_ID,
                attributes, 0);
        if (reply.status() != 0) {
            throw new AssertionError("connect: " + reply);
        }
        return client;
    }

    NvmeTcpClient io(Admin admin, int queueId) {
        return io(admin, queueId, 128, 0, 0, 1, 0);
    }

    /** Every connection ended: nothing is held. */
    void assertNothingLeaks() {
        hand.runUntil(() -> hand.call(0, () -> target.connections().isEmpty() && target.controllers().isEmpty()));
        for (BufferPool pool : memory.pools().all()) {
            if (pool.freeCount() != pool.count()) {
                throw new AssertionError("pool " + pool.name() + " has " + pool.freeCount() + " of " + pool.count());
            }
        }
    }

    /** Stops the target; everything must be back where it came from. */
    void stop() {
        control((Completion<Void> done) -> target.stop(done));
        assertNothingLeaks();
        if (memory.memory().usedBytes() != usedAtFirst) {
            throw new AssertionError("memory in use " + memory.memory().usedBytes() + ", at first " + usedAtFirst);
        }
    }

    static byte[] pattern(int size, int seed) {
        byte[] bytes = new byte[size];
        new java.util.Random(seed).nextBytes(bytes);
        return bytes;
    }
}
