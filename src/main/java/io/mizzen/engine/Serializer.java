package io.mizzen.engine;

import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Operations on one object never interleave. An operation names the objects that it changes; it starts when none of
 * them is held or wanted by an earlier one, so order is kept and nothing can wait in a circle. Control reactor only.
 */
final class Serializer {
    private record Waiter(Set<String> keys, Runnable start) { }

    private final int waitersMax;
    private final Set<String> held = new HashSet<>();
    private final List<Waiter> waiters = new ArrayList<>();

    Serializer(int waitersMax) {
        this.waitersMax = waitersMax;
    }

    /**
     * Runs the body now or later and passes on its outcome; the objects are released before {@code done} is called.
     * Fails with UNAVAILABLE when too many wait already.
     */
    <T> void run(Set<String> keys, Operation.Body<T> body, Completion<T> done) {
        Waiter waiter = new Waiter(Set.copyOf(keys), () -> start(keys, body, done));
        if (isFree(waiter, waiters.size())) {
            waiter.start().run();
        } else if (waiters.size() >= waitersMax) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "object-busy",
                    String.join(", ", keys.stream().sorted().toList()) + " is busy with other operations; try again later");
        } else {
            waiters.add(waiter);
        }
    }

    boolean isIdle() {
        return held.isEmpty() && waiters.isEmpty();
    }

    private boolean isFree(Waiter waiter, int before) {
        for (String key : waiter.keys()) {
            if (held.contains(key)) return false;
            for (int i = 0; i < before; i++) if (waiters.get(i).keys().contains(key)) return false;
        }
        return true;
    }

    private <T> void start(Set<String> keys, Operation.Body<T> body, Completion<T> done) {
        held.addAll(keys);
        Completion<T> release = (value, failure) -> {
            boolean removed = held.removeAll(keys);
            assert removed || keys.isEmpty();
            done.complete(value, failure);
            startNext();
        };
        try {
            body.run(release);
        } catch (OperationException failure) {
            release.fail(failure);
        } catch (RuntimeException failure) {
            release.fail(new OperationException(ErrorKind.INTERNAL, "internal-error", "the operation failed: " + failure, failure));
        }
    }

    private void startNext() {
        for (int i = 0; i < waiters.size(); ) {
            Waiter waiter = waiters.get(i);
            if (isFree(waiter, i)) {
                waiters.remove(i);
                waiter.start().run();
                i = 0; // The body may have ended and started others.
            } else {
                i++;
            }
        }
    }
}
