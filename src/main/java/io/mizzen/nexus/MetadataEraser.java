package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import java.util.function.Consumer;

/** Wipes both slots of children, so that they are nobody's any more. Home mthread. */
final class MetadataEraser {
    private MetadataEraser() {
    }

    /** @param done whether every child of the mask was erased */
    static void erase(Nexus nexus, int mask, Consumer<Boolean> done) {
        eraseSlot(nexus, mask, 0, first -> eraseSlot(nexus, mask, 1, second -> done.accept(first && second)));
    }

    private static void eraseSlot(Nexus nexus, int mask, int slot, Consumer<Boolean> done) {
        int shift = nexus.blockShift();
        new ChildFanout(nexus, (okMask, failMask) -> done.accept(failMask == 0)) {
            @Override
            void prepare(int child, BdevIo io, IoCompletion completion) {
                NexusChild target = nexus.child(child);
                RawMemory.zero(target.slotBuffer().address(), MetadataCodec.SLOT_BYTES);
                io.prepare(IoType.WRITE, MetadataCodec.slotOffsetBytes(slot) >>> shift,
                        MetadataCodec.SLOT_BYTES >>> shift, target.slotBuffer().address(),
                        target.slotBuffer().regionIndex(), completion);
                io.flags = BdevIo.FLAG_FUA;
            }
        }.submit(mask);
    }
}
