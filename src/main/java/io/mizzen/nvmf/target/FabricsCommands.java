package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Properties;

/** Fabrics commands of a queue that is connected: properties and disconnect (base specification 2.0, section 6). */
final class FabricsCommands implements CommandSet {
    @Override
    public int prepare(Request request) {
        boolean adminQueue = request.connection.queueId() == 0;
        return switch (FabricsCommand.type(ALL, request.sqe())) {
            case FabricsCommand.PROPERTY_GET, FabricsCommand.PROPERTY_SET ->
                adminQueue ? NvmeStatus.SUCCESS : NvmeStatus.noRetry(NvmeStatus.INVALID_OPCODE);
            case FabricsCommand.DISCONNECT ->
                adminQueue ? NvmeStatus.noRetry(NvmeStatus.INVALID_QUEUE_IDENTIFIER) : NvmeStatus.SUCCESS;
            case FabricsCommand.CONNECT -> NvmeStatus.noRetry(NvmeStatus.COMMAND_SEQUENCE_ERROR);
            default -> NvmeStatus.noRetry(NvmeStatus.INVALID_OPCODE);
        };
    }

    @Override
    public void execute(Request request) {
        long sqe = request.sqe();
        switch (FabricsCommand.type(ALL, sqe)) {
            case FabricsCommand.PROPERTY_GET -> request.complete(get(request));
            case FabricsCommand.PROPERTY_SET -> request.complete(set(request));
            default -> {
                request.disconnectAfter = true;
                request.complete(NvmeStatus.SUCCESS);
            }
        }
    }

    private static int get(Request request) {
        int offset = FabricsCommand.propertyOffset(ALL, request.sqe());
        int size = FabricsCommand.propertySize(ALL, request.sqe());
        boolean wide = offset == Properties.CAP;
        if (offset < 0 || offset % 4 != 0 || size != (wide ? FabricsCommand.PROPERTY_8_BYTES
                : FabricsCommand.PROPERTY_4_BYTES)) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        boolean known = wide || offset == Properties.VS || offset == Properties.CC || offset == Properties.CSTS;
        if (!known) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        long value = request.connection.controller.property(offset);
        request.result = wide ? value : value & 0xFFFF_FFFFL;
        return NvmeStatus.SUCCESS;
    }

    private static int set(Request request) {
        int offset = FabricsCommand.propertyOffset(ALL, request.sqe());
        int size = FabricsCommand.propertySize(ALL, request.sqe());
        if (offset != Properties.CC || size != FabricsCommand.PROPERTY_4_BYTES) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        return request.connection.controller.setConfiguration((int) FabricsCommand.propertyValue(ALL, request.sqe()));
    }
}
