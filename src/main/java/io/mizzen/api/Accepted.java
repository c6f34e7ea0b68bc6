package io.mizzen.api;

import io.mizzen.engine.model.JobView;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.springframework.http.ResponseEntity;
import org.springframework.web.util.UriUtils;

/** Answers to what goes on behind them: 202, with the place that tells how far, and what is there now. */
final class Accepted {
    private Accepted() {
    }

    static ResponseEntity<JobView> of(JobView job) {
        return of(job, "/v1/jobs/" + job.id());
    }

    /** A child by the name that the request has for it, perhaps a URI. */
    static <T> ResponseEntity<T> ofChild(T view, String nexus, String child) {
        return of(view, "/v1/nexuses/" + nexus + "/children/" + UriUtils.encode(child, StandardCharsets.UTF_8));
    }

    static <T> ResponseEntity<T> of(T view, String path) {
        return ResponseEntity.accepted().location(URI.create(path)).body(view);
    }
}
