package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * The committed document is what the running mappings say. After a change on purpose, write it anew:
 * {@code mvn test -Dtest=OpenApiContractTest -Dopenapi.write=true}.
 */
class OpenApiContractTest extends RestTestBase {
    private static final Path DOCUMENT = Path.of("openapi", "mizzen.yaml");

    @Test
    void theCommittedDocumentIsTheRunningOne() throws IOException {
        String running = get("/v3/api-docs.yaml").expect(200).response().body();
        if (Boolean.getBoolean("openapi.write")) {
            Files.createDirectories(DOCUMENT.getParent());
            Files.writeString(DOCUMENT, running);
        }
        assertThat(running).as("regenerate with -Dopenapi.write=true").isEqualTo(Files.readString(DOCUMENT));
    }

    @Test
    void everyOperationIsDescribedAndHasExamples() {
        List<String> lacking = new ArrayList<>();
        JsonNode paths = get("/v3/api-docs").expect(200).json().path("paths");
        paths.properties().forEach(path -> path.getValue().properties().forEach(method -> {
            JsonNode operation = method.getValue();
            String name = method.getKey() + " " + path.getKey();
            if (operation.path("summary").asString("").isEmpty() || operation.path("description").asString("").isEmpty()) {
                lacking.add(name + ": summary or description");
            }
            if (!operation.path("responses").has("504") || !operation.path("responses").has("401")) {
                lacking.add(name + ": response codes");
            }
            operation.path("parameters").forEach(parameter -> {
                if (parameter.path("example").isMissingNode()) {
                    lacking.add(name + ": example of " + parameter.path("name").asString());
                }
            });
            if (operation.has("requestBody")
                && operation.path("requestBody").path("content").path("application/json").path("example").isMissingNode()) {
                lacking.add(name + ": example of the body");
            }
        }));
        assertThat(paths.size()).isGreaterThan(20);
        assertThat(lacking).isEmpty();
    }

    @Test
    void everyFieldOfEverySchemaIsDescribed() {
        JsonNode schemas = get("/v3/api-docs").expect(200).json().path("components").path("schemas");
        List<String> lacking = new ArrayList<>();
        schemas.properties().forEach(schema -> schema.getValue().path("properties").properties().forEach(field -> {
            if (field.getValue().path("description").asString("").isEmpty()) {
                lacking.add(schema.getKey() + "." + field.getKey());
            }
        }));
        assertThat(schemas.size()).isGreaterThan(50);
        assertThat(lacking).isEmpty();
        assertThat(schemas.path("JobView").path("properties").path("state").path("enum").size()).isEqualTo(4);
    }

    /** Whoever makes a client of the document sends what is read. */
    @Test
    void aSizeIsANumberOrText() {
        JsonNode size = get("/v3/api-docs").expect(200).json().path("components").path("schemas").path("ByteSize");
        assertThat(size.has("properties")).isFalse();
        assertThat(size.path("oneOf").findValuesAsString("type")).containsExactlyInAnyOrder("integer", "string");
    }

    /** Schemas are named by their class alone: of two with one name, the document has one, in the place of both. */
    @Test
    void noTwoSchemasHaveOneName() {
        assertThat(new ClassFileImporter().importPackages("io.mizzen.engine.model", "io.mizzen.api.request", "io.mizzen.api.problem"))
            .extracting(JavaClass::getSimpleName).filteredOn(name -> name.matches("[A-Z]\\w+")).doesNotHaveDuplicates();
    }

    @Test
    void whatGoesOnSaysWhereAndWhatItAnswers() {
        int[] found = {0};
        get("/v3/api-docs").expect(200).json().path("paths").forEach(path -> path.forEach(operation -> {
            JsonNode answer = operation.path("responses").path("202");
            if (!answer.isMissingNode()) {
                found[0]++;
                assertThat(answer.path("headers").has("Location")).as(operation.path("operationId").asString()).isTrue();
                assertThat(answer.path("content").path("application/json").path("schema").has("$ref")).isTrue();
            }
        }));
        assertThat(found[0]).isEqualTo(10);
    }

    @Test
    void whatMakesACloneSaysThatItIsNew() {
        JsonNode answers = get("/v3/api-docs").expect(200).json().path("paths").path("/v1/snapshots/{uuid}/clones").path("post").path("responses");
        assertThat(answers.has("200")).isTrue();
        assertThat(answers.path("201").path("headers").has("Location")).isTrue();
    }
}
