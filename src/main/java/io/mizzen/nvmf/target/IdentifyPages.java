package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.bdev.Bdev;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.IdentifyController;
import io.mizzen.nvme.IdentifyIndependentNamespace;
import io.mizzen.nvme.IdentifyNamespace;
import io.mizzen.nvme.IdentifyNvmController;
import io.mizzen.nvme.NamespaceDescriptors;
import io.mizzen.nvme.NamespaceList;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Properties;
import io.mizzen.nvme.Sqe;
import java.lang.foreign.MemorySegment;

/** Data of the identify command (base specification 2.0, section 5.17; NVM command set 1.0, section 4.1.5). */
final class IdentifyPages {
    private static final int ENTRY_SIZES_SQ = 0x66;
    private static final int ENTRY_SIZES_CQ = 0x44;
    private static final int KEEP_ALIVE_GRANULARITY_100MS = 10;
    /** One slot, which cannot be written. */
    private static final int FIRMWARE_UPDATES = 1 << 1 | 1;

    /** WZSL: hosts zero 4 MiB with one command; without it MDTS would be the limit. A power of two of 4 KiB. */
    private static final int WRITE_ZEROES_LIMIT = 10;

    private final Controller controller;
    private final TargetConfig config;

    IdentifyPages(Controller controller) {
        this.controller = controller;
        this.config = controller.group().config;
    }

    /** Fills 4096 zero bytes; returns a status. */
    int fill(Request request, MemorySegment s) {
        int cns = Sqe.cdw(ALL, request.sqe(), 10) & 0xFF;
        int csi = Sqe.cdw(ALL, request.sqe(), 11) >>> 24;
        if (controller.subsystem.isDiscovery() && cns != Identify.CNS_CONTROLLER) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        boolean withCommandSet = cns == Identify.CNS_COMMAND_SET_NAMESPACE || cns == Identify.CNS_COMMAND_SET_CONTROLLER
                || cns == Identify.CNS_COMMAND_SET_ACTIVE_NAMESPACES;
        if (withCommandSet && csi != Identify.CSI_NVM) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        switch (cns) {
            case Identify.CNS_CONTROLLER -> {
                controller(s);
                return NvmeStatus.SUCCESS;
            }
            case Identify.CNS_ACTIVE_NAMESPACES, Identify.CNS_COMMAND_SET_ACTIVE_NAMESPACES -> {
                return activeNamespaces(request.nsid, s);
            }
            case Identify.CNS_COMMAND_SET_CONTROLLER -> {
                IdentifyNvmController.writeZeroesSizeLimit(s, 0, WRITE_ZEROES_LIMIT);
                return NvmeStatus.SUCCESS;
            }
            case Identify.CNS_NAMESPACE, Identify.CNS_NAMESPACE_DESCRIPTORS, Identify.CNS_COMMAND_SET_NAMESPACE,
                    Identify.CNS_INDEPENDENT_NAMESPACE -> {
                return namespace(cns, request.nsid, s);
            }
            default -> {
                return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
            }
        }
    }

    private void controller(MemorySegment s) {
        Subsystem subsystem = controller.subsystem;
        IdentifyController.serial(s, 0, subsystem.serial());
        IdentifyController.model(s, 0, Target.MODEL);
        IdentifyController.firmware(s, 0, config.firmware());
        IdentifyController.cmic(s, 0, subsystem.isDiscovery() ? 0
                : IdentifyController.CMIC_PORTS | IdentifyController.CMIC_CONTROLLERS);
        IdentifyController.mdts(s, 0, config.mdts());
        IdentifyController.controllerId(s, 0, controller.id());
        IdentifyController.version(s, 0, Properties.VERSION_2_0);
        IdentifyController.oaes(s, 0, subsystem.isDiscovery() ? IdentifyController.OAES_DISCOVERY_CHANGE
                : IdentifyController.OAES_NAMESPACE_ATTRIBUTES);
        IdentifyController.ctratt(s, 0,
                IdentifyController.CTRATT_HOST_ID_128 | IdentifyController.CTRATT_TRAFFIC_KEEP_ALIVE);
        IdentifyController.controllerType(s, 0,
                subsystem.isDiscovery() ? IdentifyController.TYPE_DISCOVERY : IdentifyController.TYPE_IO);
        IdentifyController.acl(s, 0, 3);
        IdentifyController.aerl(s, 0, Controller.ASYNC_EVENTS_MAX - 1);
        IdentifyController.frmw(s, 0, FIRMWARE_UPDATES);
        IdentifyController.lpa(s, 0, IdentifyController.LPA_EXTENDED
                | (subsystem.isDiscovery() ? 0 : IdentifyController.LPA_COMMAND_EFFECTS));
        IdentifyController.kas(s, 0, KEEP_ALIVE_GRANULARITY_100MS);
        IdentifyController.maxCommands(s, 0, config.queueEntriesMax());
        IdentifyController.sgls(s, 0, IdentifyController.SGLS_SUPPORTED | IdentifyController.SGLS_OFFSET
                | IdentifyController.SGLS_TRANSPORT);
        IdentifyController.subsystemNqn(s, 0, subsystem.nqn());
        IdentifyController.ioccsz(s, 0, (Sqe.SIZE_BYTES + config.inCapsuleBytes()) / 16);
        IdentifyController.iorcsz(s, 0, 1);
        IdentifyController.msdbd(s, 0, 1);
        IdentifyController.ofcs(s, 0, 1);
        if (!subsystem.isDiscovery()) {
            ioController(s);
        }
    }

