package io.mizzen.control.store;

/** What a document describes; in the order in which objects come back at start. */
public enum StateKind {
    DEVICE("devices"), BDEV("bdevs"), POOL("pools"), NEXUS("nexuses"), LIMITS("limits"), SHARE("shares");

    private final String directory;

    StateKind(String directory) {
        this.directory = directory;
    }

    String directory() {
        return directory;
    }
}
