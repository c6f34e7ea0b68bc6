package io.mizzen.api;

import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.EventView;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * One stream of server-sent events (HTML standard, section 9.2): a position in the ring of events that moves on as the reader
 * takes them. Nothing is queued: a reader that falls behind by more than the ring holds is cut off and told so.
 */
final class EventStream {
    static final Duration HEARTBEAT = Duration.ofSeconds(15);
    private static final int BATCH = 64;
    private static final int RETRY_MS = 2000;

    private final Source source;
    private final BooleanSupplier stopping;
    private final EventFilter filter;
    private final JsonMapper json;
    private final Sink sink;

    /** Where events come from; waits for the next one, but no longer than the timeout. */
    interface Source {
        EventPage await(long since, int limit, long timeoutNs) throws InterruptedException;
    }

    /** Writes to the reader, now; may block as long as the reader does not read. */
    interface Sink {
        void write(String text) throws IOException;
    }

    EventStream(Source source, BooleanSupplier stopping, EventFilter filter, JsonMapper json, Sink sink) {
        this.source = source;
        this.stopping = stopping;
        this.filter = filter;
        this.json = json;
        this.sink = sink;
    }

    /** Runs until the reader is gone (an exception), too slow, or the engine stops. */
    void run(@Nullable Long since) throws IOException, InterruptedException {
        EventPage page = source.await(Long.MAX_VALUE - 1, 1, 0);
        long position = since == null ? page.newest() : since == 0 ? page.oldest() - 1 : Math.min(since, page.newest());
        sink.write("retry: " + RETRY_MS + "\nid: " + position + "\n\n");
        if (position < page.oldest() - 1) {
            missed("events-missed", "these events are not kept any more", page.oldest() - 1, position, page.oldest());
            position = page.oldest() - 1;
        }
        while (true) {
            page = source.await(position, BATCH, HEARTBEAT.toNanos());
            if (position < page.oldest() - 1) {
                missed("stream-ended", "the reader is too slow: events came faster than it took them; connect again", position,
                    position, page.oldest());
                return;
            }
            position = write(page, position);
            if (stopping.getAsBoolean() && position >= page.newest()) {
                sink.write(block("stream-ended", position, Map.of("reason", "the engine stops")));
                return;
            }
        }
    }

    private long write(EventPage page, long position) throws IOException {
        StringBuilder text = new StringBuilder();
        long last = position;
        for (EventView event : page.events()) {
            last = event.sequence();
            if (filter.takes(event)) {
                text.append(block(event.kind(), last, event));
            }
        }
        sink.write(!text.isEmpty() ? text.toString() : last > position ? "id: " + last + "\n\n" : ":\n\n");
        return last;
    }

    private void missed(String name, String reason, long id, long position, long oldest) throws IOException {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("reason", reason);
        data.put("after", position);
        data.put("oldest", oldest);
        sink.write(block(name, id, data));
    }

    /** JSON of one line: line ends in texts are escaped in it. */
    private String block(String name, long id, Object data) {
        return "event: " + name + "\nid: " + id + "\ndata: " + json.writeValueAsString(data) + "\n\n";
    }
}
