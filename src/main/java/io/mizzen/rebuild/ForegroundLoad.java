package io.mizzen.rebuild;

import io.mizzen.bdev.IoStats;

/** What hosts do with the volume while a job runs. Asked on the control reactor, several times a second. */
@FunctionalInterface
public interface ForegroundLoad {
    /** Counters since some fixed time: only differences are looked at. */
    IoStats totals();
}
