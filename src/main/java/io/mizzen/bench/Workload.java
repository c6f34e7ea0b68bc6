package io.mizzen.bench;

/** What the jobs do to a bdev. */
enum Workload {
    READ("read", false, 100), WRITE("write", false, 0), RW("rw", false, 50),
    RANDREAD("randread", true, 100), RANDWRITE("randwrite", true, 0), RANDRW("randrw", true, 50);

    /** As on the command line. */
    final String word;
    final boolean random;
    /** Reads in a hundred, unless the mix says otherwise. */
    final int readPercent;

    Workload(String word, boolean random, int readPercent) {
        this.word = word;
        this.random = random;
        this.readPercent = readPercent;
    }

    /** Whether the mix may be chosen. */
    boolean isMixed() {
        return this == RW || this == RANDRW;
    }

    /** The workload of a word, or null. */
    static Workload of(String word) {
        for (Workload workload : values()) {
            if (workload.word.equals(word)) {
                return workload;
            }
        }
        return null;
    }
}
