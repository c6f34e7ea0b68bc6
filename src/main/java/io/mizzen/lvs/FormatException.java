package io.mizzen.lvs;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;

/**
 * What is on the disk is not a blobstore that may be trusted: says what is wrong and where.
 *
 * <p>Control reactor only. Carries a stable kebab-case {@link #code()} and no stack trace; it becomes an
 * {@link OperationException} at the edge of the package.
 */
final class FormatException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String code;

    FormatException(String code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    String code() {
        return code;
    }

    /** The same, for who asked: its kind says whether another request could do it, or the data are damaged. */
    OperationException toOperation() {
        ErrorKind kind = switch (code) {
            case "pool-signature-missing" -> ErrorKind.NOT_FOUND;
            case LvStores.READING_ENDED -> ErrorKind.UNAVAILABLE;
            case "pool-memory-insufficient" -> ErrorKind.RESOURCE_EXHAUSTED;
            case "pool-format-unsupported", "pool-type-foreign", "pool-block-size-unsupported",
                "pool-growth-limit" -> ErrorKind.FAILED_PRECONDITION;
            case "pool-cluster-size-invalid", "pool-too-large", "pool-device-too-small", "xattr-too-large" ->
                ErrorKind.INVALID_ARGUMENT;
            default -> ErrorKind.DATA_LOSS;
        };
        return new OperationException(kind, code, getMessage());
    }
}
