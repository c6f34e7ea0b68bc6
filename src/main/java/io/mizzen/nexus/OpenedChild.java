package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;

/** A bdev while a nexus is being opened over it, and what its metadata said. Home mthread. */
final class OpenedChild implements Descriptor.Listener {
    private Descriptor descriptor;
    private IoChannel channel;
    private DmaBuffer buffer;
    private Nexus nexus;
    private boolean removed;
    private MetadataCodec.Copy copy;
    private boolean otherVersion;
    private boolean unreadable;

    /** Opens the bdev for writing, with the home mthread's channel and a buffer for its metadata. */
    static OpenedChild open(NexusEnvironment environment, Bdev bdev, String owner) {
        OpenedChild child = new OpenedChild();
        child.descriptor = environment.registry().open(bdev, owner, true, child);
        child.buffer = BdevContext.of(environment.home().reactor()).small().tryAcquire();
        if (child.buffer == null) {
            child.descriptor.close();
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "out-of-buffers",
                    "no buffer is left for the metadata of child " + bdev.name() + "; raise mizzen.memory.size");
        }
        child.channel = child.descriptor.openChannel(environment.home());
        return child;
    }

    /** From now on the nexus hears of the bdev's events. */
    void attachTo(Nexus owner) {
        nexus = owner;
        if (removed) {
            owner.operations().onRemoved(bdev());
        }
    }

    @Override
    public void onRemoved(Bdev bdev) {
        removed = true;
        if (nexus != null) {
            nexus.operations().onRemoved(bdev);
        }
    }

    @Override
    public void onResized(Bdev bdev) {
        if (nexus != null) {
            nexus.operations().onResized(bdev);
        }
    }

    Bdev bdev() {
        return descriptor.bdev();
    }

    Descriptor descriptor() {
        return descriptor;
    }

    IoChannel channel() {
        return channel;
    }

    DmaBuffer buffer() {
        return buffer;
    }

    /** A slot was read, or could not be. */
    void onRead(MetadataCodec.Copy newest, boolean hasOtherVersion, boolean failed) {
        copy = newest;
        otherVersion |= hasOtherVersion;
        unreadable |= failed;
    }

    MetadataCodec.Copy copy() {
        return copy;
    }

    boolean isUnreadable() {
        return unreadable;
    }

    boolean isOtherVersion() {
        return otherVersion;
    }

    /** Whether it carries no finished nexus: no record, or one whose creation was cut short. */
    boolean isBlank() {
        return !otherVersion && (copy == null || copy.metadata().creating());
    }

    int newestSlot() {
        return copy == null ? 0 : copy.slot();
    }

    Assembly.Found found() {
        return new Assembly.Found(bdev().name(), copy, otherVersion);
    }

    void close() {
        buffer.close();
        channel.close();
        descriptor.close();
    }
}
