package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.Features;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.LogPages;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Sqe;
import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;

/** Commands of the admin queue (base specification 2.0, section 5); those of a discovery controller are fewer. */
final class AdminCommands implements CommandSet {
    private final Controller controller;
    private final FabricsCommands fabrics = new FabricsCommands();
    private final IdentifyPages identify;
    private final LogPageContents logs;
    private final FeatureValues features;

    AdminCommands(Controller controller) {
        this.controller = controller;
        this.identify = new IdentifyPages(controller);
        this.logs = new LogPageContents(controller);
        this.features = new FeatureValues(controller);
    }

    @Override
    @HotPath
    public int prepare(Request request) {
        if (request.opcode == Opcodes.FABRICS) {
            return fabrics.prepare(request);
        }
        if (Sqe.fuse(ALL, request.sqe()) != Sqe.FUSE_NONE) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        if (!controller.isReady()) {
            return NvmeStatus.COMMAND_SEQUENCE_ERROR;
        }
        boolean discovery = controller.subsystem.isDiscovery();
        switch (request.opcode) {
            case Opcodes.ADMIN_IDENTIFY:
                request.direction = Opcodes.DATA_TO_HOST;
                request.dataBytes = Identify.SIZE_BYTES;
                return NvmeStatus.SUCCESS;
            case Opcodes.ADMIN_GET_LOG_PAGE:
                return prepareLog(request);
            case Opcodes.ADMIN_GET_FEATURES:
            case Opcodes.ADMIN_SET_FEATURES:
                return features.prepare(request);
            case Opcodes.ADMIN_KEEP_ALIVE:
            case Opcodes.ADMIN_ASYNC_EVENT:
                return NvmeStatus.SUCCESS;
            case Opcodes.ADMIN_ABORT:
                return discovery ? NvmeStatus.noRetry(NvmeStatus.INVALID_OPCODE) : NvmeStatus.SUCCESS;
            default:
                return NvmeStatus.noRetry(NvmeStatus.INVALID_OPCODE);
        }
    }

    private int prepareLog(Request request) {
        long bytes = LogPages.lengthBytes(Sqe.cdw(ALL, request.sqe(), 10), Sqe.cdw(ALL, request.sqe(), 11));
        if (bytes > request.connection.group.config.ioBytesMax()) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        request.direction = Opcodes.DATA_TO_HOST;
        request.dataBytes = (int) bytes;
        return NvmeStatus.SUCCESS;
    }

    @Override
    public void execute(Request request) {
        switch (request.opcode) {
            case Opcodes.FABRICS -> fabrics.execute(request);
            case Opcodes.ADMIN_IDENTIFY -> {
                byte[] page = new byte[Identify.SIZE_BYTES];
                int status = identify.fill(request, MemorySegment.ofArray(page));
                answer(request, status, page, 0);
            }
            case Opcodes.ADMIN_GET_LOG_PAGE -> log(request);
            case Opcodes.ADMIN_GET_FEATURES -> request.complete(features.get(request));
            case Opcodes.ADMIN_SET_FEATURES -> request.complete(features.set(request));
            case Opcodes.ADMIN_KEEP_ALIVE -> {
                controller.noteActivity(request.connection.nowNs());
                request.complete(NvmeStatus.SUCCESS);
            }
            case Opcodes.ADMIN_ASYNC_EVENT -> {
                if (!controller.park(request)) {
                    request.complete(NvmeStatus.noRetry(NvmeStatus.ASYNC_EVENT_LIMIT_EXCEEDED));
                }
            }
            default -> {
                assert request.opcode == Opcodes.ADMIN_ABORT;
                int cdw10 = Sqe.cdw(ALL, request.sqe(), 10);
                boolean aborted = (cdw10 & 0xFFFF) == 0 && controller.abortParked(cdw10 >>> 16);
                request.result = aborted ? 0 : 1;
                request.complete(NvmeStatus.SUCCESS);
            }
        }
    }

    private void log(Request request) {
        long sqe = request.sqe();
        int logId = LogPages.logId(Sqe.cdw(ALL, sqe, 10));
        boolean retain = LogPages.retainEvent(Sqe.cdw(ALL, sqe, 10));
        long offset = Sqe.cdw(ALL, sqe, 12) & 0xFFFF_FFFFL | (long) Sqe.cdw(ALL, sqe, 13) << 32;
        byte[] page = logs.build(request, logId, retain);
        if (page == null) {
            request.complete(NvmeStatus.noRetry(NvmeStatus.INVALID_LOG_PAGE));
        } else if (offset < 0 || offset > page.length || offset % 4 != 0) {
            request.complete(NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD));
        } else {
            answer(request, NvmeStatus.SUCCESS, page, (int) offset);
        }
    }

    /** Copies what the page has from the offset on into the request's buffer, zeros after it. */
    private static void answer(Request request, int status, byte[] page, int offset) {
        if (status == NvmeStatus.SUCCESS) {
            int copied = Math.min(request.dataBytes, page.length - offset);
            MemorySegment.copy(MemorySegment.ofArray(page), offset, ALL, request.address, copied);
            RawMemory.zero(request.address + copied, request.dataBytes - copied);
        }
        request.complete(status);
    }
}
