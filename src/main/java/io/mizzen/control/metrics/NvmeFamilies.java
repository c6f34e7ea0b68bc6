package io.mizzen.control.metrics;

import io.mizzen.engine.model.NvmeControllerView;
import io.prometheus.metrics.model.snapshots.Labels;

/** NVMe controllers that the engine drives: their queues, and what they say of their health. */
final class NvmeFamilies {
    private NvmeFamilies() {
    }

    static void add(Families families, NvmeControllerView controller) {
        Labels labels = Labels.of("address", controller.address(), "model", controller.model(), "serial", controller.serial());
        NvmeControllerView.StatsView stats = controller.stats();
        families.gauge("mizzen_nvme_ready", "1 while the controller works", "READY".equals(controller.state()) ? 1 : 0, labels);
        families.counter("mizzen_nvme_completions", "I/O commands completed", stats.completions(), labels);
        families.counter("mizzen_nvme_retries", "Commands sent again because of their status", stats.retries(), labels);
        families.counter("mizzen_nvme_timeouts", "Commands that were too late and aborted", stats.timeouts(), labels);
        families.counter("mizzen_nvme_resets", "Resets of the controller", stats.resets(), labels);
        families.counter("mizzen_nvme_unknown_completions", "Completions of no command in flight", stats.unknownCompletions(),
            labels);
        families.gauge("mizzen_nvme_outstanding", "I/O commands in flight", stats.outstanding(), labels);
        families.gauge("mizzen_nvme_waiting", "I/Os that wait for a slot of a queue", stats.waiting(), labels);
        doorbells(families, labels, "submission", stats.submissionDoorbells());
        doorbells(families, labels, "completion", stats.completionDoorbells());
        doorbells(families, labels, "saved", stats.doorbellsSaved());
        if (controller.health() != null) {
            health(families, labels, controller.health());
        }
    }

    private static void doorbells(Families families, Labels labels, String kind, long count) {
        families.counter("mizzen_nvme_doorbells", "Doorbell writes; saved: those that shadow doorbells made unnecessary", count,
            labels.add("kind", kind));
    }

    private static void health(Families families, Labels labels, NvmeControllerView.HealthView health) {
        families.gauge("mizzen_nvme_critical_warnings", "Warnings that the drive gives", health.criticalWarnings().size(), labels);
        families.gauge("mizzen_nvme_temperature_celsius", "Composite temperature", health.temperatureCelsius(), labels);
        families.gauge("mizzen_nvme_spare_ratio", "Spare capacity that is left", health.sparePercent() / 100.0, labels);
        families.gauge("mizzen_nvme_spare_threshold_ratio", "Spare capacity below which the drive warns",
            health.spareThresholdPercent() / 100.0, labels);
        families.gauge("mizzen_nvme_used_ratio", "Part of the rated endurance that is used", health.usedPercent() / 100.0, labels);
        families.counter("mizzen_nvme_host_read_bytes", "Bytes read in the drive's life", health.bytesRead(), labels);
        families.counter("mizzen_nvme_host_written_bytes", "Bytes written in the drive's life", health.bytesWritten(), labels);
        families.counter("mizzen_nvme_power_on_seconds", "Time switched on in the drive's life", health.powerOnHours() * 3600.0,
            labels);
        families.counter("mizzen_nvme_power_cycles", "Times that the drive was switched on", health.powerCycles(), labels);
        families.counter("mizzen_nvme_unsafe_shutdowns", "Times that power was lost without a shutdown",
            health.unsafeShutdowns(), labels);
        families.counter("mizzen_nvme_media_errors", "Unrecovered errors of data integrity", health.mediaErrors(), labels);
        families.counter("mizzen_nvme_error_log_entries", "Errors logged in the drive's life", health.errorLogEntries(), labels);
    }
}
