package io.mizzen.rebuild;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Mthread;
import java.util.List;
import java.util.UUID;

/** The plainest mirror: writes go to all legs, reads to the first. What the range locks protect is the bdev layer's. */
final class RigMirror extends Bdev {
    private final List<Descriptor> legs;
    private final long dataOffsetBlocks;

    RigMirror(List<Descriptor> legs, long dataOffsetBlocks, long blocks) {
        super("mirror", new UUID(8, 8), "rig", RigDisk.BLOCK, blocks);
        this.legs = legs;
        this.dataOffsetBlocks = dataOffsetBlocks;
    }

    @Override
    public boolean supports(int ioType) {
        return ioType == IoType.READ || ioType == IoType.WRITE || ioType == IoType.WRITE_ZEROES;
    }

    @Override
    public int depth() {
        return 1;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new Channel(mthread);
    }

    private final class Channel extends IoChannel implements IoCompletion {
        private final List<IoChannel> children;

        Channel(Mthread mthread) {
            super(RigMirror.this, mthread);
            children = legs.stream().map(leg -> leg.openChannel(mthread)).toList();
        }

        @Override
        protected void doSubmit(BdevIo io) {
            int count = io.type == IoType.READ ? 1 : children.size();
            io.childCount = count;
            io.childStatus = Status.SUCCESS;
            for (int i = 0; i < count; i++) {
                BdevIo part = children.get(i).tryAcquire();
                part.prepare(io.type, io.offsetBlocks + dataOffsetBlocks, io.blockCount, io.address, io.regionIndex,
                        this);
                part.parent = io;
                children.get(i).submit(part);
            }
        }

        @Override
        public void onIoComplete(BdevIo part) {
            BdevIo io = part.parent;
            io.childStatus = part.status() == Status.SUCCESS ? io.childStatus : part.status();
            part.release();
            if (--io.childCount == 0) {
                io.complete(io.childStatus);
            }
        }

        @Override
        protected void onClose() {
            children.forEach(IoChannel::close);
        }
    }
}
