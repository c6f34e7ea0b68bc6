package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SerializerTest {
    private final Serializer serializer = new Serializer(4);
    private final Map<String, Completion<String>> running = new HashMap<>();
    private final List<String> started = new ArrayList<>();
    private final List<String> ended = new ArrayList<>();

    @Test
    void sameObjectWaitsAndOtherObjectsGoOn() {
        submit("a1", Set.of("a"));
        submit("a2", Set.of("a"));
        submit("b1", Set.of("b"));
        assertEquals(List.of("a1", "b1"), started);
        running.get("a1").ok("");
        assertEquals(List.of("a1", "b1", "a2"), started);
    }

    @Test
    void waiterForTwoObjectsIsNotOvertaken() {
        submit("a1", Set.of("a"));
        submit("ab", Set.of("a", "b"));
        submit("b1", Set.of("b"));
        assertEquals(List.of("a1"), started);
        running.get("a1").ok("");
        assertEquals(List.of("a1", "ab"), started);
        running.get("ab").fail(OperationException.notFound("x", "y"));
        assertEquals(List.of("a1", "ab", "b1"), started);
        running.get("b1").ok("");
        assertEquals(List.of("a1", "ab:x", "b1"), ended);
        assertTrue(serializer.isIdle());
    }

    @Test
    void thrownFailureReleases() {
        serializer.run(Set.of("a"), done -> {
            throw OperationException.precondition("no", "no");
        }, (value, failure) -> ended.add(failure.code()));
        assertEquals(List.of("no"), ended);
        assertTrue(serializer.isIdle());
    }

    @Test
    void tooManyWaitersAreRefused() {
        for (int i = 0; i < 5; i++) submit("a" + i, Set.of("a"));
        OperationException failure = assertThrows(OperationException.class, () -> submit("a5", Set.of("a")));
        assertEquals(ErrorKind.UNAVAILABLE, failure.kind());
        submit("b", Set.of("b"));
        assertEquals(List.of("a0", "b"), started);
    }

    @Test
    void randomOperationsNeverOverlapAndAllEnd() {
        Random random = new Random(7);
        Serializer large = new Serializer(1000);
        Set<String> busy = new HashSet<>();
        List<Runnable> open = new ArrayList<>();
        int[] left = {0};
        for (int i = 0; i < 500 || left[0] > 0; i++) {
            if (i < 500) {
                Set<String> keys = new HashSet<>();
                for (int k = random.nextInt(3); k >= 0; k--) keys.add("k" + random.nextInt(6));
                left[0]++;
                large.<String>run(keys, done -> {
                    for (String key : keys) assertTrue(busy.add(key));
                    Runnable end = () -> {
                        busy.removeAll(keys);
                        done.ok("");
                    };
                    if (random.nextInt(4) == 0) end.run();
                    else open.add(end);
                }, (value, failure) -> left[0]--);
            }
            if (!open.isEmpty() && (i >= 500 || random.nextBoolean())) open.remove(random.nextInt(open.size())).run();
        }
        assertTrue(large.isIdle());
    }

    private void submit(String name, Set<String> keys) {
        serializer.<String>run(keys, done -> {
            started.add(name);
            running.put(name, done);
        }, (value, failure) -> ended.add(failure == null ? name : name + ":" + failure.code()));
    }
}
