package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.testsupport.HandReactors;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MailboxTest {
    private static final OperationException STOPPED = new OperationException(ErrorKind.UNAVAILABLE, "engine-stopped", "stopped");
    private final HandReactors hand = new HandReactors(1, 1);
    private Mailbox mailbox = new Mailbox(2, 60_000_000_000L, hand.reactor(0).mthread());

    @AfterEach
    void end() {
        mailbox.close(STOPPED);
        mailbox.end();
    }

    @Test
    void bodyRunsOnTheReactorAndTheFutureOnTheReplyThread() throws Exception {
        Thread[] threads = new Thread[2];
        CompletableFuture<String> future = mailbox.submit("test", done -> {
            threads[0] = Thread.currentThread();
            done.ok("yes");
        });
        CompletableFuture<Void> after = future.thenAccept(value -> threads[1] = Thread.currentThread());
        assertFalse(future.isDone());
        hand.tickAll(1);
        assertEquals("yes", future.get(60, TimeUnit.SECONDS));
        after.get(60, TimeUnit.SECONDS);
        assertSame(Thread.currentThread(), threads[0]);
        assertEquals("engine-replies", threads[1].getName());
    }

    @Test
    void fullMailboxRefusesUntilAnOperationEnds() throws Exception {
        List<Completion<String>> running = new ArrayList<>();
        CompletableFuture<String> first = mailbox.submit("first", running::add);
        CompletableFuture<String> second = mailbox.submit("second", running::add);
        hand.tickAll(1);
        assertEquals(ErrorKind.UNAVAILABLE, failureOf(mailbox.<String>submit("third", running::add)).kind());
        assertEquals(1, mailbox.refusals());
        running.get(0).ok("1");
        assertEquals("1", first.get(60, TimeUnit.SECONDS));
        CompletableFuture<String> fourth = mailbox.submit("fourth", done -> done.ok("4"));
        hand.tickAll(1);
        assertEquals("4", fourth.get(60, TimeUnit.SECONDS));
        running.get(1).fail(OperationException.notFound("x", "y"));
        assertEquals("x", failureOf(second).code());
    }

    @Test
    void thrownFailuresEndTheOperation() throws Exception {
        CompletableFuture<String> one = mailbox.submit("one", done -> {
            throw OperationException.precondition("in-use", "in use");
        });
        CompletableFuture<String> two = mailbox.submit("two", done -> {
            throw new IllegalStateException("bug");
        });
        hand.tickAll(1);
        assertEquals("in-use", failureOf(one).code());
        assertEquals(ErrorKind.INTERNAL, failureOf(two).kind());
        assertTrue(failureOf(two).getMessage().contains("bug"));
    }

    @Test
    void deadlineAnswersButTheSlotStaysTaken() throws Exception {
        end();
        mailbox = new Mailbox(1, 1_000_000L, hand.reactor(0).mthread());
        CompletableFuture<String> stuck = mailbox.submit("stuck", done -> { });
        assertEquals(ErrorKind.TIMEOUT, failureOf(stuck).kind());
        assertEquals(1, mailbox.depth());
        assertEquals(ErrorKind.UNAVAILABLE, failureOf(mailbox.submit("next", done -> done.ok(""))).kind());
    }

    @Test
    void closingAnswersWhatIsLeft() throws Exception {
        CompletableFuture<String> left = mailbox.submit("left", done -> { });
        mailbox.close(STOPPED);
        assertSame(STOPPED, failureOf(mailbox.submit("late", done -> done.ok(""))));
        mailbox.end();
        assertSame(STOPPED, failureOf(left));
    }

    private static OperationException failureOf(CompletableFuture<?> future) {
        ExecutionException failure = assertThrows(ExecutionException.class, () -> future.get(60, TimeUnit.SECONDS));
        return (OperationException) failure.getCause();
    }
}
