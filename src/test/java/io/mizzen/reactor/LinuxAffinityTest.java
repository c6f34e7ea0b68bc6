package io.mizzen.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mizzen.util.OperationException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class LinuxAffinityTest {
    private final LinuxAffinity affinity = new LinuxAffinity();

    @Test
    void pinsTheCallingThreadOnly() throws Exception {
        List<Integer> all = affinity.allowedCores();
        int last = all.getLast();
        CompletableFuture<List<Integer>> pinned = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            affinity.pinCurrentThread(last);
            pinned.complete(affinity.allowedCores());
        });
        thread.start();
        assertEquals(List.of(last), pinned.get());
        thread.join();
        assertEquals(all, affinity.allowedCores());
    }

    @Test
    void coreThatIsNotThereIsNamed() {
        OperationException e = assertThrows(OperationException.class, () -> affinity.pinCurrentThread(1000));
        assertEquals("core-not-available", e.code());
    }
}
