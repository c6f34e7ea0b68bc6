package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.ErrorLogEntry;
import io.mizzen.nvme.Features;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.IdentifyController;
import io.mizzen.nvme.IdentifyNamespace;
import io.mizzen.nvme.IdentifyNvmController;
import io.mizzen.nvme.LogPages;
import io.mizzen.nvme.NamespaceDescriptors;
import io.mizzen.nvme.NamespaceList;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.SmartLog;
import io.mizzen.nvme.Sqe;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Executes the simulated drive's admin commands. */
final class SimDriveAdmin {
    static final String SERIAL = "SIM0001";

    private final SimDrive drive;
    private final Deque<SimDrive.Command> eventRequests = new ArrayDeque<>();
    private final List<Integer> changed = new ArrayList<>();
    String serial = SERIAL;
    int controllerType = IdentifyController.TYPE_IO;
    int oncs = IdentifyController.ONCS_COMPARE | IdentifyController.ONCS_DATASET_MANAGEMENT
            | IdentifyController.ONCS_WRITE_ZEROES | IdentifyController.ONCS_VERIFY;
    int writeZeroesLimit;
    int verifyLimit;
    int dsmRangeBlocks = 64;
    int createQueueFailsFrom = Integer.MAX_VALUE;
    int temperatureKelvin = 310;
    int criticalWarning;
    int sparePercent = 100;
    int percentUsed = 2;
    long unsafeShutdowns = 3;
    long mediaErrors;
    int aborts;
    boolean hasVolatileCache = true;
    /** CRDT1 to CRDT3. */
    int[] retryDelays = {0, 0, 0};
    /** First byte of host behaviour support; -1: it was not set. */
    int hostBehaviour = -1;

    SimDriveAdmin(SimDrive drive) {
        this.drive = drive;
    }

    void forget() {
        eventRequests.clear();
    }

    void keep(SimDrive.Command command) {
        eventRequests.add(command);
    }

    int eventRequestCount() {
        return eventRequests.size();
    }

    /** Sends an asynchronous event, if somebody has asked for one. */
    boolean event(int result) {
        SimDrive.Command request = eventRequests.poll();
        if (request == null) {
            return false;
        }
        drive.post(request, result, NvmeStatus.SUCCESS);
        return true;
    }

    void noteChange(int nsid) {
        changed.add(nsid);
    }

    void execute(SimDrive.Command command) {
        long sqe = command.sqe;
        int opcode = Sqe.opcode(ALL, sqe);
        int result = 0;
        int status = NvmeStatus.SUCCESS;
        switch (opcode) {
            case Opcodes.ADMIN_IDENTIFY -> status = identify(sqe);
            case Opcodes.ADMIN_SET_FEATURES -> {
                int feature = Features.featureId(Sqe.cdw(ALL, sqe, 10));
                if (feature == Features.HOST_BEHAVIOR) {
                    hostBehaviour = RawMemory.getByte(drive.pci.translate(Sqe.prp1(ALL, sqe)));
                }
                result = drive.featureResult(feature);
            }
            case Opcodes.ADMIN_GET_LOG_PAGE -> status = logPage(sqe);
            case Opcodes.ADMIN_CREATE_CQ -> status = (Sqe.cdw(ALL, sqe, 10) & 0xFFFF) >= createQueueFailsFrom
                    ? NvmeStatus.INVALID_QUEUE_IDENTIFIER : drive.createCompletionQueue(sqe);
            case Opcodes.ADMIN_CREATE_SQ -> status = drive.createSubmissionQueue(sqe);
            case Opcodes.ADMIN_DOORBELL_BUFFERS -> {
                drive.shadowIova = Sqe.prp1(ALL, sqe);
                drive.eventIova = Sqe.prp2(ALL, sqe);
            }
            case Opcodes.ADMIN_ABORT -> {
                aborts++;
                int cdw10 = Sqe.cdw(ALL, sqe, 10);
                result = drive.abort(cdw10 & 0xFFFF, cdw10 >>> 16) ? 0 : 1;
            }
            default -> status = NvmeStatus.noRetry(NvmeStatus.INVALID_OPCODE);
        }
        drive.post(command, result, status);
    }

