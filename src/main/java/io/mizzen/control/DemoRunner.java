package io.mizzen.control;

import io.mizzen.control.properties.MizzenProperties;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntSupplier;

/**
 * The profile {@code demo}: two sparse disk files, a pool and a replica on each, a nexus over both, published to any host;
 * then says how to use it. Everything is created idempotently, so that a demo may be started again in its directory.
 */
public final class DemoRunner {
    private static final long MIB = 1 << 20;

    private final PoolService pools;
    private final ReplicaService replicas;
    private final NexusService nexuses;
    private final MizzenProperties properties;
    private final IntSupplier restPort;
    private final PrintStream out;

    DemoRunner(PoolService pools, ReplicaService replicas, NexusService nexuses, MizzenProperties properties,
               IntSupplier restPort, PrintStream out) {
        this.pools = pools;
        this.replicas = replicas;
        this.nexuses = nexuses;
        this.properties = properties;
        this.restPort = restPort;
        this.out = out;
    }

    void run() throws IOException {
        Path directory = directory();
        Files.createDirectories(directory);
        ReplicaView a = replica(directory, DemoObjects.POOL_A, DemoObjects.POOL_A_UUID, DemoObjects.REPLICA_A_UUID);
        ReplicaView b = replica(directory, DemoObjects.POOL_B, DemoObjects.POOL_B_UUID, DemoObjects.REPLICA_B_UUID);
        nexuses.create(new NexusSpec(DemoObjects.NEXUS_UUID, DemoObjects.NEXUS, List.of(a.uri(), b.uri()), 0, null));
        print(directory, nexuses.publish(DemoObjects.NEXUS_UUID, new ShareSpec(List.of(ShareSpec.ANY_HOST))));
    }

    /** Says what is left behind; removes nothing. */
    void sayWhatRemains() {
        out.println("The demo's disks are in " + directory() + ", its desired state in " + properties.state().dir() + '.');
        out.flush();
    }

    private Path directory() {
        Path configured = properties.demo().dir();
        return (configured == null || configured.toString().isEmpty() ? properties.state().dir().resolve("demo")
            : configured).toAbsolutePath();
    }

    private ReplicaView replica(Path directory, String pool, String poolUuid, String replicaUuid) {
        String disk = "uring://" + directory.resolve(pool + ".img") + "?create=true&size_mb="
            + properties.demo().diskSize().bytes() / MIB;
        pools.create(new PoolSpec(pool, poolUuid, List.of(disk), 0, List.of(), false));
        return replicas.create(new ReplicaSpec(replicaUuid, DemoObjects.NEXUS, pool,
            properties.demo().volumeSize().bytes(), true)).view();
    }

    private void print(Path directory, NexusView nexus) {
        ListenerView listener = nexus.share().listeners().getFirst();
        String address = listener.address();
        String rest = "http://" + bracketed(properties.rest().address()) + ":" + restPort.getAsInt();
        out.printf("""

            Mizzen serves a mirrored volume of %d MiB: two pools on two sparse files in
            %s, a replica on each, a nexus over both.

              see it        nvme discover -t tcp -a %s -s %d
              attach it     nvme connect -t tcp -a %s -s %d -n %s
              (the kernel's module first: modprobe nvme-tcp)
              detach it     nvme disconnect -n %s

              Swagger UI    %s/swagger-ui.html
              metrics       %s/actuator/prometheus
              health        %s/actuator/health

            Ctrl-C stops the engine in order: hosts are disconnected, pools are closed clean.
            A second Ctrl-C stops it at once.
            %n""", nexus.sizeBytes() / MIB, directory, address, listener.port(), address, listener.port(),
            nexus.share().nqn(), nexus.share().nqn(), rest, rest, rest);
        out.flush();
    }

    private static String bracketed(String address) {
        return address.indexOf(':') >= 0 ? "[" + address + "]" : address;
    }
}
