package io.mizzen.nexus;

import java.util.UUID;

/**
 * One child for views, as of now.
 *
 * @param bdev name of its bdev; null when the member is not present
 * @param memberUuid names it in the metadata
 * @param health as stored
 * @param resyncing healthy, but being made equal to the source after an unclean stop
 * @param present whether I/O goes to it
 * @param changedAtMs when the health last changed, milliseconds since 1970
 * @param readRetries reads that another child answered instead
 */
public record ChildStatus(int index, String bdev, UUID memberUuid, MemberState health, FaultReason reason,
        boolean resyncing, boolean present, boolean local, long changedAtMs, long reads, long readErrors,
        long readRetries, long writes, long writeErrors) {
}
