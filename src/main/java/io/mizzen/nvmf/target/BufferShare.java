package io.mizzen.nvmf.target;

import io.mizzen.util.HotPath;

/**
 * How many buffers a connection holds, and its requests that wait because it holds its share: a host that does not read
 * its answers, or does not send the data it was asked for, takes no more than that from the others.
 */
final class BufferShare {
    private final PollGroup group;
    private final int smallMax;
    private final int largeMax;
    private final WaitQueue smallWaiters = new WaitQueue();
    private final WaitQueue largeWaiters = new WaitQueue();
    private int smallHeld;
    private int largeHeld;

    BufferShare(PollGroup group) {
        this.group = group;
        this.smallMax = group.shareOf(true);
        this.largeMax = group.shareOf(false);
    }

    @HotPath
    boolean mayTake(int bytes) {
        return group.isSmall(bytes) ? smallHeld < smallMax : largeHeld < largeMax;
    }

    @HotPath
    void waitForShare(Request request) {
        (group.isSmall(request.dataBytes) ? smallWaiters : largeWaiters).add(request);
    }

    @HotPath
    void onTaken(int bytes) {
        if (group.isSmall(bytes)) {
            smallHeld++;
        } else {
            largeHeld++;
        }
    }

    /** A buffer went back: the next of the connection's own waiters lines up for one. */
    @HotPath
    void onReleased(int bytes) {
        WaitQueue waiters;
        if (group.isSmall(bytes)) {
            smallHeld--;
            waiters = smallWaiters;
        } else {
            largeHeld--;
            waiters = largeWaiters;
        }
        assert smallHeld >= 0;
        assert largeHeld >= 0;
        Request next = waiters.poll();
        if (next != null) {
            group.waitForBuffer(next);
        }
    }

    void forget(Request request) {
        smallWaiters.remove(request);
        largeWaiters.remove(request);
    }
}
