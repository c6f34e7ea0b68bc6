package io.mizzen.reactor;

import io.mizzen.util.HotPath;

/** A binary heap of timers by deadline. Grows when a timer is armed beyond its size (cold), never while expiring. */
final class TimerHeap {
    private Timer[] heap = new Timer[64];
    private int size;

    void arm(Timer timer, long deadlineNs) {
        assert timer.heapIndex < 0;
        if (size == heap.length) {
            heap = java.util.Arrays.copyOf(heap, size * 2);
        }
        timer.deadlineNs = deadlineNs;
        siftUp(size++, timer);
    }

    void cancel(Timer timer) {
        int index = timer.heapIndex;
        if (index < 0) {
            return;
        }
        assert heap[index] == timer;
        timer.heapIndex = -1;
        Timer last = heap[--size];
        heap[size] = null;
        if (last != timer) {
            siftDown(index, last);
            if (heap[index] == last) {
                siftUp(index, last);
            }
        }
    }

    /** The earliest deadline, or Long.MAX_VALUE. */
    @HotPath
    long nextDeadlineNs() {
        return size == 0 ? Long.MAX_VALUE : heap[0].deadlineNs;
    }

    @HotPath
    int expire(long nowNs, int limit) {
        int count = 0;
        while (size > 0 && count < limit && heap[0].deadlineNs - nowNs <= 0) {
            Timer timer = heap[0];
            timer.heapIndex = -1;
            Timer last = heap[--size];
            heap[size] = null;
            if (size > 0) {
                siftDown(0, last);
            }
            timer.onTimer(nowNs);
            count++;
        }
        return count;
    }

    int size() {
        return size;
    }

    @HotPath
    private void siftUp(int start, Timer timer) {
        int index = start;
        while (index > 0) {
            int parent = (index - 1) >>> 1;
            Timer other = heap[parent];
            if (timer.deadlineNs - other.deadlineNs >= 0) {
                break;
            }
            heap[index] = other;
            other.heapIndex = index;
            index = parent;
        }
        heap[index] = timer;
        timer.heapIndex = index;
    }

    @HotPath
    private void siftDown(int start, Timer timer) {
        int index = start;
        int half = size >>> 1;
        while (index < half) {
            int child = 2 * index + 1;
            if (child + 1 < size && heap[child + 1].deadlineNs - heap[child].deadlineNs < 0) {
                child++;
            }
            Timer other = heap[child];
            if (timer.deadlineNs - other.deadlineNs <= 0) {
                break;
            }
            heap[index] = other;
            other.heapIndex = index;
            index = child;
        }
        heap[index] = timer;
        timer.heapIndex = index;
    }
}
