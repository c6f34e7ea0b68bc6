package io.mizzen.api;

import io.mizzen.control.Admission;
import io.mizzen.control.EngineQueries;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * The event streams that are open: each a virtual thread that follows the engine's ring of events and writes to its reader. A
 * reader that does not read blocks that thread and nothing else, until the web server gives its connection up.
 */
@Component
final class EventStreams {
    static final int STREAMS_MAX = 64;
    private static final Logger LOG = LoggerFactory.getLogger(EventStreams.class);

    private final EngineQueries queries;
    private final Admission admission;
    private final JsonMapper json;
    private final AtomicInteger open = new AtomicInteger();

    EventStreams(EngineQueries queries, Admission admission, JsonMapper json) {
        this.queries = queries;
        this.admission = admission;
        this.json = json;
    }

    /** Reads what a reader says that it saw last. */
    static Long parseId(String lastEventId) {
        if (lastEventId.matches("[0-9]{1,18}")) {
            return Long.valueOf(lastEventId);
        }
        throw OperationException.invalid("invalid-last-event-id", "Last-Event-ID is '" + lastEventId
            + "'; send the id of an event of this stream, or leave the header out.");
    }

    /**
     * Turns the request into a stream.
     *
     * @param since events above this sequence number; null: those from now on
     * @throws OperationException UNAVAILABLE when too many streams are open
     */
    void open(@Nullable Long since, EventFilter filter, HttpServletRequest request, HttpServletResponse response)
        throws IOException {
        if (open.incrementAndGet() > STREAMS_MAX) {
            open.decrementAndGet();
            throw new OperationException(ErrorKind.UNAVAILABLE, "too-many-streams", STREAMS_MAX
                + " event streams are open already; close one, or read the list with ?since=.");
        }
        boolean started = false;
        try {
            response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
            response.setCharacterEncoding(StandardCharsets.UTF_8);
            response.setHeader("Cache-Control", "no-cache");
            response.flushBuffer();     // Here, where the filters' headers can still be added.
            if (HttpMethod.HEAD.matches(request.getMethod())) {
                return;
            }
            Ending ending = new Ending(request.startAsync());
            ServletOutputStream out = response.getOutputStream();
            EventStream stream = new EventStream(queries::awaitEvents, admission::isClosed, filter, json,
                text -> ending.write(out, text));
            Thread.ofVirtual().name("event-stream").start(() -> run(stream, since, ending));
            started = true;
        } finally {
            if (!started) {
                open.decrementAndGet();
            }
        }
    }

    private void run(EventStream stream, @Nullable Long since, Ending ending) {
        try {
            stream.run(since);
        } catch (IOException e) {
            LOG.debug("event=stream-reader-gone", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.decrementAndGet();
            ending.complete();
        }
    }

    /**
     * Completes the request once: when the stream ends, or when the web server sees first that its reader is gone. Nothing is
     * written from then on: the web server uses the response's objects for other requests.
     */
    private static final class Ending implements AsyncListener {
        private final AsyncContext context;
        private boolean ended;

        Ending(AsyncContext context) {
            this.context = context;
            context.setTimeout(0);
            context.addListener(this);
        }

        synchronized void write(ServletOutputStream out, String text) throws IOException {
            if (ended) {
                throw new IOException("the reader is gone");
            }
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        }

        synchronized void complete() {
            if (!ended) {
                ended = true;
                context.complete();
            }
        }

        @Override
        public void onError(AsyncEvent event) {
            complete();     // Else the web server would write an error page to a stream.
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            complete();
        }

        @Override
        public synchronized void onComplete(AsyncEvent event) {
            ended = true;
        }

        @Override
        public void onStartAsync(AsyncEvent event) {
            // The stream's request is started once.
        }
    }
}
