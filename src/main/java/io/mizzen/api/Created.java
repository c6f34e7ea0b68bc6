package io.mizzen.api;

import io.mizzen.engine.model.Outcome;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.springframework.http.ResponseEntity;
import org.springframework.web.util.UriUtils;

/** Answers to idempotent creations: 201 with the place of the new object, or 200 when it was there already. */
final class Created {
    private Created() {
    }

    static <T> ResponseEntity<T> of(Outcome<T> outcome, String collection, String id) {
        if (!outcome.created()) {
            return ResponseEntity.ok(outcome.view());
        }
        return ResponseEntity.created(URI.create(collection + '/' + UriUtils.encodePathSegment(id,
            StandardCharsets.UTF_8))).body(outcome.view());
    }
}
