package io.mizzen.rebuild;

/** Why a job copies, and how. */
public enum RebuildKind {
    /** Everything, to legs whose content does not count: written without a look at what is there. */
    FULL,
    /** What legs missed while they were away: written without a look at what is there. */
    PARTIAL,
    /** Where legs may differ after a crash: compared first, written only where they do. */
    RESYNC,
    /** Compares and counts, writes nothing. */
    VERIFY;

    /** Whether a destination is read before it is written. */
    boolean compares() {
        return this == RESYNC || this == VERIFY;
    }

    boolean writes() {
        return this != VERIFY;
    }
}
