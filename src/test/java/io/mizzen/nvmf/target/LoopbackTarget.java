package io.mizzen.nvmf.target;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.util.Completion;
import java.net.InetSocketAddress;

/** A target on real reactors and rings with one RAM disk, open to every host. */
final class LoopbackTarget implements AutoCloseable {
    static final int ANY = FabricsCommand.CNTLID_DYNAMIC;
    static final int BLOCK = 512;

    final RealReactors real;
    final BdevRegistry registry = new BdevRegistry();
    final MallocBdev disk = new MallocBdev("disk", TargetFixture.VOLUME, BLOCK, 16_384);
    final Target target;
    final Subsystem subsystem;

    LoopbackTarget(int reactorCount, long spinNs) {
        real = new RealReactors(reactorCount, spinNs);
        TargetConfig config = TargetConfig.defaults().withConnections(32, 32, 16);
        target = real.ok(done -> Target.start(real.reactor(0).mthread(), real.reactors().all(), config,
                real.pools().memory(), registry, (s, n) -> { }, done));
        real.run(0, () -> registry.register(disk));
        subsystem = real.ok(done -> target.createSubsystem(TargetFixture.NQN, "S0001", HostAccess.anyHost(), done));
        real.ok((Completion<Namespace> done) -> target.addNamespace(subsystem, 1, disk,
                NamespaceIdentity.of(TargetFixture.VOLUME), done));
    }

    InetSocketAddress listen(InetSocketAddress address) {
        return real.call(0, () -> target.listen(address));
    }

    int controllerId() {
        return real.call(0, () -> target.controllers().get(0).controllerId());
    }

    static NvmeTcpClient queue(InetSocketAddress address, int queueId, int controllerId, int digests, int maxR2t,
            int attributes) {
        NvmeTcpClient client = NvmeTcpClient.open(address).initialize(0, digests, maxR2t);
        NvmeTcpClient.Reply reply = client.connect(queueId, 64, controllerId, TargetFixture.NQN, TargetFixture.HOST,
                TargetFixture.HOST_ID, attributes, 0);
        if (reply.status() != 0) {
            throw new AssertionError("connect: " + reply);
        }
        return queueId == 0 ? client.enable() : client;
    }

    /** Stops everything; every buffer must be back. */
    @Override
    public void close() {
        real.ok((Completion<Void> done) -> target.stop(done));
        real.close();
        real.pools().all().forEach(pool -> {
            if (pool.freeCount() != pool.count()) {
                throw new AssertionError("pool " + pool.name() + " has " + pool.freeCount() + " of " + pool.count());
            }
        });
    }
}
