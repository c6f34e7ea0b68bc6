package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.HealthState;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.SnapshotView;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Who holds the space of a pool: "volume" has two snapshots, "copy" is a clone of the older and has one of its own, "foreign"
 * is a clone of one that nobody knows the source of, "plain" has nothing to do with any.
 */
class ReplicaFamiliesTest {
    private static final List<ReplicaView> VOLUMES = List.of(volume("volume", "second", 1, 30), volume("copy", "of-copy", 2, 25),
        volume("foreign", "unknown", 4, 7), volume("plain", null, 8, 0), held("first", null, 20), held("second", "first", 10),
        held("of-copy", "first", 5), held("unknown", null, 7));
    private static final List<SnapshotView> SNAPSHOTS = List.of(snapshot("first", "volume", null, 20), snapshot("second", "volume",
        "first", 10), snapshot("of-copy", "copy", "first", 5), snapshot("unknown", null, null, 7));

    @Test
    void spaceOfReplicasTheirSnapshotsAndClonesIsSummedForEachPool() {
        Map<String, Double> values = values(List.of(pool("a"), pool("empty")));
        assertThat(values).containsEntry("mizzen_pool_volumes replica a", 2.0).containsEntry("mizzen_pool_volumes clone a", 2.0)
            .containsEntry("mizzen_pool_volumes snapshot a", 4.0).containsEntry("mizzen_pool_allocated_bytes replica a", 9.0)
            .containsEntry("mizzen_pool_allocated_bytes clone a", 6.0).containsEntry("mizzen_pool_allocated_bytes snapshot a", 42.0)
            .containsEntry("mizzen_pool_volumes replica empty", 0.0).containsEntry("mizzen_pool_allocated_bytes snapshot empty", 0.0);
    }

    @Test
    void eachReplicaTellsWhatItHoldsAndWhatItReadsFromSnapshots() {
        Map<String, Double> values = values(List.of(pool("a")));
        assertThat(values).containsEntry("mizzen_replica_size_bytes volume a", 100.0)
            .containsEntry("mizzen_replica_allocated_bytes volume a", 1.0).containsEntry("mizzen_replica_snapshot_bytes volume a", 30.0)
            .containsEntry("mizzen_replica_snapshots volume a", 2.0).containsEntry("mizzen_replica_snapshots copy a", 1.0)
            .containsEntry("mizzen_replica_snapshots plain a", 0.0).containsEntry("mizzen_snapshot_allocated_bytes second a", 10.0)
            .containsEntry("mizzen_snapshot_pause_seconds second a", 0.002);
        assertThat(values).as("of an earlier run").doesNotContainKey("mizzen_snapshot_pause_seconds first a");
        assertThat(values.keySet()).noneMatch(series -> series.startsWith("mizzen_replica_") && series.contains("second"));
    }

    /** By name, kind if there is one, object and pool. */
    private static Map<String, Double> values(List<PoolView> pools) {
        Families families = new Families();
        ReplicaFamilies.add(families, pools, VOLUMES, SNAPSHOTS);
        return families.build().stream().flatMap(family -> ((GaugeSnapshot) family).getDataPoints().stream().map(point -> Map.entry(
            key(family, point.getLabels().stream().collect(Collectors.toMap(label -> label.getName(), label -> label.getValue()))),
            point.getValue()))).collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    private static String key(MetricSnapshot family, Map<String, String> labels) {
        return family.getMetadata().getName() + (labels.containsKey("kind") ? " " + labels.get("kind") : "") + " " + labels.get("name")
            + (labels.containsKey("pool") ? " " + labels.get("pool") : "");
    }

    private static ReplicaView volume(String name, String parent, long allocatedBytes, long snapshotBytes) {
        return view(name, parent, allocatedBytes, snapshotBytes, false);
    }

    private static ReplicaView held(String snapshot, String parent, long allocatedBytes) {
        return view(snapshot, parent, allocatedBytes, 0, true);
    }

    private static ReplicaView view(String name, String parent, long allocatedBytes, long snapshotBytes, boolean snapshot) {
        return new ReplicaView("uuid-" + name, name, "a", "uuid-a", 100, allocatedBytes, snapshotBytes, true, snapshot, parent,
            "lvol:///a/" + name, "a/" + name, true, null, null, null, null);
    }

    private static SnapshotView snapshot(String name, String replica, String parent, long allocatedBytes) {
        return new SnapshotView("uuid-" + name, name, "a", "uuid-a", 100, allocatedBytes, replica == null ? null : "uuid-" + replica,
            parent, List.of(), null, null, null, null, false, name.equals("first") ? null : Long.valueOf(2_000_000), true, null);
    }

    private static PoolView pool(String name) {
        return new PoolView(name, "uuid-" + name, List.of(), "ONLINE", null, 1, 512, 1000, 0, 1000, 0, 0, 0, false, false, 0, 0, 0, false,
            List.of(), new PoolView.Storage(false, 0, 0, 0, 0, 0, List.of(), false, 0), new PoolView.Health(HealthState.ONLINE, null, List.of()));
    }
}
