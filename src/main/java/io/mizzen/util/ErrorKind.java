package io.mizzen.util;

/** What kind of failure a control operation had; decides the HTTP status at the edge. */
public enum ErrorKind {
    /** The request itself is wrong; sending it again cannot succeed. */
    INVALID_ARGUMENT,
    /** The named object does not exist. */
    NOT_FOUND,
    /** The name or UUID is taken by an object of another specification. */
    ALREADY_EXISTS,
    /** The object's state forbids it; the message says what has to change first. */
    FAILED_PRECONDITION,
    /** Out of space, memory, slots or metadata pages. */
    RESOURCE_EXHAUSTED,
    /** Busy, starting or stopping; the same request may succeed later. */
    UNAVAILABLE,
    /** The deadline passed; the outcome is unknown. */
    TIMEOUT,
    /** Stored data is damaged or the newest copy of it is missing: nothing of ours has failed. */
    DATA_LOSS,
    /** A device failed, or a bug of ours. */
    INTERNAL
}
