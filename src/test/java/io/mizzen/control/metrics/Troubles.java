package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import io.mizzen.testsupport.ChildProcess;
import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.NvmeTcpClient;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import tools.jackson.databind.JsonNode;

/**
 * What goes wrong on an engine with three pools: "a" and "b" hold the replicas of the published nexus "mirror", "tight" is
 * there to be filled. The nexus "lonely" has one replica, on "b", and "single" one file. "stubborn" and "scratched" have two
 * children each, on "a" and "b", whose I/O can be failed.
 */
final class Troubles {
    private static final long MIB = 1 << 20;
    private static final String LEG = "fault:///leg?base=lvol:///b/mirror";
    private static final int CONNECTIONS = 40;
    private static final long SMALL_BYTES = 12 * MIB;
    /** Where a nexus keeps its metadata on a child, in blocks of 512 bytes. */
    private static final long METADATA_BLOCK = MIB / LoadHost.BLOCK_BYTES;
    private static final long METADATA_BLOCKS = 3 * METADATA_BLOCK;
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final double NEARLY_FULL = 0.95;
    /** Of "tight": a little more than it will have promised. */
    private static final int LIMIT_PERCENT = 192;
    private static final Duration SLOW = Duration.ofSeconds(10);
    /** Together they want more than 64 MiB have: 256 buffers. */
    private static final int HOSTS = 10;
    private static final int OTHERS = 6;
    private static final Pattern UNANSWERED = Pattern.compile("(?m)^mizzen_scrape_unanswered_total (\\S+)$");
    private static final int UNANSWERED_MIN = 3;
    private final EngineProcess engine;
    private final EngineHttp http;
    private final Path directory;
    private final PoolTroubles poolTroubles;
    private String nqn;

    Troubles(EngineProcess engine, Path directory) {
        this.engine = engine;
        this.http = engine.http();
        this.directory = directory;
        this.poolTroubles = new PoolTroubles(engine, directory);
    }

    /** What goes wrong below pools. */
    PoolTroubles ofPools() {
        return poolTroubles;
    }

    /** Of the nexus "mirror". */
    String nqn() {
        return nqn;
    }

    void createObjects() {
        for (String pool : List.of("a", "b", "tight")) {
            http.put("/v1/pools/" + uuid(pool), Map.of("name", pool, "disks", List.of("uring://" + disk(pool)
                + "?create=true&size_mb=64"))).expect(201);
        }
        http.put("/v1/pools/" + uuid("tight") + "/commit-limit", Map.of("commitLimitPercent", LIMIT_PERCENT)).expect(200);
        poolTroubles.createPools();
        replica("a", "mirror", 16 * MIB, false);
        replica("b", "mirror", 16 * MIB, true);
        replica("b", "lonely", 16 * MIB, true);
        http.post("/v1/replicas/" + uuid("b/lonely") + "/snapshots", Map.of("name", "before")).expect(201);
        // Ours, so that it and its counters are there still when the nexus has done with it.
        http.post("/v1/bdevs", Map.of("uri", LEG)).expect(201);
        nexus("mirror", "lvol:///a/mirror", LEG);
        nexus("lonely", "lvol:///b/lonely");
        nexus("single", "uring://" + disk("single") + "?create=true&size_mb=16");
        for (String name : List.of("stubborn", "scratched")) {
            nexus(name, faulty("a", name), faulty("b", name));
        }
        http.put("/v1/nexuses/" + uuid("mirror") + "/limits", Map.of("readOperations", Map.of("perSecond", 4, "burst", 1),
            "totalBytes", Map.of("perSecond", 100 * MIB))).expect(200);
        nqn = publish("mirror");
    }

    /** A replica and a bdev round it that can fail; returns that one's URI. */
    private String faulty(String pool, String name) {
        replica(pool, name, SMALL_BYTES, true);
        String uri = "fault:///" + name + "-" + pool + "?base=lvol:///" + pool + "/" + name;
        http.post("/v1/bdevs", Map.of("uri", uri)).expect(201);
        return uri;
    }

    private LoadHost hostOf(String nexus) {
        return new LoadHost(engine.nvmfPort(), publish(nexus));
    }

    /** Returns the NQN. */
    private String publish(String nexus) {
        return http.put("/v1/nexuses/" + uuid(nexus) + "/publication", Map.of("allowedHosts", List.of("any"))).expect(200)
            .json().path("share").path("nqn").asString();
    }

