package io.mizzen.control.metrics;

import io.mizzen.engine.model.MetricsView;
import io.prometheus.metrics.model.snapshots.Labels;

/** The NVMe/TCP target: connections, commands, hosts. */
final class TargetFamilies {
    private TargetFamilies() {
    }

    static void add(Families families, MetricsView.TargetMetrics target) {
        families.gauge("mizzen_connections", "NVMe/TCP connections", target.connections(), Labels.EMPTY);
        counter(families, "mizzen_connections_accepted", "Connections accepted", target.accepted());
        counter(families, "mizzen_connections_closed", "Connections that have ended", target.closed());
        counter(families, "mizzen_connections_refused", "Connections closed at once because there were too many",
            target.refused());
        counter(families, "mizzen_connections_timed_out", "Connections closed because nothing came from the host",
            target.timedOut());
        counter(families, "mizzen_connect_refusals", "Connect commands refused: unknown subsystem, host not allowed",
            target.connectRefused());
        terminations(families, "sent", target.terminationsSent());
        terminations(families, "received", target.terminationsReceived());
        counter(families, "mizzen_data_digest_errors", "Data that came with a wrong digest", target.dataDigestErrors());
        counter(families, "mizzen_commands", "NVMe commands completed", target.commands());
        counter(families, "mizzen_command_errors", "NVMe commands completed with an error", target.commandErrors());
        counter(families, "mizzen_command_buffer_waits", "NVMe commands that waited for a data buffer",
            target.bufferWaits());
        families.gauge("mizzen_hosts", "Controllers of hosts, discovery not counted", target.hosts().size(), Labels.EMPTY);
        for (MetricsView.HostMetrics host : target.hosts()) {
            families.gauge("mizzen_host_io_queues", "I/O queues that the host has connected", host.ioQueues(),
                Labels.of("host", host.hostNqn(), "subsystem", host.subsystemNqn(), "controller",
                    Integer.toString(host.controllerId())));
        }
    }

    private static void counter(Families families, String name, String help, long value) {
        families.counter(name, help, value, Labels.EMPTY);
    }

    private static void terminations(Families families, String direction, long count) {
        families.counter("mizzen_connection_terminations", "Connections ended by a termination request", count,
            Labels.of("direction", direction));
    }
}