    private int identify(long sqe) {
        long page = drive.pci.translate(Sqe.prp1(ALL, sqe));
        int nsid = Sqe.nsid(ALL, sqe);
        RawMemory.zero(page, Identify.SIZE_BYTES);
        SimNamespace namespace = drive.namespaces.get(nsid);
        switch (Sqe.cdw(ALL, sqe, 10) & 0xFF) {
            case Identify.CNS_CONTROLLER -> controller(page);
            case Identify.CNS_COMMAND_SET_CONTROLLER -> {
                IdentifyNvmController.writeZeroesSizeLimit(ALL, page, writeZeroesLimit);
                IdentifyNvmController.verifySizeLimit(ALL, page, verifyLimit);
                IdentifyNvmController.dsmRangeBlocksMax(ALL, page, dsmRangeBlocks);
            }
            case Identify.CNS_ACTIVE_NAMESPACES -> {
                int index = 0;
                for (int active : drive.namespaces.keySet()) {
                    if (active > nsid) {
                        NamespaceList.set(ALL, page, index++, active);
                    }
                }
            }
            case Identify.CNS_NAMESPACE -> {
                if (namespace != null) {
                    describe(namespace, page);
                }
            }
            case Identify.CNS_NAMESPACE_DESCRIPTORS -> {
                if (namespace == null) {
                    return NvmeStatus.noRetry(NvmeStatus.INVALID_NAMESPACE);
                }
                long next = NamespaceDescriptors.uuid(ALL, page, 0x1111L, nsid);
                NamespaceDescriptors.commandSet(ALL, next, namespace.dlfeat < 0 ? 2 : 0);
            }
            default -> {
                return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
            }
        }
        return NvmeStatus.SUCCESS;
    }

    private void controller(long page) {
        IdentifyController.serial(ALL, page, serial);
        IdentifyController.model(ALL, page, "Simulated drive");
        IdentifyController.firmware(ALL, page, "1.0");
        IdentifyController.mdts(ALL, page, drive.mdts);
        IdentifyController.controllerType(ALL, page, controllerType);
        IdentifyController.oaes(ALL, page, IdentifyController.OAES_NAMESPACE_ATTRIBUTES);
        IdentifyController.oacs(ALL, page, drive.hasDoorbellBuffers ? IdentifyController.OACS_DOORBELL_BUFFERS : 0);
        IdentifyController.aerl(ALL, page, 3);
        IdentifyController.acl(ALL, page, 3);
        IdentifyController.elpe(ALL, page, 7);
        IdentifyController.sqes(ALL, page, 0x66);
        IdentifyController.cqes(ALL, page, 0x44);
        IdentifyController.namespaceCount(ALL, page, 256);
        IdentifyController.oncs(ALL, page, oncs);
        IdentifyController.vwc(ALL, page, hasVolatileCache ? IdentifyController.VWC_PRESENT : 0);
        IdentifyController.sgls(ALL, page, drive.sgls);
        for (int i = 0; i < retryDelays.length; i++) {
            IdentifyController.crdt(ALL, page, i + 1, retryDelays[i]);
        }
    }

    private static void describe(SimNamespace namespace, long page) {
        IdentifyNamespace.sizeBlocks(ALL, page, namespace.blockCount);
        IdentifyNamespace.capacityBlocks(ALL, page, namespace.blockCount);
        IdentifyNamespace.format(ALL, page, 0, namespace.shift, namespace.metadataBytes);
        IdentifyNamespace.dlfeat(ALL, page, Math.max(0, namespace.dlfeat));
    }

    private int logPage(long sqe) {
        long page = drive.pci.translate(Sqe.prp1(ALL, sqe));
        switch (LogPages.logId(Sqe.cdw(ALL, sqe, 10))) {
            case LogPages.SMART -> {
                SmartLog.temperatureKelvin(ALL, page, temperatureKelvin);
                SmartLog.criticalWarning(ALL, page, criticalWarning);
                SmartLog.sparePercent(ALL, page, sparePercent);
                SmartLog.spareThresholdPercent(ALL, page, 10);
                SmartLog.percentUsed(ALL, page, percentUsed);
                SmartLog.unsafeShutdowns(ALL, page, unsafeShutdowns);
                SmartLog.mediaErrors(ALL, page, mediaErrors);
                SmartLog.powerOnHours(ALL, page, 1234);
            }
            case LogPages.ERROR -> {
                ErrorLogEntry.errorCount(ALL, page, 7);
                ErrorLogEntry.queueId(ALL, page, 1);
                ErrorLogEntry.statusField(ALL, page, 0x281 << 1 | 1);
                ErrorLogEntry.lba(ALL, page, 42);
                ErrorLogEntry.nsid(ALL, page, 1);
            }
            case LogPages.CHANGED_NAMESPACES -> {
                for (int i = 0; i < changed.size(); i++) {
                    NamespaceList.set(ALL, page, i, changed.get(i));
                }
                changed.clear();
            }
            default -> {
                return NvmeStatus.noRetry(NvmeStatus.INVALID_LOG_PAGE);
            }
        }
        return NvmeStatus.SUCCESS;
    }
}