    private void replica(String pool, String name, long sizeBytes, boolean thin) {
        http.put("/v1/replicas/" + uuid(pool + "/" + name), Map.of("name", name, "pool", pool, "sizeBytes", sizeBytes,
            "thin", thin)).expect(201);
    }

    private void nexus(String name, String... children) {
        http.put("/v1/nexuses/" + uuid(name), Map.of("name", name, "children", List.of(children))).expect(201);
    }

    /** "tight" has promised more than it has, and nearly all of it is used. */
    void fillPools() {
        JsonNode pool = http.get("/v1/pools/" + uuid("tight")).expect(200).json();
        long cluster = pool.path("clusterSizeBytes").asLong();
        long size = (long) (pool.path("capacityBytes").asLong() * NEARLY_FULL) / cluster * cluster;
        replica("tight", "large", size, false);
        replica("tight", "promised", size, true);
    }

    /** A leg of "mirror" fails a write and is taken out. */
    void failAWrite(LoadHost host) {
        http.put("/v1/bdevs/leg/faults/writes", Map.of("operation", "WRITE", "action", "ERROR", "count", 1)).expect(201);
        host.writeAndRead();
        JsonNode view = http.get("/v1/nexuses/" + uuid("mirror")).expect(200).json();
        assertThat(view.path("state").asString()).isEqualTo("DEGRADED");
    }

    /** Neither child of "stubborn" takes metadata while this runs, and a host's write waits; then it is done. */
    void refuseMetadata(Runnable meanwhile) {
        String nexus = "/v1/nexuses/" + uuid("stubborn");
        List<String> rules = List.of("/v1/bdevs/stubborn-a/faults/metadata", "/v1/bdevs/stubborn-b/faults/metadata");
        waitLong(nexus);
        try (LoadHost host = hostOf("stubborn")) {
            for (String rule : rules) {
                http.put(rule, Map.of("operation", "WRITE", "action", "ERROR", "startBlock", METADATA_BLOCK, "blockCount",
                    METADATA_BLOCKS)).expect(201);
            }
            assertThat(http.send("POST", nexus + "/children/stubborn-a/fault", null).expect(500).json().path("code").asString())
                .isEqualTo("nexus-metadata-not-stored");
            int write = host.beginWrite();
            meanwhile.run();
            rules.forEach(rule -> http.delete(rule).expect(204));
            host.endWrite(write);
        }
        assertThat(http.get(nexus).expect(200).json().path("metadataBlocked").asBoolean()).isFalse();
    }

    /** However slow this machine is, the hosts' wait does not end by itself. */
    private void waitLong(String nexus) {
        http.patch(nexus + "/settings", Map.of("freezeTimeoutMs", Duration.ofMinutes(30).toMillis())).expect(200);
    }

    /** The only child of "single" goes while this runs, and a host's write waits; then the nexus goes too. */
    void loseTheLastChild(Runnable meanwhile) throws IOException {
        String nexus = "/v1/nexuses/" + uuid("single");
        waitLong(nexus);
        try (LoadHost host = hostOf("single")) {
            Files.newByteChannel(disk("single"), StandardOpenOption.WRITE).truncate(0).close();
            engine.await("the child is lost", SOON, () -> !http.get(nexus + "/children").json().path(0).path("healthy").asBoolean());
            host.beginWrite();
            meanwhile.run();
        }
        http.delete(nexus + "/publication").expect(204);
        http.delete(nexus).expect(204);
    }

    /** What a child of "scratched" cannot read it cannot read after it was rewritten either, {@code untilSeen}. */
    void readInVain(Consumer<Runnable> untilSeen) {
        try (LoadHost host = hostOf("scratched")) {
            host.writeAndRead();
            http.put("/v1/bdevs/scratched-b/faults/reads", Map.of("operation", "READ", "action", "ERROR")).expect(201);
            untilSeen.accept(host::read);
        }
    }

    /** The leg of "mirror" that is out is replaced by itself: all of it is to be copied, and is not. */
    void replaceAndPause() {
        String nexus = "/v1/nexuses/" + uuid("mirror");
        http.patch(nexus + "/settings", Map.of("rebuildBytesPerSecond", MIB)).expect(200);
        String leg = member(nexus, LEG);
        http.delete(nexus + "/children/" + leg).expect(204);
        http.post(nexus + "/children", Map.of("uri", LEG)).expect(202);
        http.send("POST", nexus + "/children/" + member(nexus, LEG) + "/rebuild/pause", null).expect(200);
    }

    private String member(String nexus, String uri) {
        for (JsonNode child : http.get(nexus + "/children").expect(200).json()) {
            if (uri.equals(child.path("uri").asString())) {
                return child.path("memberUuid").asString();
            }
        }
        throw new AssertionError("no child " + uri);
    }

