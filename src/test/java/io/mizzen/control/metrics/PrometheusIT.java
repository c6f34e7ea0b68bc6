package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.ChildProcess;
import io.mizzen.testsupport.EngineProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * A real Prometheus scrapes the packaged engine. While all is well no alert is raised. Then one thing after the other
 * goes wrong, and the rule that is there for it raises its alert. Every panel shows something in the one phase or in the other, and
 * every metric that a rule names has data.
 */
class PrometheusIT {
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final long FOOTPRINT_MAX_BYTES = 400L << 20;
    private static final int SCRAPES_MIN = 6;
    /** What no engine is brought to within this test; {@link AlertRulesIT} shows with invented series that they fire. */
    private static final Set<String> INVENTED_ONLY = Set.of(
        "MizzenReactorStopped",         // A reactor that ends by itself ends the engine with it: seen for an instant only, if at all.
        "MizzenReactorOverBusy");       // A rate over five minutes: that long a core would have to be loaded to the full.

    @TempDir
    Path directory;

    @Test
    void everyPanelShowsDataAndEveryRuleRaisesItsAlertWhenItShouldAndOnlyThen() throws Exception {
        try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.reactor.stall-threshold", "1m")
                .property("mizzen.health.stall", PoolTroubles.STALL.toSeconds() + "s").start();
                PrometheusServer prometheus = PrometheusServer.start(directory, engine.restPort())) {
            Troubles troubles = new Troubles(engine, directory);
            AlertWatch watch = new AlertWatch(prometheus, rule -> !rule.startsWith(NvmeDrivesIT.RULES));
            troubles.createObjects();
            Set<String> empty;
            try (LoadHost host = new LoadHost(engine.nvmfPort(), troubles.nqn())) {
                loadFor(SCRAPES_MIN, host, prometheus);
                checkRates(prometheus, host);
                checkFootprint(engine);
                Set<String> unknown = watch.checkWhileWell(32);
                empty = watch.emptyQuestions(PrometheusIT::isMine, 80);
                checkForm(directory, engine.http().get("/actuator/prometheus").expect(200).text());
                goWrong(troubles, host, watch);
                unknown.removeIf(prometheus::hasData);
                assertThat(unknown).as("metrics that rules name and the engine does not have").isEmpty();
                loadFor(2, host, prometheus);
                empty.retainAll(watch.emptyQuestions(PrometheusIT::isMine, 80));
            }
            assertThat(empty).as("panels that never showed data").isEmpty();
            goWrongAcrossARestart(troubles, engine, watch);
            watch.checkAllRaised(INVENTED_ONLY);
        }
    }

    /** Writes and reads until that many more scrapes have been stored. */
    private static void loadFor(int scrapes, LoadHost host, PrometheusServer prometheus) {
        double enough = prometheus.value("count_over_time(mizzen_connections[10m])") + scrapes;
        prometheus.await(scrapes + " scrapes under I/O", () -> {
            host.writeAndRead();
            return prometheus.value("count_over_time(mizzen_connections[10m])") >= enough;
        });
    }

    private static void checkRates(PrometheusServer prometheus, LoadHost host) {
        assertThat(prometheus.value("mizzen_connections")).isEqualTo(2);
        String labels = ",operation=\"write\"}[10s])";
        prometheus.await("rates of writes", () -> {
            host.writeAndRead();
            return prometheus.value("rate(mizzen_io_operations_total{kind=\"nexus\",name=\"mirror\"" + labels) > 0
                && prometheus.value("rate(mizzen_io_bytes_total{kind=\"replica\",name=\"a/mirror\"" + labels) > 0;
        });
        // One that takes longer than a second counts as a failed scrape: the first ones of a cold engine may.
        prometheus.await("scrapes in time", () -> prometheus.value("min_over_time(up{job=\"mizzen\"}[3s])") == 1);
    }

    /** Heap, classes, code, stacks, rings: all but the memory that the engine was told to take. */
    private static void checkFootprint(EngineProcess engine) throws IOException {
        long own = 0;
        for (JsonNode region : engine.http().get("/v1/memory").expect(200).json().path("regions")) {
            own += region.path("sizeBytes").asLong();
        }
        assertThat(own).isPositive();
        assertThat(engine.proportionalSetBytes() - own).isBetween(0L, FOOTPRINT_MAX_BYTES);
    }

    /** The others show drives that this machine does not have: {@link NvmeDrivesIT}. */
    private static boolean isMine(String dashboard) {
        return !dashboard.equals(NvmeDrivesIT.DASHBOARD);
    }

    /** The form must be right for all; advice on names (status 3) is followed for ours, libraries name theirs. */
    static void checkForm(Path directory, String scrape) throws IOException {
        Path file = directory.resolve("scrape.txt");
        Files.writeString(file, scrape);
        String advice = ChildProcess.run(0, SOON, "bash", "-c", "promtool check metrics < \"$1\" || [ $? = 3 ]", "promtool",
            file.toString());
        assertThat(advice.lines()).allMatch(line -> line.matches("(http|jvm|process|system)_.*"));
    }

    private void goWrong(Troubles troubles, LoadHost host, AlertWatch watch) throws IOException {
        troubles.fillPools();
        troubles.failAWrite(host);
        troubles.comeAndGo();
        troubles.askForWhatIsNotThere();
        assertThat(host.writeDamaged()).isNotZero();
        troubles.failToStore();
        watch.await("MizzenPoolNearlyFull", SOON, Map.of("name", "tight"));
        watch.await("MizzenPoolOvercommitted", SOON, Map.of("name", "tight"));
        watch.await("MizzenPoolCommitLimitNear", SOON, Map.of("name", "tight"));
        goWrongBelowPools(troubles.ofPools(), watch);
        watch.await("MizzenIoErrors", SOON, Map.of("name", "leg", "operation", "write"));
        watch.await("MizzenChildErrors", SOON, Map.of("name", "mirror", "operation", "write"));
        watch.await("MizzenNexusDegraded", SOON, Map.of("name", "mirror"));
        watch.await("MizzenChildFaulted", SOON, Map.of("name", "mirror", "state", "faulted"));
        watch.await("MizzenConnectionChurn", SOON, Map.of());
        watch.await("MizzenHostsRefused", SOON, Map.of());
        watch.await("MizzenDigestErrors", SOON, Map.of());
        watch.await("MizzenStateNotStored", SOON, Map.of());
        troubles.refuseMetadata(() -> {
            watch.await("MizzenMetadataNotStored", SOON, Map.of("name", "stubborn"));
            watch.await("MizzenNexusFrozen", SOON, Map.of("name", "stubborn"));
        });
        troubles.loseTheLastChild(() -> {
            watch.await("MizzenNexusWithoutHealthyChild", SOON, Map.of("name", "single"));
            watch.await("MizzenNexusFrozen", SOON, Map.of("name", "single"));
        });
        troubles.readInVain(read -> watch.await("MizzenReadsNotRepaired", SOON, Map.of("name", "scratched"), read));
        troubles.replaceAndPause();
        watch.await("MizzenRebuildStalled", SOON, Map.of("name", "mirror", "kind", "full"));
    }

    private static void goWrongBelowPools(PoolTroubles troubles, AlertWatch watch) throws IOException {
        troubles.crowdMetadata();
        watch.await("MizzenPoolMetadataNearlyFull", SOON, Map.of("name", "crowded"));
        troubles.refuseAWrite();
        watch.await("MizzenPoolFull", SOON, Map.of("name", "full"));
        troubles.failReads(1);
        watch.await("MizzenPoolDegraded", SOON, Map.of("name", "ill"));
        watch.await("MizzenPoolDiskErrors", SOON, Map.of("pool", "ill", "disk", "ill-disk"));
        watch.await("MizzenJobFailed", SOON, Map.of("kind", "replica-wipe"));
        troubles.stall();
        watch.await("MizzenPoolDiskStalls", SOON, Map.of("pool", "ill", "disk", "ill-disk"));
        troubles.failReads(9);
        watch.await("MizzenPoolSuspected", SOON, Map.of("name", "ill"));
        troubles.checkSuspected();
        troubles.growTheWrongDisk();
        watch.await("MizzenPoolDiskSpaceUnusable", SOON, Map.of("pool", "wide"));
        troubles.shrinkADisk();
        watch.await("MizzenPoolFaulted", SOON, Map.of("name", "wide"));
    }

    private void goWrongAcrossARestart(Troubles troubles, EngineProcess engine, AlertWatch watch) throws Exception {
        engine.killHard();
        watch.await("MizzenEngineDown", SOON, Map.of());
        troubles.takeDiskAway();
        engine.property("mizzen.reactor.stall-threshold", "10ms").property("mizzen.cores", "0")
            .property("mizzen.reactor.mode", "busy").property("mizzen.memory.size", "64MiB")
            .environment("MIZZEN_JAVA_OPTS", "-XX:+UseSerialGC").environment("MIZZEN_AOT", "off").start();
        watch.await("MizzenPoolNotImported", SOON, Map.of("kind", "pool"));
        watch.await("MizzenRestoreFailed", SOON, Map.of("kind", "nexus"));
        troubles.readMoreThanFits(() -> watch.await("MizzenBufferPoolExhausted", SOON, Map.of("pool", "large")));
        troubles.starveTheReactor();
        watch.await("MizzenControlReactorBusy", SOON, Map.of());
        troubles.collect(pause -> watch.await("MizzenLongPauses", SOON, Map.of("job", "mizzen"), pause));
        watch.await("MizzenReactorStalled", SOON, Map.of("core", "0"), () -> {
            engine.signal("STOP");
            engine.signal("CONT");
        });
        engine.stopCleanly();
    }
}
