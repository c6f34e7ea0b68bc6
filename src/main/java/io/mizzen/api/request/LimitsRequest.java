package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.RateSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;

/** All limits of a volume; one that is left out is no limit. */
public record LimitsRequest(
    @Schema(description = "Reads and compares") @Valid Operations readOperations,
    @Schema(description = "Writes, write-zeroes and unmaps") @Valid Operations writeOperations,
    @Schema(description = "All of them") @Valid Operations totalOperations,
    @Schema(description = "Bytes read") @Valid Bytes readBytes,
    @Schema(description = "Bytes written") @Valid Bytes writeBytes,
    @Schema(description = "Bytes read and written") @Valid Bytes totalBytes) {

    /** A limit of operations. */
    @Schema(name = "OperationsLimit")
    public record Operations(
        @Schema(description = "Operations a second", example = "10000") @NotNull @Min(1) Long perSecond,
        @Schema(description = "What may pass at once after a rest; default: what the rate gives in 20 ms", example = "200")
        @Min(1) Long burst) {
        RateSpec toSpec() {
            return new RateSpec(perSecond, burst == null ? 0 : burst);
        }
    }

    /** A limit of bytes. */
    @Schema(name = "BytesLimit")
    public record Bytes(
        @Schema(description = "Bytes a second, or text such as \"100MiB\"", types = {"integer", "string"}, example = "100MiB")
        @NotNull ByteSize perSecond,
        @Schema(description = "What may pass at once after a rest; default: what the rate gives in 20 ms",
            types = {"integer", "string"}, example = "4MiB") ByteSize burst) {
        RateSpec toSpec() {
            return new RateSpec(perSecond.bytes(), burst == null ? 0 : burst.bytes());
        }
    }

    /** As a command. */
    public LimitsSpec toSpec() {
        return new LimitsSpec(of(readOperations), of(writeOperations), of(totalOperations), of(readBytes), of(writeBytes),
            of(totalBytes));
    }

    private static RateSpec of(Operations limit) {
        return limit == null ? null : limit.toSpec();
    }

    private static RateSpec of(Bytes limit) {
        return limit == null ? null : limit.toSpec();
    }
}
