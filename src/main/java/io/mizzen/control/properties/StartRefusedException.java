package io.mizzen.control.properties;

/** The configuration forbids the start; the message says why and the action what to do. Reported without a stack trace. */
public final class StartRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String action;

    public StartRefusedException(String message, String action) {
        super(message);
        this.action = action;
    }

    /** What the user has to change. */
    public String action() {
        return action;
    }
}
