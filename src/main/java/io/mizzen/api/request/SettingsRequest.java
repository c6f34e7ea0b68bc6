package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.mizzen.engine.model.NexusSettings;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;

/** What is to change in how a nexus behaves. */
public record SettingsRequest(
    @Schema(description = "How long hosts' I/O waits when no healthy child is there, 1 to 3600000; then it fails until one is",
        example = "25000") @Min(1) @Max(3_600_000) Long freezeTimeoutMs,
    @Schema(description = "What rebuilds may read a second, or text such as \"100MiB\"; 0: no limit",
        types = {"integer", "string"}, example = "200MiB") ByteSize rebuildBytesPerSecond,
    @Schema(description = "What back-off leaves a rebuild at least, a second", types = {"integer", "string"}, example = "8MiB")
    ByteSize rebuildFloorBytesPerSecond,
    @Schema(description = "Whether rebuilds go slower while hosts see much higher latency than without them", example = "true")
    Boolean rebuildBackOff,
    @Schema(description = "How much higher it may be before they do, 1 to 1000", example = "2.0")
    @Min(1) @Max(1000) Double rebuildLatencyFactor) {

    /** The settings with the changes. */
    public NexusSettings applyTo(NexusSettings now) {
        return new NexusSettings(freezeTimeoutMs == null ? now.freezeTimeoutMs() : freezeTimeoutMs,
            rebuildBytesPerSecond == null ? now.rebuildBytesPerSecond() : rebuildBytesPerSecond.bytes(),
            rebuildFloorBytesPerSecond == null ? now.rebuildFloorBytesPerSecond() : rebuildFloorBytesPerSecond.bytes(),
            rebuildBackOff == null ? now.rebuildBackOff() : rebuildBackOff,
            rebuildLatencyFactor == null ? now.rebuildLatencyFactor() : rebuildLatencyFactor);
    }
}
