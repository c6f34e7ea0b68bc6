package io.mizzen.nexus;

/** Why a child is not healthy. The stored numbers and the words are stable. */
public enum FaultReason {
    NONE(0, "none"),
    /** A write, flush or other changing command failed on it. */
    IO_ERROR(1, "io-error"),
    /** It had no space for a write that others had space for. */
    NO_SPACE(2, "no-space"),
    /** Its device went away. */
    REMOVED(3, "removed"),
    /** Its metadata could not be written. */
    METADATA_ERROR(4, "metadata-error"),
    /** It was not among the children when the nexus was assembled, and that was allowed. */
    MISSING(5, "missing"),
    /** An administrator took it out. */
    ADMINISTRATIVE(6, "administrative"),
    /** Copying to it failed. */
    REBUILD_FAILED(7, "rebuild-failed"),
    /** It missed generations while it was away. */
    STALE(8, "stale"),
    /** A command that was flushed to all children failed on it. */
    FLUSH_ERROR(9, "flush-error"),
    /** An administrator took it offline for a while. */
    OFFLINE(10, "offline");

    private final int code;
    private final String word;

    FaultReason(int code, String word) {
        this.code = code;
        this.word = word;
    }

    int code() {
        return code;
    }

    /** Stable kebab-case word for views. */
    public String word() {
        return word;
    }

    static FaultReason ofCode(int code) {
        for (FaultReason reason : values()) {
            if (reason.code == code) {
                return reason;
            }
        }
        return null;
    }
}
