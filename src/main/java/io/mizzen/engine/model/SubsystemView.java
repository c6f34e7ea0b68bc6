package io.mizzen.engine.model;

import java.util.List;

/**
 * An NVMe subsystem of the target.
 *
 * @param type "nvme": the discovery subsystem is not among them
 * @param objectKind what it serves
 * @param objectUuid uuid of what it serves
 * @param allowedHosts NQNs, or the single word "any"
 */
public record SubsystemView(String nqn, String type, ObjectKind objectKind, String objectUuid, String serial,
                            String model, List<String> allowedHosts, List<SharedNamespaceView> namespaces,
                            List<ListenerView> listeners, List<HostView> hosts) {

    /**
     * One namespace.
     *
     * @param readOnly hosts can only read it
     */
    public record SharedNamespaceView(int id, String bdev, String uuid, String nguid, int blockSizeBytes, long sizeBytes,
                                boolean readOnly) { }
}
