package io.mizzen.rebuild;

import io.mizzen.bdev.RangeLock;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Message;
import io.mizzen.util.HotPath;
import java.util.ArrayList;
import java.util.List;

/**
 * A stretch of the volume under one range lock. The home mthread owns it while it is taken from the plan, locked and
 * unlocked, the worker between the two messages that carry it there and back.
 *
 * <pre>
 * FREE → LOCKING → COPYING (with the worker) → UNLOCKING → FREE
 *           └─────────── job is ending ──────────↗
 * </pre>
 */
final class Window {
    final RebuildPlan.Segment segment = new RebuildPlan.Segment();
    /** Home: taken. */
    boolean busy;
    /** Home: bytes that the throttle was charged with in advance. */
    long chargedBytes;
    /** Home: who deals with it. */
    RebuildWorker worker;
    RangeLock lock;

    // The worker's while it copies; results afterwards.
    /** The next block that no piece has taken. */
    long cursor;
    int piecesOut;
    Window next;
    boolean wasCut;
    int sourceStatus;
    int failedDestination;
    int destinationStatus;
    long copiedBlocks;
    long skippedBlocks;
    long writtenBlocks;
    long differentBlocks;
    final List<RebuildDifference> differences = new ArrayList<>();

    final Message toWorker;
    final Message toHome;

    Window(RebuildJob job) {
        toWorker = new Message() {
            @Override
            public void run() {
                worker.onWindow(Window.this);
            }
        };
        toHome = new Message() {
            @Override
            public void run() {
                job.onWindowEnd(Window.this);
            }
        };
    }

    /** The worker has it. */
    @HotPath
    void begin() {
        cursor = segment.offsetBlocks;
        piecesOut = 0;
        wasCut = false;
        sourceStatus = Status.SUCCESS;
        failedDestination = RebuildJob.NONE;
        destinationStatus = Status.SUCCESS;
        copiedBlocks = 0;
        skippedBlocks = 0;
        writtenBlocks = 0;
        differentBlocks = 0;
        differences.clear();
    }

    @HotPath
    long endBlock() {
        return segment.offsetBlocks + segment.blockCount;
    }

    @HotPath
    void failSource(int status) {
        if (sourceStatus == Status.SUCCESS) {
            sourceStatus = status;
        }
        cursor = endBlock();
    }

    @HotPath
    void failDestination(int destination, int status) {
        if (failedDestination == RebuildJob.NONE) {
            failedDestination = destination;
            destinationStatus = status;
        }
        cursor = endBlock();
    }

    /** Nothing more is copied; some of it may have been. */
    @HotPath
    void cutShort() {
        wasCut = true;
        cursor = endBlock();
    }

    boolean hasFailed() {
        return sourceStatus != Status.SUCCESS || failedDestination != RebuildJob.NONE;
    }
}
