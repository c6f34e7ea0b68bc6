package io.mizzen.nvme.pcie;

import java.util.List;

/** What a controller tells of itself, on its admin reactor. */
public interface NvmeListener {
    /** Something that a person wants to read later; {@code code} is a stable word such as {@code nvme-reset}. */
    void onEvent(String code, String message);

    /** Namespaces came, went or changed. */
    void onNamespaces(List<NvmeNamespace> namespaces);

    /** The controller is given up, once: every I/O fails, its bdevs are removed. It still is to be closed. */
    void onDead(String reason);
}