    private void ioController(MemorySegment s) {
        IdentifyController.sqes(s, 0, ENTRY_SIZES_SQ);
        IdentifyController.cqes(s, 0, ENTRY_SIZES_CQ);
        IdentifyController.namespaceCount(s, 0, config.namespacesMax());
        IdentifyController.namespacesAllowedMax(s, 0, config.namespacesMax());
        IdentifyController.oncs(s, 0, IdentifyController.ONCS_COMPARE | IdentifyController.ONCS_DATASET_MANAGEMENT
                | IdentifyController.ONCS_WRITE_ZEROES | IdentifyController.ONCS_VERIFY);
        boolean cache = controller.subsystem.namespaces().isEmpty();     // What may be added later may have one.
        for (Namespace namespace : controller.subsystem.namespaces()) {
            cache |= namespace.bdev().hasVolatileCache();
        }
        controller.onCacheReported(cache);
        IdentifyController.vwc(s, 0, cache ? IdentifyController.VWC_PRESENT | IdentifyController.VWC_BROADCAST_REFUSED : 0);
    }

    private int activeNamespaces(int after, MemorySegment s) {
        if (Integer.compareUnsigned(after, 0xFFFF_FFFE) >= 0) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_NAMESPACE);
        }
        int index = 0;
        for (Namespace namespace : controller.subsystem.namespaces()) {
            if (Integer.compareUnsigned(namespace.nsid(), after) > 0 && index < NamespaceList.ENTRIES_MAX) {
                NamespaceList.set(s, 0, index++, namespace.nsid());
            }
        }
        return NvmeStatus.SUCCESS;
    }

    private int namespace(int cns, int nsid, MemorySegment s) {
        if (nsid <= 0 || nsid > config.namespacesMax()) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_NAMESPACE);
        }
        Namespace namespace = controller.subsystem.find(nsid);
        if (namespace == null) {
            // An inactive namespace reads as zeros; only the descriptor list and the independent page refuse.
            boolean zeros = cns == Identify.CNS_NAMESPACE || cns == Identify.CNS_COMMAND_SET_NAMESPACE;
            return zeros ? NvmeStatus.SUCCESS : NvmeStatus.noRetry(NvmeStatus.INVALID_NAMESPACE);
        }
        switch (cns) {
            case Identify.CNS_NAMESPACE -> namespaceData(namespace, s);
            case Identify.CNS_NAMESPACE_DESCRIPTORS -> descriptors(namespace.identity(), s);
            case Identify.CNS_INDEPENDENT_NAMESPACE -> {
                IdentifyIndependentNamespace.nmic(s, 0, IdentifyNamespace.NMIC_SHARED);
                IdentifyIndependentNamespace.nsattr(s, 0, attributes(namespace.bdev()));
                IdentifyIndependentNamespace.nstat(s, 0, IdentifyIndependentNamespace.NSTAT_READY);
            }
            default -> {
                return NvmeStatus.SUCCESS;      // No protection information, no extended formats: zeros.
            }
        }
        return NvmeStatus.SUCCESS;
    }

    private static void namespaceData(Namespace namespace, MemorySegment s) {
        Bdev bdev = namespace.bdev();
        IdentifyNamespace.sizeBlocks(s, 0, bdev.blockCount());
        IdentifyNamespace.capacityBlocks(s, 0, bdev.blockCount());
        IdentifyNamespace.usedBlocks(s, 0, bdev.blockCount());
        IdentifyNamespace.nmic(s, 0, IdentifyNamespace.NMIC_SHARED);
        IdentifyNamespace.nsattr(s, 0, attributes(bdev));
        IdentifyNamespace.dlfeat(s, 0, bdev.zeroesDeallocate()
                ? IdentifyNamespace.DLFEAT_READS_ZEROS | IdentifyNamespace.DLFEAT_WRITE_ZEROES_DEALLOCATES : 0);
        IdentifyNamespace.format(s, 0, 0, bdev.blockShift(), 0);
        NamespaceIdentity identity = namespace.identity();
        if (identity.nguid() != null) {
            IdentifyNamespace.nguidHigh(s, 0, identity.nguid().getMostSignificantBits());
            IdentifyNamespace.nguidLow(s, 0, identity.nguid().getLeastSignificantBits());
        }
        IdentifyNamespace.eui64(s, 0, identity.eui64());
    }

    private static int attributes(Bdev bdev) {
        return bdev.isReadOnly() ? IdentifyNamespace.NSATTR_WRITE_PROTECTED : 0;
    }

    private static void descriptors(NamespaceIdentity identity, MemorySegment s) {
        long at = NamespaceDescriptors.uuid(s, 0, identity.uuid().getMostSignificantBits(),
                identity.uuid().getLeastSignificantBits());
        if (identity.nguid() != null) {
            at = NamespaceDescriptors.nguid(s, at, identity.nguid().getMostSignificantBits(),
                    identity.nguid().getLeastSignificantBits());
        }
        if (identity.eui64() != 0) {
            at = NamespaceDescriptors.eui64(s, at, identity.eui64());
        }
        NamespaceDescriptors.commandSet(s, at, Identify.CSI_NVM);
    }
}
