package io.mizzen.testsupport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.function.Supplier;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A small JSON client of one engine.
 *
 * <p>Bodies are JSON text ({@code String}) or anything that Jackson writes (a {@code Map}, a record). A response
 * that is not as expected fails the test and shows the body and the end of the engine's log.
 */
public final class EngineHttp {
    private static final Duration REQUEST_TIMEOUT = Duration.ofMinutes(2);
    private static final Duration HEALTH_TIMEOUT = Duration.ofSeconds(30);
    private static final Set<String> SERVING = Set.of("UP", "DEGRADED");
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private final HttpClient client = HttpClient.newBuilder().connectTimeout(HEALTH_TIMEOUT).build();
    private final String base;
    private final Supplier<String> logTail;

    /** @param logTail what to show when a request fails: the end of the server's log */
    public EngineHttp(String base, Supplier<String> logTail) {
        this.base = base;
        this.logTail = logTail;
    }

    /** Scheme, host and port, without a slash at the end. */
    public String base() {
        return base;
    }

    public Response get(String path) {
        return send("GET", path, null);
    }

    public Response put(String path, Object body) {
        return send("PUT", path, body);
    }

    public Response post(String path, Object body) {
        return send("POST", path, body);
    }

    public Response patch(String path, Object body) {
        return send("PATCH", path, body);
    }

    public Response delete(String path) {
        return send("DELETE", path, null);
    }

    /** Sends a request with any method; {@code body} null sends none. {@code headers}: name, value, name, value ... */
    public Response send(String method, String path, Object body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path)).timeout(REQUEST_TIMEOUT);
        if (body == null) {
            request.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            String text = body instanceof String json ? json : MAPPER.writeValueAsString(body);
            request.setHeader("Content-Type", "application/json");
            request.method(method, HttpRequest.BodyPublishers.ofString(text));
        }
        if (headers.length > 0) {
            for (int i = 0; i < headers.length; i += 2) {
                request.setHeader(headers[i], headers[i + 1]);
            }
        }
        try {
            HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return new Response(method + " " + path, response, logTail);
        } catch (IOException e) {
            throw new UncheckedIOException(method + " " + path + " failed\n" + logTail.get(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** True if the health endpoint answers 200 and UP, or DEGRADED: the engine serves, something on it is not whole. */
    public boolean isUp() {
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/actuator/health")).timeout(HEALTH_TIMEOUT).build();
        try {
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            return response.statusCode() == 200
                    && SERVING.contains(MAPPER.readTree(response.body()).path("status").asString(""));
        } catch (IOException notListeningYet) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** An answer of the engine. */
    public static final class Response {
        private final String request;
        private final HttpResponse<String> response;
        private final Supplier<String> logTail;

        private Response(String request, HttpResponse<String> response, Supplier<String> logTail) {
            this.request = request;
            this.response = response;
            this.logTail = logTail;
        }

        public int status() {
            return response.statusCode();
        }

        /** The body as text; empty if there is none. */
        public String text() {
            return response.body();
        }

        /** The value of a header, or an empty text. */
        public String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        /** The body as JSON; fails if it is none. */
        public JsonNode json() {
            try {
                return MAPPER.readTree(response.body());
            } catch (JacksonException e) {
                throw new AssertionError(request + ": not JSON: " + response.body(), e);
            }
        }

        /** Fails unless the status is one of {@code statuses}. */
        public Response expect(int... statuses) {
            for (int status : statuses) {
                if (status == response.statusCode()) {
                    return this;
                }
            }
            throw new AssertionError(request + ": status " + response.statusCode() + ", body " + response.body()
                    + "\n--- end of the engine's log ---\n" + logTail.get());
        }
    }
}
