package io.mizzen.api.problem;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.springframework.http.HttpStatus;
import tools.jackson.databind.json.JsonMapper;

/**
 * A problem document (RFC 9457).
 *
 * @param type always {@code about:blank}: the title says what the status means
 * @param title meaning of the status
 * @param status HTTP status
 * @param detail what is wrong and what to do
 * @param instance path of the request; null where it could not be read
 * @param code stable kebab-case word for programs
 * @param errors one entry for each field that was refused; null when it is not about fields
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "Problem", description = "Error as RFC 9457 problem document")
public record Problem(@Schema(example = "about:blank") String type, @Schema(example = "Not Found") String title,
                      @Schema(example = "404") int status,
                      @Schema(example = "There is no pool 'pool-x'.") String detail,
                      @Schema(example = "/v1/pools/pool-x") String instance,
                      @Schema(example = "pool-not-found") String code, List<FieldProblem> errors) {
    /** Content type of every error. */
    public static final String MEDIA_TYPE = "application/problem+json";
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    /** A field of the request that was refused. */
    public record FieldProblem(String field, String message) {
    }

    public static Problem of(HttpStatus status, String code, String detail, String instance) {
        return of(status, code, detail, instance, null);
    }

    public static Problem of(HttpStatus status, String code, String detail, String instance,
                             List<FieldProblem> errors) {
        return new Problem("about:blank", status.getReasonPhrase(), status.value(), detail, instance, code, errors);
    }

    public static Problem of(OperationException failure, String instance) {
        return of(statusOf(failure.kind()), failure.code(), failure.getMessage(), instance);
    }

    static HttpStatus statusOf(ErrorKind kind) {
        return switch (kind) {
            case INVALID_ARGUMENT -> HttpStatus.BAD_REQUEST;
            case NOT_FOUND -> HttpStatus.NOT_FOUND;
            case ALREADY_EXISTS, FAILED_PRECONDITION -> HttpStatus.CONFLICT;
            case RESOURCE_EXHAUSTED -> HttpStatus.INSUFFICIENT_STORAGE;
            case UNAVAILABLE -> HttpStatus.SERVICE_UNAVAILABLE;
            case TIMEOUT -> HttpStatus.GATEWAY_TIMEOUT;
            case DATA_LOSS -> HttpStatus.UNPROCESSABLE_CONTENT;
            case INTERNAL -> HttpStatus.INTERNAL_SERVER_ERROR;
        };
    }

    /** Writes this as the whole response, from a filter or the web server, where no converter runs. */
    public void writeTo(HttpServletResponse response) throws IOException {
        byte[] body = toJson();
        response.setStatus(status);
        response.setContentType(MEDIA_TYPE);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
        response.flushBuffer();
    }

    byte[] toJson() {
        return MAPPER.writeValueAsString(this).getBytes(StandardCharsets.UTF_8);
    }
}
