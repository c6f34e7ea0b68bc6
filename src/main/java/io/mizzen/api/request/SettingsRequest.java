package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.util.OperationException;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;

/** What is to change in how a nexus behaves. */
public record SettingsRequest(
    @Schema(description = "How long hosts' I/O waits when no healthy child is there, 1 to 3600000; then it fails until one is",
        example = "25000") @Min(1) @Max(3_600_000) Long freezeTimeoutMs,
    @Schema(description = "What rebuilds may read a second, or text such as \"100MiB\", 1 MiB at least; 0: no limit",
        types = {"integer", "string"}, example = "200MiB") ByteSize rebuildBytesPerSecond,
    @Schema(description = "What back-off leaves a rebuild at least, a second; 1 MiB or more", types = {"integer", "string"},
        example = "8MiB")
    ByteSize rebuildFloorBytesPerSecond,
    @Schema(description = "Whether rebuilds go slower while hosts see much higher latency than without them", example = "true")
    Boolean rebuildBackOff,
    @Schema(description = "How much higher it may be before they do, 1 to 1000", example = "2.0")
    @Min(1) @Max(1000) Double rebuildLatencyFactor) {

    /** A rebuild copies pieces of 128 KiB and locks each against writes: slower, it would never end and be of no use to hosts. */
    private static final long RATE_MIN = 1 << 20;

    /** The settings with the changes; {@code rebuild-rate-too-low} where they ask for less than makes sense. */
    public NexusSettings applyTo(NexusSettings now) {
        if (rebuildBytesPerSecond != null && rebuildBytesPerSecond.bytes() != 0) {
            checkRate("rebuildBytesPerSecond", rebuildBytesPerSecond.bytes(), "; 0 is no limit, and pausing a rebuild holds it");
        }
        if (rebuildFloorBytesPerSecond != null) {
            checkRate("rebuildFloorBytesPerSecond", rebuildFloorBytesPerSecond.bytes(), "");
        }
        return new NexusSettings(freezeTimeoutMs == null ? now.freezeTimeoutMs() : freezeTimeoutMs,
            rebuildBytesPerSecond == null ? now.rebuildBytesPerSecond() : rebuildBytesPerSecond.bytes(),
            rebuildFloorBytesPerSecond == null ? now.rebuildFloorBytesPerSecond() : rebuildFloorBytesPerSecond.bytes(),
            rebuildBackOff == null ? now.rebuildBackOff() : rebuildBackOff,
            rebuildLatencyFactor == null ? now.rebuildLatencyFactor() : rebuildLatencyFactor);
    }

    private static void checkRate(String field, long bytes, String otherwise) {
        if (bytes < RATE_MIN) {
            throw OperationException.invalid("rebuild-rate-too-low", field + " is " + bytes + "; it must be " + RATE_MIN
                + " (1 MiB) or more" + otherwise);
        }
    }
}
