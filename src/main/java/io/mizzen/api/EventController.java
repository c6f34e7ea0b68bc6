package io.mizzen.api;

import io.mizzen.control.EngineQueries;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.ObjectKind;
import io.swagger.v3.oas.annotations.Hidden;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** State changes: as a list, and as a stream that goes on. */
@RestController
@RequestMapping("/v1/events")
@Tag(name = "events", description = "Changes of state of everything")
public class EventController {
    private static final String KIND_FORM = "[a-z0-9-]{1,63}";
    private static final String KIND_MESSAGE = "must be a word such as child-faulted";
    private final EngineQueries queries;
    private final EventStreams streams;

    EventController(EngineQueries queries, EventStreams streams) {
        this.queries = queries;
        this.streams = streams;
    }

    @GetMapping
    @ApiResponse(responseCode = "200", content = {
        @Content(mediaType = MediaType.APPLICATION_JSON_VALUE, array = @ArraySchema(schema = @Schema(implementation = EventView.class))),
        @Content(mediaType = MediaType.TEXT_EVENT_STREAM_VALUE, schema = @Schema(type = "string"))})
    @Operation(operationId = "listEvents", summary = "State changes, oldest first; as a list or as a stream",
        description = "The engine keeps only so many. Without 'since' the newest come, with it the first ones after it: go on with "
            + "the last sequence number that you saw. With 'Accept: text/event-stream' this is a stream of server-sent events "
            + "that does not end: each has the kind as its name, the sequence number as its id, and the event as JSON. It begins "
            + "with what comes from now on, or, with 'since' or the header 'Last-Event-ID', with what was kept after that. A "
            + "comment comes every 15 seconds at least. Where events are kept no more, one named 'events-missed' says how many. A "
            + "stream ends with one named 'stream-ended' that says why: its reader is too slow, or the engine stops. It takes no 'limit'.")
    List<EventView> list(
        @Parameter(description = "The first ones after this sequence number; without: the newest", example = "0")
        @RequestParam(required = false) @Min(0) @Nullable Long since,
        @Parameter(description = "At most so many", example = "100")
        @RequestParam(defaultValue = "100") @Min(1) @Max(1000) int limit,
        @Parameter(description = "Only those about objects of this type", example = "ENGINE")
        @RequestParam(required = false) @Nullable ObjectKind objectType,
        @Parameter(description = "Only those that name this object: its UUID, name or URI", example = "engine")
        @RequestParam(required = false) @Nullable String object,
        @Parameter(description = "Only those of this kind", example = "engine-started")
        @RequestParam(required = false) @Pattern(regexp = KIND_FORM, message = KIND_MESSAGE) @Nullable String kind) {
        EventFilter filter = new EventFilter(objectType, object, kind);
        List<EventView> all = queries.events(since == null ? 0 : since, Integer.MAX_VALUE).events().stream().filter(filter::takes).toList();
        return since == null ? all.subList(Math.max(0, all.size() - limit), all.size()) : all.stream().limit(limit).toList();
    }

    /** The stream; described with the list. */
    @Hidden
    @GetMapping(produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    void stream(@RequestParam(required = false) @Min(0) @Nullable Long since,
                @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String lastEventId,
                @RequestParam(required = false) @Nullable ObjectKind objectType,
                @RequestParam(required = false) @Nullable String object,
                @RequestParam(required = false) @Pattern(regexp = KIND_FORM, message = KIND_MESSAGE) @Nullable String kind,
                HttpServletRequest request, HttpServletResponse response) throws IOException {
        Long from = lastEventId == null || lastEventId.isEmpty() ? since : EventStreams.parseId(lastEventId);
        streams.open(from, new EventFilter(objectType, object, kind), request, response);
    }
}
