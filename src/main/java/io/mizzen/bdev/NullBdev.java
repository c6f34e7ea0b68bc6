package io.mizzen.bdev;

import io.mizzen.reactor.Mthread;
import io.mizzen.util.HotPath;
import java.util.UUID;

/** Completes everything at once, keeps nothing: the measure of the layers above. Reads leave the buffer as it was. */
public final class NullBdev extends Bdev {
    public NullBdev(String name, UUID uuid, int blockSizeBytes, long blockCount) {
        super(name, uuid, "null", blockSizeBytes, blockCount);
    }

    @Override
    public boolean supports(int ioType) {
        return ioType != IoType.COMPARE;
    }

    @Override
    public boolean isTestOnly() {
        return true;
    }

    /** It holds nothing that could differ from another's. */
    @Override
    public boolean isBlank() {
        return true;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new Channel(this, mthread);
    }

    private static final class Channel extends IoChannel {
        Channel(NullBdev bdev, Mthread mthread) {
            super(bdev, mthread);
        }

        @Override
        @HotPath
        protected void doSubmit(BdevIo io) {
            io.completeDeferred(Status.SUCCESS);
        }

        @Override
        protected boolean takesHandedDown() {
            return true;
        }
    }
}
