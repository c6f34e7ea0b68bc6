package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.IdentifyNamespace;
import io.mizzen.nvme.NamespaceList;
import io.mizzen.nvme.Opcodes;
import io.mizzen.util.Completion;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * Asks the controller for its active namespaces and describes each (base specification 2.0, section 5.17.2). Commands go
 * one after the other; each has the admin queue's deadline. Admin reactor.
 */
final class NamespaceScan {
    /** More than this many are not looked at. */
    static final int NAMESPACES_MAX = 128;

    private final NvmeController controller;
    private final ControllerInfo info;
    private final Completion<List<NvmeNamespace>> done;
    private final Queue<Integer> left = new ArrayDeque<>();
    private final List<NvmeNamespace> found = new ArrayList<>();

    private NamespaceScan(NvmeController controller, ControllerInfo info, Completion<List<NvmeNamespace>> done) {
        this.controller = controller;
        this.info = info;
        this.done = done;
    }

    static void start(NvmeController controller, ControllerInfo info, Completion<List<NvmeNamespace>> done) {
        NamespaceScan scan = new NamespaceScan(controller, info, done);
        if (info.version() < ControllerInfo.VERSION_1_1) {
            for (int nsid = 1; nsid <= Math.min(info.namespaceIdMax(), NAMESPACES_MAX); nsid++) {
                scan.left.add(nsid);
            }
            scan.next();
            return;
        }
        scan.identify(0, Identify.CNS_ACTIVE_NAMESPACES, (status, result, page) -> scan.onList(status, page));
    }

    private void identify(int nsid, int cns, AdminCommand.Receiver receiver) {
        controller.send(new AdminCommand(Opcodes.ADMIN_IDENTIFY, receiver).nsid(nsid).cdw10(cns).page());
    }

    private void onList(int status, long page) {
        if (status != 0) {
            done.fail(controller.refused("the list of its namespaces", status));
            return;
        }
        for (int i = 0; i < NAMESPACES_MAX && NamespaceList.get(ALL, page, i) != 0; i++) {
            left.add(NamespaceList.get(ALL, page, i));
        }
        next();
    }

    private void next() {
        Integer nsid = left.poll();
        if (nsid == null) {
            done.ok(List.copyOf(found));
            return;
        }
        identify(nsid, Identify.CNS_NAMESPACE, (status, result, page) -> onNamespace(nsid, status, page));
    }

    private void onNamespace(int nsid, int status, long page) {
        if (status == AdminCommand.NO_ANSWER) {
            done.fail(controller.refused("namespace " + nsid, status));
            return;
        }
        if (status != 0 || IdentifyNamespace.sizeBlocks(ALL, page) == 0) {
            next();                                     // It went meanwhile, or is not active.
            return;
        }
        if (info.version() < ControllerInfo.VERSION_1_3) {
            found.add(NvmeNamespace.parse(nsid, page, 0, info.serial()));
            next();
            return;
        }
        Arena arena = Arena.ofConfined();               // The page is the controller's again behind this call.
        long kept = arena.allocate(Identify.SIZE_BYTES, 8).address();
        RawMemory.copy(page, kept, Identify.SIZE_BYTES);
        identify(nsid, Identify.CNS_NAMESPACE_DESCRIPTORS, (descriptorStatus, result, descriptors) -> {
            try (arena) {
                if (descriptorStatus == AdminCommand.NO_ANSWER) {
                    done.fail(controller.refused("descriptors of namespace " + nsid, descriptorStatus));
                    return;
                }
                found.add(NvmeNamespace.parse(nsid, kept, descriptorStatus == 0 ? descriptors : 0, info.serial()));
            }
            next();
        });
    }
}
