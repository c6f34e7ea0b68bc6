package io.mizzen.concat;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Standing;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.HotPath;
import java.util.Arrays;
import java.util.List;

/**
 * A set's channel: an I/O within one disk is handed down to it as it is; one that crosses from a disk to the next is split,
 * and a flush goes to all of them.
 *
 * <p>In a split I/O: {@code driverLong} = blocks dealt with, {@code childCount} = parts in flight, {@code childStatus} = first
 * failure. Parts go one after the other but for a flush's.
 */
final class ConcatChannel extends IoChannel implements IoCompletion {
    private final ConcatBdev concat;
    private final int shift;
    /** By disk: where it begins and ends in the whole, and what to add for its own block. */
    private long[] starts = {};
    private long[] ends = {};
    private long[] offsets = {};
    private IoChannel[] disks = {};
    private Standing[] standings = {};
    private boolean[] unmapsAlike = {};
    private boolean[] writesThrough = {};

    ConcatChannel(ConcatBdev concat, Mthread mthread) {
        super(concat, mthread);
        this.concat = concat;
        this.shift = concat.blockShift();
        follow();
    }

    /** Takes over what the bdev has now: disks that came at its end, an end that moved. */
    void follow() {
        List<ConcatBdev.Part> parts = concat.parts();
        int known = disks.length;
        starts = Arrays.copyOf(starts, parts.size());
        ends = Arrays.copyOf(ends, parts.size());
        offsets = Arrays.copyOf(offsets, parts.size());
        disks = Arrays.copyOf(disks, parts.size());
        standings = Arrays.copyOf(standings, parts.size());
        unmapsAlike = Arrays.copyOf(unmapsAlike, parts.size());
        writesThrough = Arrays.copyOf(writesThrough, parts.size());
        for (int i = 0; i < parts.size(); i++) {
            ConcatBdev.Part part = parts.get(i);
            starts[i] = part.startBlock();
            ends[i] = part.endBlock();
            offsets[i] = part.dataOffsetBlocks() - part.startBlock();
            if (i >= known) {
                disks[i] = part.descriptor().openChannel(mthread());
                standings[i] = standOn(disks[i]);
                unmapsAlike[i] = concat.unmapsAlike(i);
                writesThrough[i] = concat.mustWriteThrough(i);
            }
        }
    }

    @Override
    @HotPath
    protected void doSubmit(BdevIo io) {
        if (io.type == IoType.FLUSH) {
            if (concat.parts().size() != disks.length) {
                follow();
            }
            flush(io);
            return;
        }
        if (io.offsetBlocks + io.blockCount > ends[ends.length - 1]) {
            follow();       // The set grew while this channel was being made.
        }
        int disk = find(io.offsetBlocks);
        if (io.offsetBlocks + io.blockCount <= ends[disk] && (unmapsAlike[disk] && !writesThrough[disk] || !IoType.isWrite(io.type))
                && handDown(io, standings[disk], io.offsetBlocks + offsets[disk])) {
            return;
        }
        io.driverLong = 0;
        io.childStatus = Status.SUCCESS;
        if (!submitNext(io)) {
            io.completeDeferred(Status.NO_RESOURCES);
        }
    }

    @HotPath
    private int find(long block) {
        int disk = 0;
        while (block >= ends[disk]) {
            disk++;
        }
        return disk;
    }

    /** False: no record. */
    @HotPath
    private boolean submitNext(BdevIo io) {
        long block = io.offsetBlocks + io.driverLong;
        int disk = find(block);
        BdevIo part = disks[disk].tryAcquire();
        if (part == null) {
            return false;
        }
        long count = Math.min(io.blockCount - io.driverLong, ends[disk] - block);
        long address = IoType.hasData(io.type) ? io.address + (io.driverLong << shift) : 0;
        int type = io.type == IoType.UNMAP && !unmapsAlike[disk] ? IoType.WRITE_ZEROES : io.type;
        part.prepare(type, block + offsets[disk], count, address, io.regionIndex, this);
        part.flags |= io.flags & BdevIo.FLAG_FUA;
        if (writesThrough[disk] && type != IoType.UNMAP) {
            part.flags |= BdevIo.FLAG_FUA;
        }
        part.parent = io;
        io.driverLong += count;
        io.childCount = 1;
        disks[disk].submit(part);
        return true;
    }

    /** To all disks at once, or, when there are no records for that, not at all: then it is tried again. */
    @HotPath
    private void flush(BdevIo io) {
        BdevIo head = null;
        int count = 0;
        while (count < disks.length) {
            BdevIo part = disks[count].tryAcquire();
            if (part == null) {
                break;
            }
            part.queueNext = head;
            head = part;
            count++;
        }
        boolean all = count == disks.length;
        io.childStatus = Status.SUCCESS;
        io.childCount = count;
        while (head != null) {
            BdevIo part = head;
            head = part.queueNext;
            part.queueNext = null;
            count--;
            if (all) {
                part.prepare(IoType.FLUSH, 0, 0, 0, -1, this);
                part.parent = io;
                disks[count].submit(part);
            } else {
                part.release();
            }
        }
        if (!all) {
            io.completeDeferred(Status.NO_RESOURCES);
        }
    }

    @Override
    @HotPath
    public void onIoComplete(BdevIo part) {
        BdevIo io = part.parent;
        int status = part.status();
        part.release();
        if (status != Status.SUCCESS && io.childStatus == Status.SUCCESS) {
            io.childStatus = status;
        }
        if (--io.childCount > 0) {
            return;
        }
        if (io.type == IoType.FLUSH && concat.takeFlushFailed() && io.childStatus == Status.SUCCESS) {
            io.childStatus = Status.WRITE_FAULT;
        }
        if (io.type == IoType.FLUSH || io.childStatus != Status.SUCCESS || io.driverLong == io.blockCount) {
            io.complete(io.childStatus);
        } else if (!submitNext(io)) {
            io.complete(Status.NO_RESOURCES);       // The whole is tried again, which does no harm.
        }
    }

    @Override
    protected void onClose() {
        for (int i = 0; i < disks.length; i++) {
            standNoMoreOn(standings[i]);
            disks[i].close();
        }
    }
}
