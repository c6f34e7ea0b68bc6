package io.mizzen.nvmf.target;

import io.mizzen.nvme.DiscoveryLog;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * What the discovery log says (base specification 2.0, section 5.16.1.23): an immutable snapshot, made by the control
 * reactor whenever subsystems, listeners or allowed hosts change; read by every group.
 *
 * @param generation number of the snapshot
 * @param subsystems NVM subsystems, with who may use them
 * @param listeners where the target listens
 */
record Discovery(long generation, List<Entry> subsystems, List<InetSocketAddress> listeners) {
    /** A subsystem and who may see it. */
    record Entry(String nqn, HostAccess access) {
    }

    private static final int PORT_ID_FIRST = 1;
    private static final int ADMIN_QUEUE_ENTRIES = 32;

    Discovery {
        subsystems = List.copyOf(subsystems);
        listeners = List.copyOf(listeners);
    }

    /** The log page for a host that is connected to a local address. */
    byte[] page(String hostNqn, InetSocketAddress local) {
        List<String> visible = new ArrayList<>();
        for (Entry entry : subsystems) {
            if (entry.access().allows(hostNqn)) {
                visible.add(entry.nqn());
            }
        }
        int count = visible.size() * listeners.size();
        byte[] page = new byte[DiscoveryLog.HEADER_BYTES + count * DiscoveryLog.ENTRY_BYTES];
        MemorySegment s = MemorySegment.ofArray(page);
        DiscoveryLog.header(s, 0, generation, count);
        long at = DiscoveryLog.HEADER_BYTES;
        for (String nqn : visible) {
            for (int i = 0; i < listeners.size(); i++) {
                entry(s, at, nqn, listeners.get(i), PORT_ID_FIRST + i, local);
                at += DiscoveryLog.ENTRY_BYTES;
            }
        }
        return page;
    }

    private static void entry(MemorySegment s, long at, String nqn, InetSocketAddress listener, int portId,
            InetSocketAddress local) {
        InetAddress address = listener.getAddress();
        if (address.isAnyLocalAddress()) {
            address = local.getAddress();       // The one that the host has reached us by.
        }
        int family = address instanceof Inet6Address ? DiscoveryLog.ADRFAM_IPV6 : DiscoveryLog.ADRFAM_IPV4;
        String literal = address.getHostAddress();
        int scope = literal.indexOf('%');
        literal = scope < 0 ? literal : literal.substring(0, scope);
        DiscoveryLog.entry(s, at, DiscoveryLog.SUBTYPE_NVM, family, literal, listener.getPort(), portId,
                nqn, ADMIN_QUEUE_ENTRIES, 0);
    }
}
