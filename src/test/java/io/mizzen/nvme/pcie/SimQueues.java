package io.mizzen.nvme.pcie;

import io.mizzen.ffi.RawMemory;

/** The simulated drive's view of its queues: plain state, no logic but the rings'. */
final class SimQueues {
    /** A submission queue. */
    static final class Submission {
        final int id;
        final int entries;
        final long iova;
        final Completion target;
        int head;
        int tail;
        boolean awake = true;

        Submission(int id, int entries, long iova, Completion target) {
            this.id = id;
            this.entries = entries;
            this.iova = iova;
            this.target = target;
        }
    }

    /** A completion queue. */
    static final class Completion {
        final int id;
        final int entries;
        final long iova;
        final boolean interrupts;
        int head;
        int tail;
        int phase = 1;

        Completion(int id, int entries, long iova, boolean interrupts) {
            this.id = id;
            this.entries = entries;
            this.iova = iova;
            this.interrupts = interrupts;
        }

        boolean isFull() {
            return (tail + 1) % entries == head;
        }

        /** Writes an entry, its last dword with the phase last. */
        void post(long address, int result, int sqHead, int sqId, int cid, int status) {
            RawMemory.putInt(address, result);
            RawMemory.putInt(address + 4, 0);
            RawMemory.putInt(address + 8, sqId << 16 | sqHead);
            RawMemory.putIntRelease(address + 12, (status << 1 | phase) << 16 | cid);
            tail++;
            if (tail == entries) {
                tail = 0;
                phase ^= 1;
            }
        }
    }

    private SimQueues() {
    }
}
