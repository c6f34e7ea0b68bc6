package io.mizzen.nvmf.target;

import io.mizzen.nvme.ConnectData;
import io.mizzen.nvme.DiscoveryLog;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.reactor.Timer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Who may connect: access, limits, controller ids, and the registry of queues (base specification 2.0, section 6.3).
 * Control reactor only.
 */
final class Admission {
    /** Byte offsets of the connect command's fields, for the answer that names a wrong one. */
    private static final int FIELD_QUEUE_ID = 42;
    private static final int FIELD_SQ_SIZE = 44;

    private final Target target;
    private final Map<String, Integer> connectionsOfHost = new HashMap<>();
    private final List<Waiting> waiting = new ArrayList<>();

    Admission(Target target) {
        this.target = target;
    }

    /**
     * Admits or refuses. A host whose earlier controller is still ending waits: commands that the bdev has of it must not
     * reach blocks which the host has written anew since.
     */
    void admit(ConnectCommands.Attempt attempt, Consumer<ConnectCommands.Admission> answer) {
        if (isStillEnding(attempt)) {
            Waiting one = new Waiting(attempt, answer);
            waiting.add(one);
            target.control().reactor().arm(one, target.config().handshakeTimeoutNs() / 2);
        } else {
            answer.accept(decide(attempt));
        }
    }

    private boolean isStillEnding(ConnectCommands.Attempt attempt) {
        if (attempt.queueId() != 0 || attempt.subsystemNqn() == null) {
            return false;
        }
        Subsystem subsystem = target.subsystem(attempt.subsystemNqn());
        return subsystem != null && !subsystem.closing && subsystem.controllers.stream().anyMatch(controller ->
                controller.closing && controller.hostNqn().equals(attempt.hostNqn())
                        && controller.hostId().equals(attempt.hostId()));
    }

    /** A connect that waits for the host's earlier controller; the time limit refuses it, and the host tries again. */
    private final class Waiting extends Timer {
        private final ConnectCommands.Attempt attempt;
        private final Consumer<ConnectCommands.Admission> answer;

        Waiting(ConnectCommands.Attempt attempt, Consumer<ConnectCommands.Admission> answer) {
            this.attempt = attempt;
            this.answer = answer;
        }

        @Override
        protected void onTimer(long nowNs) {
            waiting.remove(this);
            answer.accept(new ConnectCommands.Admission(NvmeStatus.CONNECT_CONTROLLER_BUSY, 0, null));
        }
    }

    private void admitWaiting() {
        for (Waiting one : List.copyOf(waiting)) {
            if (!isStillEnding(one.attempt)) {
                waiting.remove(one);
                target.control().reactor().cancel(one);
                one.answer.accept(decide(one.attempt));
            }
        }
    }

    private ConnectCommands.Admission decide(ConnectCommands.Attempt attempt) {
        TargetConfig config = target.config();
        if (attempt.subsystemNqn() == null) {
            return invalidData(ConnectData.SUBNQN);
        }
        if (attempt.hostNqn() == null) {
            return invalidData(ConnectData.HOSTNQN);
        }
        Subsystem subsystem = attempt.subsystemNqn().equals(DiscoveryLog.NQN) ? target.discoverySubsystem()
                : target.subsystem(attempt.subsystemNqn());
        if (subsystem == null || subsystem.closing) {
            return target.mayBringSubsystems()
                    ? ConnectCommands.Admission.retryLater(NvmeStatus.CONNECT_INVALID_PARAMETERS, ConnectData.SUBNQN)
                    : invalidData(ConnectData.SUBNQN);
        }
        if (!subsystem.access().allows(attempt.hostNqn())) {
            return new ConnectCommands.Admission(NvmeStatus.noRetry(NvmeStatus.CONNECT_INVALID_HOST), 0, null);
        }
        if (attempt.sqSize() < 1 || attempt.sqSize() >= config.queueEntriesMax()) {
            return ConnectCommands.Admission.refused(NvmeStatus.CONNECT_INVALID_PARAMETERS, FIELD_SQ_SIZE, false);
        }
        if (connectionsOfHost.getOrDefault(attempt.hostNqn(), 0) >= config.connectionsPerHostMax()) {
            return new ConnectCommands.Admission(NvmeStatus.CONNECT_CONTROLLER_BUSY, 0, null);
        }
        return attempt.queueId() == 0 ? admitAdmin(subsystem, attempt) : admitIo(subsystem, attempt);
    }

