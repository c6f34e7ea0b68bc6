package io.mizzen.nvmf.target;

import java.net.InetAddress;
import java.net.Inet6Address;
import java.net.InetSocketAddress;

/**
 * One connection, a queue pair once connected. Read from another thread: approximate.
 *
 * @param core of the reactor that serves it
 * @param subsystemNqn null before the connect command, like hostNqn
 * @param queueId -1 before the connect command, like controllerId; 0 = admin queue
 * @param outstanding commands that the host waits for
 * @param receivedBytes bytes received
 */
public record ConnectionInfo(long id, int core, String remoteAddress, String localAddress, String subsystemNqn,
        String hostNqn, int queueId, int controllerId, String state, int queueEntries, int outstanding,
        boolean headerDigest, boolean dataDigest, long commands, long receivedBytes) {

    static ConnectionInfo of(Connection connection) {
        Controller controller = connection.controller;
        return new ConnectionInfo(connection.id, connection.group.reactor.core(), text(connection.remoteAddress()),
                text(connection.localAddress()), controller == null ? null : controller.subsystem.nqn(),
                controller == null ? null : controller.hostNqn(), controller == null ? -1 : connection.queueId(),
                controller == null ? -1 : controller.id(), connection.state().name().toLowerCase(java.util.Locale.ROOT),
                connection.queueEntries(), connection.outstanding, connection.headerDigestBytes != 0,
                connection.dataDigestBytes != 0, connection.commandCount, connection.receivedBytes);
    }

    static String text(InetSocketAddress address) {
        if (address == null) {
            return "";
        }
        InetAddress ip = address.getAddress();
        String literal = ip.getHostAddress();
        return (ip instanceof Inet6Address ? "[" + literal + "]" : literal) + ":" + address.getPort();
    }
}
