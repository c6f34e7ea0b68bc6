package io.mizzen.pci;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;

/** Gives regions of memory their places in the address ranges that an IOMMU offers: the lowest that fit, in order. */
final class IovaAllotment {
    /** Below lie addresses that firmware and legacy devices care about, and 0, which reads as "none". */
    private static final long LOWEST = 16L << 20;

    /** Addresses from start to end, both included. */
    record Range(long start, long end) {
    }

    private IovaAllotment() {
    }

    /** What is left of the ranges without the others, in order. */
    static List<Range> without(List<Range> ranges, List<Range> others) {
        List<Range> left = new ArrayList<>(ranges);
        for (Range other : others) {
            List<Range> next = new ArrayList<>();
            for (Range range : left) {
                if (other.end < range.start || range.end < other.start) {
                    next.add(range);
                    continue;
                }
                if (range.start < other.start) {
                    next.add(new Range(range.start, other.start - 1));
                }
                if (other.end < range.end) {
                    next.add(new Range(other.end + 1, range.end));
                }
            }
            left = next;
        }
        return left;
    }

    /**
     * Places so many regions.
     *
     * @param alignments each a power of two
     * @throws OperationException RESOURCE_EXHAUSTED {@code iova-exhausted}
     */
    static long[] place(List<Range> ranges, long[] sizes, long[] alignments) {
        List<Range> free = new ArrayList<>(ranges);
        long[] places = new long[sizes.length];
        for (int i = 0; i < sizes.length; i++) {
            places[i] = take(free, sizes[i], alignments[i]);
        }
        return places;
    }

    private static long take(List<Range> free, long sizeBytes, long alignment) {
        for (int i = 0; i < free.size(); i++) {
            Range range = free.get(i);
            long start = (Math.max(range.start, LOWEST) + alignment - 1) & -alignment;
            long last = start + sizeBytes - 1;
            if (start >= 0 && last >= start && last <= range.end) {
                free.set(i, new Range(last + 1, range.end));
                return start;
            }
        }
        throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "iova-exhausted", "the IOMMU has no range left for "
                + sizeBytes + " bytes of memory; lower mizzen.memory.size");
    }
}
