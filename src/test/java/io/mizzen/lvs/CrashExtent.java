package io.mizzen.lvs;

import java.util.List;

/** A range of sectors that had the same writes: oldest first, the oldest is durable. */
record CrashExtent(long end, CrashModel.Version[] versions) {
    /** Index of the last version that had been acknowledged by then, or 0. */
    int lastAcknowledged(long time) {
        int i = versions.length - 1;
        while (i > 0 && !versions[i].acknowledgedBefore(time)) {
            i--;
        }
        return i;
    }

    /** What is wrong with what it holds there; null: nothing. */
    String wrong(CrashModel.Volume v, long from, long end, int oldest, CrashModel.Contents contents) {
        boolean mayBeZero = false;
        for (int i = oldest; i < versions.length; i++) {
            if (versions[i].value == CrashModel.ANY) {
                return null;
            }
            mayBeZero |= versions[i].value == 0;
        }
        long sector = mayBeZero ? contents.nextNonZero(from, end) : from;
        while (sector < end) {
            long tag = contents.tagAt(sector);
            if (!isOne(oldest, tag, sector)) {
                return v.name + ": sector " + sector + " holds value " + (tag >> CrashModel.SECTOR_BITS) + " of sector "
                        + (tag & (1 << CrashModel.SECTOR_BITS) - 1) + ", may hold " + values(oldest);
            }
            sector = mayBeZero ? contents.nextNonZero(sector + 1, end) : sector + 1;
        }
        return null;
    }

    private boolean isOne(int oldest, long tag, long sector) {
        for (int i = oldest; i < versions.length; i++) {
            if (CrashModel.tag(versions[i].value, sector) == tag) {
                return true;
            }
        }
        return false;
    }

    private String values(int oldest) {
        StringBuilder text = new StringBuilder();
        for (int i = oldest; i < versions.length; i++) {
            text.append(text.isEmpty() ? "" : " or ").append(versions[i].value);
        }
        return text.toString();
    }

    /** What is found there: ranges with their first sector, the one behind their last, and their value. */
    void collect(long from, CrashModel.Contents contents, List<long[]> found) {
        boolean any = false;
        for (CrashModel.Version version : versions) {
            any |= version.value == CrashModel.ANY;
        }
        for (long sector = from; sector < end;) {
            long next = any ? end : contents.nextNonZero(sector, end);
            if (next > sector) {
                found.add(new long[] {sector, next, any ? CrashModel.ANY : 0});
                sector = next;
            } else {
                long value = contents.tagAt(sector) >> CrashModel.SECTOR_BITS;
                long[] last = found.isEmpty() ? null : found.getLast();
                if (last != null && last[1] == sector && last[2] == value && sector > from) {
                    last[1]++;
                } else {
                    found.add(new long[] {sector, sector + 1, value});
                }
                sector++;
            }
        }
    }
}
