package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.MizzenApplication;
import io.mizzen.control.FakeEngine;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The whole control plane with its real web server, over an engine without a data plane. One context for all tests. */
@SpringBootTest(classes = MizzenApplication.class, webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
    properties = "mizzen.rest.deadline=6s")
@Import(RestTestBase.FakeEngineConfiguration.class)
abstract class RestTestBase {
    static final JsonMapper JSON = JsonMapper.builder().build();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    @Autowired
    FakeEngine engine;

    @LocalServerPort
    int port;

    @TestConfiguration
    static class FakeEngineConfiguration {
        @Bean
        @Primary
        FakeEngine fakeEngine() {
            return new FakeEngine();
        }
    }

    @DynamicPropertySource
    static void stateDirectory(DynamicPropertyRegistry registry) throws IOException {
        Path memory = Path.of("/dev/shm");      // How long a disk takes to store is nothing that these tests are about.
        Path directory = Files.isWritable(memory) ? Files.createTempDirectory(memory, "mizzen-rest-test")
            : Files.createTempDirectory("mizzen-rest-test");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> FileSystemUtils.deleteRecursively(directory.toFile())));
        registry.add("mizzen.state.dir", directory::toString);
    }

    @BeforeEach
    void clearEngine() {
        engine.clear();
    }

    /** What came back. */
    record Answer(int status, HttpResponse<String> response) {
        JsonNode json() {
            return JSON.readTree(response.body());
        }

        /** Checks that this is a problem document with this status and code; returns its detail. */
        String problem(int expectedStatus, String code) {
            assertThat(response.body()).as("body of status %d", status).isNotEmpty();
            assertThat(status).as(response.body()).isEqualTo(expectedStatus);
            assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
            assertThat(json().path("status").asInt()).isEqualTo(expectedStatus);
            assertThat(json().path("code").asString()).as(response.body()).isEqualTo(code);
            assertThat(json().path("title").asString()).isNotEmpty();
            return json().path("detail").asString();
        }

        /** Checks that it goes on behind this answer: a body, and a Location that can be asked how far it is. */
        Answer accepted(RestTestBase rest) {
            expect(202);
            assertThat(json().size()).isPositive();
            String location = response.headers().firstValue("Location").orElseThrow();
            JsonNode there = rest.get(location).expect(200).json();
            if (location.startsWith("/v1/jobs/")) {
                assertThat(there.path("id").asString()).isEqualTo(json().path("id").asString());
            }
            return this;
        }

        Answer expect(int expectedStatus) {
            assertThat(status).as(response.body()).isEqualTo(expectedStatus);
            return this;
        }
    }

    Answer get(String path) {
        return send(request(path).GET());
    }

    Answer put(String path, String body) {
        return send(request(path).header("Content-Type", "application/json")
            .PUT(HttpRequest.BodyPublishers.ofString(body)));
    }

    Answer post(String path, String body) {
        return send(request(path).header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    Answer patch(String path, String body) {
        return send(request(path).header("Content-Type", "application/json")
            .method("PATCH", HttpRequest.BodyPublishers.ofString(body)));
    }

    Answer delete(String path) {
        return send(request(path).DELETE());
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
    }

    static Answer send(HttpRequest.Builder request) {
        try {
            HttpResponse<String> response = CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return new Answer(response.statusCode(), response);
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
