package io.mizzen.util;

import java.util.Objects;

/**
 * The failure of a control operation: a kind, a stable kebab-case code for programs and a message for people that says
 * what is wrong and what to do. Carries no stack trace: it is an outcome, not a bug.
 */
public final class OperationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorKind kind;
    private final String code;

    public OperationException(ErrorKind kind, String code, String message) {
        this(kind, code, message, null);
    }

    public OperationException(ErrorKind kind, String code, String message, Throwable cause) {
        super(message, cause, false, false);
        this.kind = Objects.requireNonNull(kind);
        this.code = Objects.requireNonNull(code);
    }

    public ErrorKind kind() {
        return kind;
    }

    /** Stable word such as {@code pool-not-found}. */
    public String code() {
        return code;
    }

    public static OperationException invalid(String code, String message) {
        return new OperationException(ErrorKind.INVALID_ARGUMENT, code, message);
    }

    public static OperationException notFound(String code, String message) {
        return new OperationException(ErrorKind.NOT_FOUND, code, message);
    }

    public static OperationException precondition(String code, String message) {
        return new OperationException(ErrorKind.FAILED_PRECONDITION, code, message);
    }

    public static OperationException internal(String code, String message) {
        return new OperationException(ErrorKind.INTERNAL, code, message);
    }

    @Override
    public String toString() {
        return kind + " " + code + ": " + getMessage();
    }
}
