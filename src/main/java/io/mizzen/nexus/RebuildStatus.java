package io.mizzen.nexus;

import io.mizzen.rebuild.RebuildKind;
import io.mizzen.rebuild.RebuildProgress;

/**
 * The rebuild, or the verification, of one child for views, as of now.
 *
 * @param bdev name of the child's bdev
 * @param source name of the bdev that is copied from, or null when none is now
 * @param phase what goes on
 * @param totalBytes what the child lacked at first (or what is compared)
 * @param remainingBytes what is left of that
 * @param progress of the job under way, or null; one that went over to another source begins anew
 */
public record RebuildStatus(String bdev, RebuildKind kind, String source, Phase phase, long totalBytes,
        long remainingBytes, RebuildProgress progress) {
    /** What goes on. */
    public enum Phase {
        /** The child gets what is needed before data. */
        PREPARING,
        /** Data is copied or compared. */
        COPYING,
        /** Held by hand. */
        PAUSED,
        /** Ended by hand; it can be started again and goes on from there. */
        STOPPED,
        /** No healthy child to copy from is there, or a moment passes before another attempt. */
        WAITING,
        /** Everything is copied; the child's health is being stored. */
        STORING
    }

    /** 0 to 100. */
    public int percent() {
        return totalBytes == 0 ? 100 : (int) ((totalBytes - remainingBytes) * 100.0 / totalBytes);
    }
}
