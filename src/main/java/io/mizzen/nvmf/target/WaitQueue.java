package io.mizzen.nvmf.target;

import io.mizzen.util.HotPath;

/** Requests that wait for something, first come, first served; linked through {@link Request#waitNext}. */
final class WaitQueue {
    private Request head;
    private Request tail;

    @HotPath
    boolean isEmpty() {
        return head == null;
    }

    @HotPath
    void add(Request request) {
        assert request.waitNext == null;
        assert request != tail;
        if (tail == null) {
            head = request;
        } else {
            tail.waitNext = request;
        }
        tail = request;
    }

    @HotPath
    Request peek() {
        return head;
    }

    @HotPath
    Request poll() {
        Request request = head;
        if (request != null) {
            head = request.waitNext;
            if (head == null) {
                tail = null;
            }
            request.waitNext = null;
        }
        return request;
    }

    /** Takes a request out wherever it stands; nothing happens when it does not wait here. */
    void remove(Request request) {
        Request previous = null;
        for (Request at = head; at != null; previous = at, at = at.waitNext) {
            if (at == request) {
                if (previous == null) {
                    head = at.waitNext;
                } else {
                    previous.waitNext = at.waitNext;
                }
                if (tail == at) {
                    tail = previous;
                }
                at.waitNext = null;
                return;
            }
        }
    }
}
