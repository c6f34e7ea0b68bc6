package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.uring.DiskSignature;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Refuses a disk that somebody else seems to use: reads its first and last MiB and looks for signatures of partition
 * tables, file systems, volume managers and pools. Those that the request names, or the word "any", are accepted.
 * Control reactor only.
 */
final class SignatureCheck {
    /** The word that accepts whatever is there. */
    static final String ANY = "any";

    /** The word, for a nexus, that lets another nexus's metadata on its children go. */
    static final String NEXUS = "nexus";
    private static final String LVSTORE = "spdk-blobstore";
    /** Words that users know for those of {@link DiskSignature}. */
    private static final Map<String, String> ALIASES = Map.of("ext2", "ext", "ext3", "ext", "ext4", "ext", "lvstore", LVSTORE);
    private static final int END_BYTES = 1 << 20;

    private final Descriptor descriptor;
    private final IoChannel channel;
    private final DmaBuffer buffer;
    private final List<String> overwrite;
    private final Completion<Void> done;
    private byte[] head;
    private byte[] tail;

    /** Checks several, one after the other; the first refusal ends it, and what follows may refuse by throwing, too. */
    static void runAll(PlaneContext plane, List<? extends Bdev> bdevs, List<String> overwrite, Completion<Void> done) {
        try {
            if (bdevs.isEmpty()) {
                done.ok(null);
                return;
            }
            run(plane, bdevs.getFirst(), overwrite, (nothing, refused) -> {
                if (refused != null) {
                    done.fail(refused);
                } else {
                    runAll(plane, bdevs.subList(1, bdevs.size()), overwrite, done);
                }
            });
        } catch (OperationException refused) {
            done.fail(refused);
        }
    }

    /** The signatures that a request accepts, as {@link DiskSignature} calls them; refuses words that mean none. */
    static List<String> accepted(List<String> overwrite) {
        List<String> words = new ArrayList<>();
        Set<String> known = DiskSignature.words();
        for (String word : overwrite == null ? List.<String>of() : overwrite) {
            words.add(word == null ? "" : ALIASES.getOrDefault(word, word));
            if (!ANY.equals(word) && !known.contains(words.getLast())) {
                throw OperationException.invalid("invalid-overwrite", "overwrite names '" + word + "'; it takes " + ANY + " or any of "
                        + String.join(", ", known));
            }
        }
        return words;
    }

    /** Completes when the disk may be overwritten; fails with FAILED_PRECONDITION naming what is on it. */
    static void run(PlaneContext plane, Bdev bdev, List<String> overwrite, Completion<Void> done) {
        List<String> words = accepted(overwrite);
        if (words.contains(ANY)) {
            done.ok(null);
            return;
        }
        DmaBuffer buffer = BdevContext.of(plane.control().reactor()).large().tryAcquire();
        if (buffer == null) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "out-of-buffers", "no buffer is free now; try again later");
        }
        Descriptor descriptor;
        try {
            descriptor = plane.registry().open(bdev, "signature check", false, new Descriptor.Listener() {
                @Override
                public void onRemoved(Bdev gone) {
                    // The read that is under way fails, and the check with it.
                }

                @Override
                public void onResized(Bdev resized) {
                    // The next check sees it.
                }
            });
        } catch (OperationException refused) {
            buffer.close();
            throw refused;
        }
        new SignatureCheck(plane, descriptor, buffer, words, done).start();
    }

    private SignatureCheck(PlaneContext plane, Descriptor descriptor, DmaBuffer buffer, List<String> overwrite, Completion<Void> done) {
        this.descriptor = descriptor;
        this.channel = descriptor.openChannel(plane.control());
        this.buffer = buffer;
        this.overwrite = overwrite;
        this.done = done;
    }

    private void start() {
        int lengthBytes = (int) Math.min(END_BYTES, descriptor.bdev().sizeBytes());
        head = new byte[lengthBytes];
        tail = new byte[lengthBytes];
        read(head, 0, 0, () -> read(tail, descriptor.bdev().sizeBytes() - lengthBytes, 0, this::decide));
    }

    /** Reads piece by piece, as the one buffer allows. */
    private void read(byte[] target, long offsetBytes, int done, Runnable next) {
        if (done == target.length) {
            next.run();
            return;
        }
        Bdev bdev = descriptor.bdev();
        int lengthBytes = Math.min(buffer.sizeBytes(), target.length - done);
        BdevIo io = channel.tryAcquire();
        if (io == null) {
            end(new OperationException(ErrorKind.UNAVAILABLE, "out-of-buffers", "no I/O record is free now; try again later"));
            return;
        }
        io.prepare(IoType.READ, (offsetBytes + done) >> bdev.blockShift(), lengthBytes >> bdev.blockShift(), buffer.address(),
                buffer.regionIndex(), ended -> {
            int status = ended.status();
            ended.release();
            if (status != Status.SUCCESS) {
                end(OperationException.internal("disk-read-failed", "reading " + bdev.name() + " failed: " + Status.describe(status)
                    + "; look at the disk and at the kernel's log (dmesg)"));
                return;
            }
            MemorySegment.copy(RawMemory.ALL, ValueLayout.JAVA_BYTE, buffer.address(), target, done, lengthBytes);
            read(target, offsetBytes, done + lengthBytes, next);
        });
        channel.submit(io);
    }

    private void decide() {
        List<DiskSignature.Finding> found = new ArrayList<>(DiskSignature.inspect(head, tail));
        found.removeIf(finding -> overwrite.contains(finding.word()));
        if (found.isEmpty()) {
            end(null);
            return;
        }
        boolean pool = found.stream().anyMatch(finding -> DeviceScan.POOLS.contains(finding.word()));
        end(OperationException.precondition("disk-not-empty", "bdev " + descriptor.bdev().name() + " carries "
                + String.join(", ", found.stream().map(f -> f.description() + " [" + f.word() + "]").toList())
                + "; to destroy that, name it in overwrite" + (pool ? " (to open the pool that is there, import it instead)" : "")));
    }

    private void end(OperationException failure) {
        buffer.close();
        channel.close();
        descriptor.close();
        done.complete(null, failure);
    }
}
