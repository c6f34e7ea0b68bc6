package io.mizzen.nexus;

/** A member's health as stored in the metadata. */
public enum MemberState {
    /** Holds every acknowledged write. */
    HEALTHY(1),
    /** Missed writes, or may have: its data is not to be read until it is rebuilt. */
    FAULTED(2),
    /** Being rebuilt: receives writes, is not read. Counts as faulted after a restart. */
    SYNCING(3);

    private final int code;

    MemberState(int code) {
        this.code = code;
    }

    /** The number stored on disk. */
    int code() {
        return code;
    }

    static MemberState ofCode(int code) {
        return switch (code) {
            case 1 -> HEALTHY;
            case 2 -> FAULTED;
            case 3 -> SYNCING;
            default -> null;
        };
    }
}
