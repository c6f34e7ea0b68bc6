package io.mizzen.nvmf.target;

import io.mizzen.nvme.Text;
import io.mizzen.util.OperationException;
import java.util.Set;

/**
 * Which hosts may use a subsystem. Immutable.
 *
 * @param any whether every host may
 * @param hostNqns who may, otherwise
 */
public record HostAccess(boolean any, Set<String> hostNqns) {
    public HostAccess {
        hostNqns = Set.copyOf(hostNqns);
        for (String nqn : hostNqns) {
            if (!Text.isNqn(nqn)) {
                throw OperationException.invalid("invalid-nqn", "\"" + nqn + "\" is not a host NQN; it begins with "
                        + "nqn.<year>-<month>.<reverse domain>, such as nqn.2014-08.org.nvmexpress:uuid:...");
            }
        }
    }

    public static HostAccess anyHost() {
        return new HostAccess(true, Set.of());
    }

    public static HostAccess only(Set<String> hostNqns) {
        return new HostAccess(false, hostNqns);
    }

    public boolean allows(String hostNqn) {
        return any || hostNqns.contains(hostNqn);
    }
}
