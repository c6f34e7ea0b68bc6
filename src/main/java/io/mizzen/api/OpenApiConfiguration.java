package io.mizzen.api;

import io.mizzen.api.problem.Problem;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.info.License;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import io.swagger.v3.oas.models.servers.Server;
import io.swagger.v3.oas.models.tags.Tag;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The OpenAPI document: what the annotations do not say, which is the same for all operations. */
@Configuration(proxyBeanMethods = false)
public class OpenApiConfiguration {
    private static final Set<String> LONG = Set.of("putPool", "createPool", "importPool");
    /** Those that allocate space and have no body. */
    private static final Set<String> ALLOCATING = Set.of("inflateReplica", "decoupleReplica");
    /** Those that create under another name than create... and put... */
    private static final Set<String> CREATING = Set.of("cloneSnapshot");
    private static final String API_VERSION = "1";

    @Bean
    OpenAPI openApi() {
        return new OpenAPI().servers(List.of(new Server().url("/").description("This engine"))).info(new Info().title("Mizzen").version(API_VERSION)
            .description("Block-storage I/O engine: pools, replicas and mirrored volumes over NVMe/TCP. Sizes are bytes "
                + "and may be written as text (\"10GiB\") in requests; times are RFC 3339; errors are problem documents "
                + "(RFC 9457) with a stable `code`. A field of a body that is not described is refused, and so is a body where none "
                + "is described (400, `unexpected-body`), unless it is `{}`, and a parameter behind the `?` that is not described (400, "
                + "`unknown-parameter`).")
            .license(new License().name("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0")));
    }

    /** The answers that every operation of a kind can give. */
    @Bean
    OpenApiCustomizer commonAnswers() {
        return document -> {
            document.getTags().sort(Comparator.comparing(Tag::getName));
            ModelConverters.getInstance(true).readAll(Problem.class)
                .forEach((name, schema) -> document.getComponents().addSchemas(name, schema));
            document.getComponents().addSchemas("ByteSize", byteSize());
            FieldTexts.describe(document.getComponents().getSchemas());
            document.getPaths().forEach((path, item) -> item.readOperationsMap()
                .forEach((method, operation) -> addAnswers(path, method, operation)));
        };
    }

    /** As {@link ByteSizeJson} reads it, and not as the record that it makes of that. */
    private static Schema<?> byteSize() {
        return new Schema<>().description("Bytes: a whole number, or text with a unit, such as 10GiB").oneOf(List.of(
            new Schema<>().type("integer").types(Set.of("integer")).format("int64"), new Schema<>().type("string").types(Set.of("string"))));
    }

    private static void addAnswers(String path, PathItem.HttpMethod method, Operation operation) {
        ApiResponses responses = operation.getResponses();
        boolean change = method != PathItem.HttpMethod.GET;
        boolean creates = operation.getOperationId().startsWith("create") || isCreatingPut(operation)
            || CREATING.contains(operation.getOperationId());
        if (creates) {
            ApiResponse ok = responses.get("200");
            ok.setDescription("It was there already, with the same specification");
            responses.addApiResponse("201", new ApiResponse().description("Created").content(ok.getContent())
                .addHeaderObject("Location", location("Path of what was created; of several, of the first")));
        } else if (responses.get("200") != null) {
            responses.get("200").setDescription("Done");
        }
        if (LONG.contains(operation.getOperationId())) {
            responses.addApiResponse("202", new ApiResponse().content(new Content().addMediaType("application/json",
                new MediaType().schema(new Schema<>().$ref("#/components/schemas/JobView")))));
        }
        if (responses.get("202") != null) {
            responses.get("202").description("It goes on: what is at Location tells how far").addHeaderObject("Location", location(
                "Path of its job; of the child, or of the nexus's rebuilds, for those"));
        }
        if (responses.get("204") != null) {
            responses.get("204").setDescription("Done");
        }
        error(responses, "401", "Credentials are configured, and the request has none or wrong ones");
        error(responses, "400", "A field or parameter is malformed, unknown or out of range");
        if (path.contains("{") || creates) {
            error(responses, "404", "The object, or one that it refers to, does not exist");
        }
        if (change) {
            error(responses, "409", "The object's state or another specification of it forbids this");
        }
        if (method == PathItem.HttpMethod.POST || method == PathItem.HttpMethod.PUT) {
            error(responses, "422", "What is stored on a disk that this needs is damaged, or the newest of it is missing");
        }
        if (operation.getRequestBody() != null) {
            operation.getRequestBody().setRequired(Boolean.TRUE.equals(operation.getRequestBody().getRequired()));
            error(responses, "413", "The body is larger than the limit");
            error(responses, "415", "The body is not application/json");
        }
        if (operation.getRequestBody() != null || ALLOCATING.contains(operation.getOperationId())) {
            error(responses, "507", "Out of space, memory or another resource");
        }
        error(responses, "500", "A device failed, or a defect of the engine");
        error(responses, "503", "Busy, starting or stopping; the same request may succeed later");
        error(responses, "504", "No answer within the deadline; the outcome is unknown");
    }

    private static Header location(String description) {
        return new Header().description(description).schema(new Schema<String>().type("string").types(Set.of("string")));
    }

    private static boolean isCreatingPut(Operation operation) {
        return operation.getOperationId().startsWith("put");
    }

    private static void error(ApiResponses responses, String status, String description) {
        Schema<?> schema = new Schema<>().$ref("#/components/schemas/Problem");
        responses.addApiResponse(status, new ApiResponse().description(description)
            .content(new Content().addMediaType(Problem.MEDIA_TYPE, new MediaType().schema(schema))));
    }
}