    private static ConnectCommands.Admission invalidData(int offset) {
        return ConnectCommands.Admission.refused(NvmeStatus.CONNECT_INVALID_PARAMETERS, offset, true);
    }

    private ConnectCommands.Admission admitAdmin(Subsystem subsystem, ConnectCommands.Attempt attempt) {
        if (attempt.controllerId() != FabricsCommand.CNTLID_DYNAMIC) {
            return invalidData(ConnectData.CNTLID);
        }
        if (subsystem.controllers.size() >= target.config().controllersPerSubsystemMax()) {
            return new ConnectCommands.Admission(NvmeStatus.CONNECT_CONTROLLER_BUSY, 0, null);
        }
        Controller controller = new Controller(subsystem, subsystem.allocateControllerId(), attempt.hostNqn(),
                attempt.hostId(), attempt.connection().group, attempt.keepAliveMs(),
                target.control().reactor().nowNs());
        subsystem.controllers.add(controller);
        register(controller, attempt);
        target.listener().onHostConnected(ControllerInfo.of(controller));
        return new ConnectCommands.Admission(NvmeStatus.SUCCESS, controller.id(), controller);
    }

    private ConnectCommands.Admission admitIo(Subsystem subsystem, ConnectCommands.Attempt attempt) {
        Controller controller = subsystem.controller(attempt.controllerId());
        if (controller == null || controller.closing || subsystem.isDiscovery()) {
            return invalidData(ConnectData.CNTLID);
        }
        if (!controller.hostNqn().equals(attempt.hostNqn())) {
            return invalidData(ConnectData.HOSTNQN);
        }
        if (!controller.hostId().equals(attempt.hostId())) {
            return invalidData(ConnectData.HOST_ID);
        }
        if (attempt.queueId() > target.config().ioQueuesMax()) {
            return ConnectCommands.Admission.refused(NvmeStatus.CONNECT_INVALID_PARAMETERS, FIELD_QUEUE_ID, false);
        }
        if (!controller.isReady()) {
            return new ConnectCommands.Admission(NvmeStatus.COMMAND_SEQUENCE_ERROR, 0, null);
        }
        if (controller.queues.containsKey(attempt.queueId())) {
            return new ConnectCommands.Admission(NvmeStatus.INVALID_QUEUE_IDENTIFIER, 0, null);
        }
        register(controller, attempt);
        return new ConnectCommands.Admission(NvmeStatus.SUCCESS, controller.id(), controller);
    }

    private void register(Controller controller, ConnectCommands.Attempt attempt) {
        controller.queues.put(attempt.queueId(), attempt.connection());
        connectionsOfHost.merge(attempt.hostNqn(), 1, Integer::sum);
    }

    void queueClosed(Controller controller, int queueId) {
        Connection removed = controller.queues.remove(queueId);
        assert removed != null;
        connectionsOfHost.computeIfPresent(controller.hostNqn(), (nqn, count) -> count == 1 ? null : count - 1);
        if (queueId == 0) {
            close(controller, true, "the admin queue is gone");
        }
        if (controller.closing && controller.queues.isEmpty()) {
            controller.subsystem.controllers.remove(controller);
            target.listener().onHostGone(ControllerInfo.of(controller), controller.endReason());
            admitWaiting();
            target.wakeIfIdle(controller.subsystem);
        }
    }

    /** Closes the I/O queues, and the admin queue too if the controller ends. */
    void close(Controller controller, boolean whole, String reason) {
        if (whole) {
            controller.closing = true;
            controller.noteEnd(reason);
        }
        for (Map.Entry<Integer, Connection> queue : List.copyOf(controller.queues.entrySet())) {
            if (whole || queue.getKey() != 0) {
                Connection connection = queue.getValue();
                connection.group.mthread.send(() -> connection.close(reason));
            }
        }
    }
}
