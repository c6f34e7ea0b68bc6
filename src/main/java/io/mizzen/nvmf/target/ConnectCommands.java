package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.nvme.ConnectData;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.util.OperationException;
import java.util.UUID;

/**
 * The only command of a connection that is not a queue yet: connect (base specification 2.0, section 6.3). The control
 * reactor admits or refuses; this side reads the command and becomes the queue.
 */
final class ConnectCommands implements CommandSet {
    /** What the host asks for. Immutable, travels to the control reactor. */
    record Attempt(Connection connection, int queueId, int sqSize, boolean flowControl, long keepAliveMs, UUID hostId,
            int controllerId, String subsystemNqn, String hostNqn) {
    }

    /** The answer: {@code controller} null when refused. */
    record Admission(int status, int result, Controller controller) {
        static Admission refused(int status, int parameterOffset, boolean inData) {
            return new Admission(NvmeStatus.noRetry(status), FabricsCommand.invalidParameter(parameterOffset, inData),
                    null);
        }

        /** Refused for now: without "do not retry" a host keeps its block device and connects again later. */
        static Admission retryLater(int status, int dataOffset) {
            return new Admission(status, FabricsCommand.invalidParameter(dataOffset, true), null);
        }
    }

    @Override
    public int prepare(Request request) {
        if (request.opcode != Opcodes.FABRICS
                || FabricsCommand.type(ALL, request.sqe()) != FabricsCommand.CONNECT) {
            return NvmeStatus.noRetry(NvmeStatus.COMMAND_SEQUENCE_ERROR);
        }
        if (FabricsCommand.connectRecordFormat(ALL, request.sqe()) != 0) {
            return NvmeStatus.noRetry(NvmeStatus.CONNECT_INCOMPATIBLE_FORMAT);
        }
        request.direction = Opcodes.DATA_TO_CONTROLLER;
        request.dataBytes = ConnectData.SIZE_BYTES;
        return NvmeStatus.SUCCESS;
    }

    @Override
    public void execute(Request request) {
        Connection connection = request.connection;
        long sqe = request.sqe();
        long data = request.address;
        int attributes = FabricsCommand.connectAttributes(ALL, sqe);
        Attempt attempt = new Attempt(connection, FabricsCommand.connectQueueId(ALL, sqe),
                FabricsCommand.connectSqSize(ALL, sqe), (attributes & FabricsCommand.CATTR_NO_FLOW_CONTROL) == 0,
                FabricsCommand.connectKeepAliveMs(ALL, sqe),
                new UUID(ConnectData.hostIdHigh(ALL, data), ConnectData.hostIdLow(ALL, data)),
                ConnectData.controllerId(ALL, data), ConnectData.subsystemNqn(ALL, data),
                ConnectData.hostNqn(ALL, data));
        connection.beginExecuting(request);
        Target target = connection.group.target;
        target.control().send(() -> target.admit(attempt, admission ->
                connection.group.mthread.send(() -> onAdmission(request, attempt, admission))));
    }

    /** Back on the connection's group. */
    private static void onAdmission(Request request, Attempt attempt, Admission admission) {
        Connection connection = request.connection;
        PollGroup group = connection.group;
        connection.endExecuting();
        int status = admission.status();
        int result = admission.result();
        Controller controller = admission.controller();
        if (controller != null && !connection.isReceiving()) {
            group.target.onQueueClosed(controller, attempt.queueId());
        } else if (controller != null) {
            try {
                connection.becomeQueue(controller, attempt.queueId(), attempt.sqSize() + 1, attempt.flowControl());
                if (attempt.queueId() == 0) {
                    controller.attach(connection);
                }
            } catch (OperationException e) {
                group.target.onQueueClosed(controller, attempt.queueId());
                status = NvmeStatus.CONNECT_CONTROLLER_BUSY;
                result = 0;
            }
        }
        if (status != NvmeStatus.SUCCESS) {
            group.stats.connectRefused++;
            group.log("nvmf connect refused", status, result);
        }
        request.result = result & 0xFFFF_FFFFL;
        request.complete(status);
    }
}
