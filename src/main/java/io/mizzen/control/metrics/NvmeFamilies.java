package io.mizzen.control.metrics;

import io.mizzen.engine.model.DriveHealthView;
import io.mizzen.engine.model.NvmeControllerView;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.List;
import java.util.Locale;

/** NVMe controllers that the engine drives: their queues; and what drives, also those of the kernel, say of their health. */
final class NvmeFamilies {
    private static final List<String> STATES = List.of("ready", "resetting", "dead", "closing");

    private NvmeFamilies() {
    }

    /** One that the kernel drives: what it says of its health. */
    static void add(Families families, DriveHealthView drive) {
        health(families, Labels.of("address", drive.address(), "model", drive.model(), "serial", drive.serial()), drive.health());
    }

    static void add(Families families, NvmeControllerView controller) {
        Labels labels = Labels.of("address", controller.address(), "model", controller.model(), "serial", controller.serial());
        NvmeControllerView.StatsView stats = controller.stats();
        String now = controller.state().toLowerCase(Locale.ROOT);
        for (String state : STATES) {
            families.gauge("mizzen_nvme_state", "1 for the state that the controller is in", state.equals(now) ? 1 : 0,
                labels.add("state", state));
        }
        counters(families, labels, stats);
        families.gauge("mizzen_nvme_queue_slots", "I/O commands that may be in flight at a time", stats.slots(), labels);
        families.gauge("mizzen_nvme_outstanding", "I/O commands in flight", stats.outstanding(), labels);
        families.gauge("mizzen_nvme_waiting", "I/Os that wait for a slot of a queue", stats.waiting(), labels);
        doorbells(families, labels, "submission", stats.submissionDoorbells());
        doorbells(families, labels, "completion", stats.completionDoorbells());
        doorbells(families, labels, "saved", stats.doorbellsSaved());
        if (controller.health() != null && !"dead".equals(now)) {      // What it said last is not true for ever.
            health(families, labels, controller.health());
        }
    }

    private static void counters(Families families, Labels labels, NvmeControllerView.StatsView stats) {
        families.counter("mizzen_nvme_completions", "I/O commands completed", stats.completions(), labels);
        families.counter("mizzen_nvme_command_errors", "I/O commands that the controller failed, those too that were sent again",
            stats.errors(), labels);
        families.counter("mizzen_nvme_retries", "Commands sent again because of their status", stats.retries(), labels);
        families.counter("mizzen_nvme_timeouts", "Commands that were too late", stats.timeouts(), labels);
        families.counter("mizzen_nvme_aborts", "Abort commands sent for those", stats.aborts(), labels);
        families.counter("mizzen_nvme_interrupts", "Interrupts that were awaited; a busy queue is polled", stats.interrupts(), labels);
        families.counter("mizzen_nvme_resets", "Resets of the controller", stats.resets(), labels);
        families.counter("mizzen_nvme_unknown_completions", "Completions of no command in flight", stats.unknownCompletions(),
            labels);
    }

    private static void doorbells(Families families, Labels labels, String kind, long count) {
        families.counter("mizzen_nvme_doorbells", "Doorbell writes; saved: those that shadow doorbells made unnecessary", count,
            labels.add("kind", kind));
    }

    private static void health(Families families, Labels labels, NvmeControllerView.HealthView health) {
        for (String warning : NvmeControllerView.HealthView.WARNINGS) {
            families.gauge("mizzen_nvme_critical_warning", "1 while the drive warns of that",
                health.criticalWarnings().contains(warning) ? 1 : 0, labels.add("warning", warning));
        }
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
