package io.mizzen.engine;

import io.mizzen.bdev.Status;
import io.mizzen.engine.model.NvmeControllerView;
import io.mizzen.engine.model.NvmeControllerView.ErrorView;
import io.mizzen.engine.model.NvmeControllerView.HealthView;
import io.mizzen.engine.model.NvmeControllerView.NamespaceView;
import io.mizzen.engine.model.NvmeControllerView.StatsView;
import io.mizzen.nvme.pcie.ControllerInfo;
import io.mizzen.nvme.pcie.NvmeController;
import io.mizzen.nvme.pcie.NvmeError;
import io.mizzen.nvme.pcie.NvmeHealth;
import io.mizzen.nvme.pcie.NvmeNamespace;
import io.mizzen.nvme.pcie.NvmeStats;
import java.util.ArrayList;
import java.util.List;

/** Views of NVMe controllers. Any thread. */
final class NvmeViews {
    private static final int KELVIN = 273;
    private static final double UNIT_BYTES = 1000 * 512.0;

    private NvmeViews() { }

    /** @param health null when it was not read yet */
    static NvmeControllerView controller(NvmeController controller, NvmeHealth health, List<NvmeError> errors) {
        ControllerInfo info = controller.info();
        String address = controller.device().address();
        return new NvmeControllerView(address, info.model(), info.serial(), info.firmware(), info.versionText(),
                controller.state(), controller.pairCount(), info.transferBytesMax(), info.volatileCache(),
                controller.namespaces().stream().map(namespace -> namespace(address, namespace)).toList(),
                stats(controller.stats()), health == null ? null : health(health), errors.stream().map(NvmeViews::error).toList());
    }

    private static NamespaceView namespace(String address, NvmeNamespace namespace) {
        return new NamespaceView(namespace.nsid(), namespace.uuid().toString(), "pcie:///" + address
                + (namespace.nsid() == 1 ? "" : "?ns=" + namespace.nsid()), namespace.blockSizeBytes(),
                namespace.blockCount() * namespace.blockSizeBytes(), namespace.metadataBytes(), namespace.refusal());
    }

    private static StatsView stats(NvmeStats stats) {
        return new StatsView(stats.completions(), stats.unknownCompletions(), stats.errors(), stats.retries(), stats.timeouts(),
                stats.aborts(), stats.resets(), stats.slots(), stats.outstanding(), stats.waiting(), stats.sqDoorbells(),
                stats.cqDoorbells(), stats.doorbellsSaved(), stats.interrupts());
    }

    /** The critical warnings in words. */
    static List<String> warnings(NvmeHealth health) {
        List<String> warnings = new ArrayList<>();
        for (int bit = 0; bit < HealthView.WARNINGS.size(); bit++) {
            if ((health.criticalWarning() >>> bit & 1) != 0) {
                warnings.add(HealthView.WARNINGS.get(bit));
            }
        }
        return warnings;
    }

    static HealthView health(NvmeHealth health) {
        return new HealthView(warnings(health), health.temperatureKelvin() - KELVIN, health.sparePercent(),
                health.spareThresholdPercent(), health.percentUsed(), health.dataUnitsRead() * UNIT_BYTES,
                health.dataUnitsWritten() * UNIT_BYTES, health.hostReadCommands(), health.hostWriteCommands(),
                health.controllerBusyMinutes(), health.powerCycles(), health.powerOnHours(), health.unsafeShutdowns(),
                health.mediaErrors(), health.errorLogEntries());
    }

    private static ErrorView error(NvmeError error) {
        return new ErrorView(error.number(), error.queueId(), error.commandId(), Status.describe(error.status()), error.nsid(),
                error.offsetBlocks());
    }
}
