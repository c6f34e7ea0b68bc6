package io.mizzen.nvmf.target;

import io.mizzen.bdev.IoStats;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * A connected host: one controller.
 *
 * @param remoteAddress of the admin queue, {@code address:port}; empty when it is going
 * @param keepAliveMs 0 = none
 * @param connectedNs reactor time of the admin connect
 * @param queues admin queue first
 * @param stats sum over the I/O queues
 */
public record ControllerInfo(String subsystemNqn, boolean discovery, int controllerId, String hostNqn, UUID hostId,
        String remoteAddress, long keepAliveMs, long connectedNs, List<ConnectionInfo> queues, IoStats stats) {

    static ControllerInfo of(Controller controller) {
        List<ConnectionInfo> queues = new ArrayList<>();
        IoStats sum = new IoStats();
        for (Connection connection : controller.queues.values()) {
            queues.add(ConnectionInfo.of(connection));
            sum.add(connection.stats);
        }
        Connection admin = controller.queues.get(0);
        return new ControllerInfo(controller.subsystem.nqn(), controller.subsystem.isDiscovery(), controller.id(),
                controller.hostNqn(), controller.hostId(),
                admin == null ? "" : ConnectionInfo.text(admin.remoteAddress()), controller.keepAliveMs(),
                controller.connectedNs, List.copyOf(queues), sum);
    }
}
