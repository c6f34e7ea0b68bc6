package io.mizzen.reactor;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A value that each reactor has of its own, such as its ring or its pool of I/O records: a static key, one array access.
 *
 * @param <T> the value's type
 */
public final class ReactorLocal<T> {
    /** Keys that may exist. */
    static final int KEY_MAX = 32;

    private static final AtomicInteger NEXT = new AtomicInteger();

    private final int index = NEXT.getAndIncrement();

    public ReactorLocal() {
        if (index >= KEY_MAX) {
            throw new IllegalStateException("more than " + KEY_MAX + " reactor-local keys");
        }
    }

    /** The reactor's value, or null. */
    @SuppressWarnings("unchecked")
    public T get(Reactor reactor) {
        return (T) reactor.locals[index];
    }

    /** Sets the reactor's value; on its own thread, or before it starts. */
    public void set(Reactor reactor, T value) {
        reactor.locals[index] = value;
    }
}
