package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.ObjectKind;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** One stream over a ring that the test moves; no threads. */
class EventStreamTest {
    private static final EventFilter ALL = new EventFilter(null, null, null);
    private long oldest = 1;
    private long newest;
    private boolean stopping;
    private final List<String> written = new ArrayList<>();
    private final List<Runnable> whileWaiting = new ArrayList<>();
    private final List<Long> timeouts = new ArrayList<>();

    private EventPage await(long since, int limit, long timeoutNs) {
        if (since >= newest && timeoutNs > 0) {
            timeouts.add(timeoutNs);
            whileWaiting.removeFirst().run();
        }
        return new EventPage(LongStream.rangeClosed(Math.max(since + 1, oldest), newest).limit(limit)
            .mapToObj(EventStreamTest::event).toList(), oldest, newest);
    }

    private static EventView event(long sequence) {
        return new EventView(sequence, Instant.EPOCH, EventSeverity.INFO, sequence % 2 == 0 ? "even" : "odd", ObjectKind.POOL,
            null, "p" + sequence, "line\nbreak", Map.of());
    }

    private String run(Long since, EventFilter filter) {
        try {
            new EventStream(this::await, () -> stopping, filter, JsonMapper.builder().build(), written::add).run(since);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
        return String.join("", written);
    }

    private static List<String> ids(String text) {
        return text.lines().filter(line -> line.startsWith("id: ")).map(line -> line.substring(4)).toList();
    }

    private void stop() {
        newest++;
        stopping = true;
    }

    @Test
    void aStreamBeginsWithWhatComesAndEndsWithTheEngine() {
        newest = 5;
        whileWaiting.add(() -> newest = 7);
        whileWaiting.add(() -> { });        // Nothing for as long as a heartbeat.
        whileWaiting.add(this::stop);
        String text = run(null, ALL);
        assertThat(ids(text)).containsExactly("5", "6", "7", "8", "8");
        assertThat(text).contains("event: even\nid: 6\ndata: {").contains("\n\n:\n\n")
            .endsWith("event: stream-ended\nid: 8\ndata: {\"reason\":\"the engine stops\"}\n\n");
        assertThat(text.lines().filter(line -> line.startsWith("data: "))).allMatch(line -> line.endsWith("}"));
        assertThat(timeouts).containsOnly(EventStream.HEARTBEAT.toNanos());
    }

    @Test
    void aReaderGoesOnWhereItWas() {
        newest = 300;
        whileWaiting.add(this::stop);
        assertThat(ids(run(200L, ALL))).hasSize(1 + 101 + 1).startsWith("200", "201").endsWith("300", "301", "301");
    }

    @Test
    void zeroMeansAllThatIsKept() {
        oldest = 11;
        newest = 12;
        whileWaiting.add(this::stop);
        assertThat(run(0L, ALL)).doesNotContain("events-missed").contains("id: 11\n");
    }

    @Test
    void whatIsNotKeptAnyMoreIsSaid() {
        oldest = 11;
        newest = 12;
        whileWaiting.add(this::stop);
        String text = run(5L, ALL);
        assertThat(ids(text)).containsExactly("5", "10", "11", "12", "13", "13");
        assertThat(text).contains("event: events-missed\nid: 10\ndata: {").contains("\"after\":5,\"oldest\":11");
    }

    @Test
    void aSequenceThatNeverWasIsTheNewestOne() {
        newest = 3;
        whileWaiting.add(this::stop);
        assertThat(ids(run(999L, ALL))).containsExactly("3", "4", "4");
    }

    @Test
    void aReaderThatFallsBehindTheRingIsCutOffAndToldSo() {
        whileWaiting.add(() -> {
            newest = 2000;
            oldest = 977;
        });
        String text = run(null, ALL);
        assertThat(text).contains("event: stream-ended\nid: 0\ndata: {\"reason\":\"the reader is too slow")
            .endsWith("\"oldest\":977}\n\n");
    }

    @Test
    void whatIsFilteredOutMovesTheIdOnly() {
        newest = 4;
        whileWaiting.add(() -> newest = 5);
        whileWaiting.add(() -> newest = 6);
        whileWaiting.add(this::stop);
        String text = run(null, new EventFilter(null, null, "even"));
        assertThat(text).contains("\n\nid: 5\n\nevent: even\nid: 6\n").doesNotContain("event: odd");
        assertThat(new EventFilter(ObjectKind.POOL, "p1", null).takes(event(1))).isTrue();
        assertThat(new EventFilter(ObjectKind.NEXUS, null, null).takes(event(1))).isFalse();
        assertThat(new EventFilter(null, "p2", null).takes(event(1))).isFalse();
    }
}
