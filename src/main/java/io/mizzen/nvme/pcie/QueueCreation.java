package io.mizzen.nvme.pcie;

import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.QueueCommands;
import io.mizzen.util.OperationException;

/**
 * Makes the controller know the I/O queues: for each pair the completion queue, then the submission queue (base
 * specification 2.0, sections 5.4 and 5.5). Admin reactor.
 */
final class QueueCreation {
    /** How many pairs were made, and why not all. */
    @FunctionalInterface
    interface Outcome {
        void onCreated(int count, OperationException failure);
    }

    private final NvmeController controller;
    private final IoQueuePair[] pairs;
    private Outcome outcome;

    QueueCreation(NvmeController controller, IoQueuePair[] pairs) {
        this.controller = controller;
        this.pairs = pairs;
    }

    void begin(Outcome whenOver) {
        outcome = whenOver;
        createCompletionQueue(0);
    }

    private void createCompletionQueue(int index) {
        if (index == pairs.length) {
            outcome.onCreated(index, null);
            return;
        }
        IoQueuePair pair = pairs[index];
        controller.send(new AdminCommand(Opcodes.ADMIN_CREATE_CQ, (status, result, page) -> {
            if (status == 0) {
                createSubmissionQueue(index);
            } else {
                outcome.onCreated(index, controller.refused("completion queue " + pair.rings().id(), status));
            }
        }).cdw10(QueueCommands.create(pair.rings().id(), pair.rings().entries()))
                .cdw11(QueueCommands.completionQueue(pair.vector())).memory(pair.completionIova(), 0));
    }

    private void createSubmissionQueue(int index) {
        IoQueuePair pair = pairs[index];
        controller.send(new AdminCommand(Opcodes.ADMIN_CREATE_SQ, (status, result, page) -> {
            if (status == 0) {
                createCompletionQueue(index + 1);
            } else {
                outcome.onCreated(index, controller.refused("submission queue " + pair.rings().id(), status));
            }
        }).cdw10(QueueCommands.create(pair.rings().id(), pair.rings().entries()))
                .cdw11(QueueCommands.submissionQueue(pair.rings().id())).memory(pair.submissionIova(), 0));
    }
}
