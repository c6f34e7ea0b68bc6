package io.mizzen.concat;

import io.mizzen.bdev.Descriptor;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import java.util.List;

/** What the broken variants of this package do instead. Called from class files that the simulator's tests change. */
final class ConcatMutations {
    private ConcatMutations() {
    }

    /** Instead of waiting until it is durable. */
    static void writeUnderWay(Descriptor descriptor, Mthread control, long atBytes, byte[] data, Completion<Void> done) {
        DiskIo.write(descriptor, control, atBytes, data, (written, failure) -> { });
        done.ok(null);
    }

    /** Instead of the new disk first. */
    static <T> List<T> newDiskLast(List<T> disks) {
        return disks;
    }
}
