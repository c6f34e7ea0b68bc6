package io.mizzen.concat;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.HotPath;
import java.util.UUID;

/** Stands for a member that is not there, in a set that is opened to be looked at only: every read fails. */
final class MissingDisk extends Bdev {
    MissingDisk(UUID set, RaidSuperBlock.Member member, int blockSizeBytes) {
        super("missing-" + set + "-" + (member.slot() + 1), member.uuid(), "missing", blockSizeBytes,
                member.dataOffsetBlocks() + member.dataBlocks());
    }

    @Override
    public boolean supports(int ioType) {
        return ioType == IoType.READ;
    }

    @Override
    public boolean isReadOnly() {
        return true;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new Channel(this, mthread);
    }

    private static final class Channel extends IoChannel {
        Channel(MissingDisk disk, Mthread mthread) {
            super(disk, mthread);
        }

        @Override
        @HotPath
        protected void doSubmit(BdevIo io) {
            io.completeDeferred(Status.UNRECOVERED_READ_ERROR | Status.DNR);
        }
    }
}
