package io.mizzen.lvs;

/**
 * What is on the disk is not a blobstore that may be trusted: says what is wrong and where.
 *
 * <p>Control reactor only. Carries a stable kebab-case {@link #code()} and no stack trace; it becomes an
 * {@code OperationException} at the edge of the package.
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
}