    /** Hosts connect and leave at once. */
    void comeAndGo() {
        for (int i = 0; i < CONNECTIONS; i++) {
            LoadHost.client(engine.nvmfPort()).close();
        }
    }

    /** Hosts want a subsystem that nobody has published. */
    void askForWhatIsNotThere() {
        for (int i = 0; i < CONNECTIONS; i++) {
            try (NvmeTcpClient client = LoadHost.client(engine.nvmfPort())) {
                assertThat(LoadHost.connect(client, nqn + "0", 0, 0xffff).status()).isNotZero();
            }
        }
    }

    /** The state directory cannot be written for a while. */
    void failToStore() throws IOException {
        Path documents = directory.resolve("state/bdevs");
        Path aside = directory.resolve("state/bdevs-aside");
        Files.move(documents, aside);
        http.post("/v1/bdevs", Map.of("uri", "null:///unstored?size_mb=16")).expect(500);
        Files.move(aside, documents);
    }

    /** The JVM, which has a collector that stops everything, collects again and again, {@code untilSeen}. */
    void collect(Consumer<Runnable> untilSeen) throws IOException, AttachNotSupportedException {
        VirtualMachine machine = VirtualMachine.attach(Long.toString(engine.pid()));
        try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()))) {
            MemoryMXBean memory = ManagementFactory.newPlatformMXBeanProxy(connector.getMBeanServerConnection(),
                ManagementFactory.MEMORY_MXBEAN_NAME, MemoryMXBean.class);
            untilSeen.accept(memory::gc);
        } finally {
            machine.detach();
        }
    }

    /** Others have the CPU of the only reactor nearly for themselves, until it has left scrapes without an answer. */
    void starveTheReactor() throws IOException {
        String reactor = thread("reactor-0");
        List<ChildProcess> others = new ArrayList<>();
        ChildProcess.run(0, SOON, "chrt", "--idle", "--pid", "0", reactor);
        try {
            for (int i = 0; i < OTHERS; i++) {
                others.add(ChildProcess.start("other work", List.of("taskset", "--cpu-list", "0", "sh", "-c", "while :; do :; done"),
                    Map.of(), directory.resolve("others.log")));
            }
            engine.await("questions without an answer", SOON, () -> UNANSWERED.matcher(http.get("/actuator/prometheus").expect(200)
                .text()).results().anyMatch(match -> Double.parseDouble(match.group(1)) > UNANSWERED_MIN));
        } finally {
            others.forEach(ChildProcess::close);
            ChildProcess.run(0, SOON, "chrt", "--other", "--pid", "0", reactor);
        }
    }

    private static String comm(Path task) {
        try {
            return Files.readString(task.resolve("comm")).strip();
        } catch (IOException ended) {
            return "";      // A thread of the JVM's that is gone already.
        }
    }

    private String thread(String name) throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + engine.pid() + "/task"))) {
            for (Path task : tasks.toList()) {
                if (comm(task).equals(name)) {
                    return task.getFileName().toString();
                }
            }
        }
        throw new AssertionError("the engine has no thread " + name);
    }

    /** Hosts read more at once from a slow disk than there are buffers for. */
    void readMoreThanFits(Runnable meanwhile) {
        http.post("/v1/bdevs", Map.of("uri", "malloc:///memory?size_mb=16")).expect(201);
        http.post("/v1/bdevs", Map.of("uri", "fault:///slow-disk?base=memory")).expect(201);
        nexus("slow", "bdev:///slow-disk");
        String nqn = publish("slow");
        http.put("/v1/bdevs/slow-disk/faults/reads", Map.of("operation", "READ", "action", "DELAY", "delayNs", SLOW.toNanos())).expect(201);
        List<LoadHost> hosts = new ArrayList<>();
        try {
            for (int i = 0; i < HOSTS; i++) {
                LoadHost host = new LoadHost(engine.nvmfPort(), nqn);
                hosts.add(host);
                host.beginLargeReads();
            }
            meanwhile.run();
        } finally {
            hosts.forEach(LoadHost::close);
        }
    }

    /** The disk of pool "b" is not there any more. */
    void takeDiskAway() throws IOException {
        Files.move(disk("b"), disk("b-away"));
    }

    private Path disk(String pool) {
        return directory.resolve(pool + ".img");
    }

    private static String uuid(String what) {
        return UUID.nameUUIDFromBytes(what.getBytes(StandardCharsets.UTF_8)).toString();
    }
}
