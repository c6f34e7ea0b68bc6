package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.RateSpec;
import io.mizzen.util.OperationException;
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
        @Schema(description = "Bytes a second, or text such as \"100MiB\"; 64 KiB at least", types = {"integer", "string"},
            example = "100MiB")
        @NotNull ByteSize perSecond,
        @Schema(description = "What may pass at once after a rest; default: what the rate gives in 20 ms",
            types = {"integer", "string"}, example = "4MiB") ByteSize burst) {
        /** Less, and an operation of common size waits for longer than hosts wait before they give up. */
        private static final long PER_SECOND_MIN = 64 << 10;

        RateSpec toSpec(String field) {
            if (perSecond.bytes() < PER_SECOND_MIN) {
                throw OperationException.invalid("limit-too-low", field + ": perSecond is " + perSecond.bytes() + "; it must be "
                    + PER_SECOND_MIN + " (64 KiB) or more; leave " + field + " out for no limit");
            }
            return new RateSpec(perSecond.bytes(), burst == null ? 0 : burst.bytes());
        }
    }

    /** As a command; {@code limit-too-low} where it would let next to nothing pass. */
    public LimitsSpec toSpec() {
        return new LimitsSpec(of(readOperations), of(writeOperations), of(totalOperations),
            of("readBytes", readBytes), of("writeBytes", writeBytes), of("totalBytes", totalBytes));
    }

    private static RateSpec of(Operations limit) {
        return limit == null ? null : limit.toSpec();
    }

    private static RateSpec of(String field, Bytes limit) {
        return limit == null ? null : limit.toSpec(field);
    }
}
