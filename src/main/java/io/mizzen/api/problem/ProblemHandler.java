package io.mizzen.api.problem;

import io.mizzen.util.OperationException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.validation.ConstraintViolationException;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import java.lang.annotation.Annotation;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.validation.FieldError;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.method.annotation.HandlerMethodValidationException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.resource.NoResourceFoundException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/** Turns whatever a controller or Spring MVC throws into a {@link Problem}. */
@RestControllerAdvice
@Order(Ordered.HIGHEST_PRECEDENCE)
public final class ProblemHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ProblemHandler.class);
    private static final Pattern SOURCE = Pattern.compile(" ?\\([^()]*\\[Source:[^\\]]*(?:\\([^()]*\\)[^\\]]*)?\\]\\)");
    /** What says that a field is needed. */
    private static final List<Class<? extends Annotation>> MUST = List.of(NotNull.class, NotBlank.class, NotEmpty.class);

    @ExceptionHandler
    ResponseEntity<Problem> onOperation(OperationException failure, HttpServletRequest request) {
        Problem problem = Problem.of(failure, request.getRequestURI());
        if (problem.status() >= HttpStatus.INTERNAL_SERVER_ERROR.value() && failure.getCause() != null) {
            LOG.error("event=request-failed path={} code={}", problem.instance(), problem.code(), failure.getCause());
        }
        return respond(problem, new HttpHeaders());
    }

    @ExceptionHandler
    ResponseEntity<Problem> onUnreadable(HttpMessageNotReadableException failure, HttpServletRequest request,
                                         @Nullable HandlerMethod handler) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof BodyTooLargeException tooLarge) {
                return respond(HttpStatus.CONTENT_TOO_LARGE, "body-too-large", tooLarge.getMessage(), request);
            }
        }
        return switch (failure.getCause()) {
            case UnrecognizedPropertyException unknown -> fields(request, "unknown-field",
                "The request has a field that does not exist: '" + pathOf(unknown) + "'.",
                List.of(new Problem.FieldProblem(pathOf(unknown), "unknown; known here: " + known(unknown))));
            case InputCoercionException tooLarge -> fields(request, "wrong-type",
                "The field '" + pathOf(tooLarge) + "' has a wrong value: " + range(tooLarge) + '.',
                List.of(new Problem.FieldProblem(pathOf(tooLarge), range(tooLarge))));
            case StreamReadException malformed -> respond(HttpStatus.BAD_REQUEST, "malformed-json",
                "The body is no valid JSON: " + withoutSource(malformed.getOriginalMessage()) + at(malformed), request);
            case DatabindException mismatch -> fields(request, "wrong-type",
                "The field '" + pathOf(mismatch) + "' has a wrong type or value: " + reason(mismatch),
                List.of(new Problem.FieldProblem(pathOf(mismatch), reason(mismatch))));
            case null, default -> respond(HttpStatus.BAD_REQUEST, "malformed-json",
                "The request needs a JSON body that can be read" + needed(handler) + '.', request);
        };
    }

    @ExceptionHandler
    ResponseEntity<Problem> onInvalidBody(MethodArgumentNotValidException failure, HttpServletRequest request) {
        List<Problem.FieldProblem> errors = new ArrayList<>();
        failure.getAllErrors().forEach(error -> errors.add(new Problem.FieldProblem(
            error instanceof FieldError field ? field.getField() : error.getObjectName(), error.getDefaultMessage())));
        return invalid(errors, request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> onInvalidParameter(HandlerMethodValidationException failure, HttpServletRequest request) {
        List<Problem.FieldProblem> errors = new ArrayList<>();
        failure.getParameterValidationResults().forEach(result -> result.getResolvableErrors().forEach(error ->
            errors.add(new Problem.FieldProblem(error instanceof FieldError field ? field.getField()
                : result.getMethodParameter().getParameterName(), error.getDefaultMessage()))));
        return invalid(errors, request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> onViolation(ConstraintViolationException failure, HttpServletRequest request) {
        return invalid(failure.getConstraintViolations().stream().map(violation ->
            new Problem.FieldProblem(violation.getPropertyPath().toString(), violation.getMessage())).toList(), request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> onTypeMismatch(MethodArgumentTypeMismatchException failure, HttpServletRequest request) {
        Class<?> type = failure.getRequiredType();
        String message = "'" + failure.getValue() + "' is " + (type == null ? "no valid value" : type.isEnum()
            ? "none of " + List.of(type.getEnumConstants()) : type == Boolean.class ? "neither true nor false"
            : isWhole(type) ? "no whole number, or out of range" : "no " + type.getSimpleName());
        return fields(request, "wrong-type", "The parameter '" + failure.getName() + "' cannot be read: " + message + '.',
            List.of(new Problem.FieldProblem(failure.getName(), message)));
    }

    private static boolean isWhole(Class<?> type) {
        return type == int.class || type == long.class || Number.class.isAssignableFrom(type);
    }

    @ExceptionHandler
    ResponseEntity<Problem> onMissingParameter(MissingServletRequestParameterException failure,
                                               HttpServletRequest request) {
        return fields(request, "missing-parameter", "The parameter '" + failure.getParameterName() + "' is needed.",
            List.of(new Problem.FieldProblem(failure.getParameterName(), "is needed")));
    }

    @ExceptionHandler
    ResponseEntity<Problem> onUnknownPath(NoResourceFoundException failure, HttpServletRequest request) {
        return respond(HttpStatus.NOT_FOUND, "path-not-found",
            "There is nothing at " + request.getRequestURI() + "; /swagger-ui.html lists what there is.", request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> onMethod(HttpRequestMethodNotSupportedException failure, HttpServletRequest request) {
        return respond(Problem.of(HttpStatus.METHOD_NOT_ALLOWED, "method-not-allowed", failure.getMethod()
            + " is not possible here; allowed: " + String.join(", ", supported(failure)) + '.',
            request.getRequestURI()), failure.getHeaders());
    }

    @ExceptionHandler
    ResponseEntity<Problem> onMediaType(HttpMediaTypeNotSupportedException failure, HttpServletRequest request) {
        return respond(Problem.of(HttpStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type",
            "The body must be application/json, not " + (failure.getContentType() == null ? "'" + request.getContentType() + "', which is"
            + " no media type" : failure.getContentType()) + '.', request.getRequestURI()), failure.getHeaders());
    }

    /** The web server finds that only when the first parameter is asked for. */
    @ExceptionHandler
    ResponseEntity<Problem> onMalformedQuery(InvalidParameterException failure, HttpServletRequest request) {
        return respond(HttpStatus.BAD_REQUEST, "malformed-query", "The parameters behind the '?' cannot be read: what follows a '%' must be"
            + " UTF-8, in two hexadecimal digits a byte, and there may not be too many of them.", request);
    }

    /** Whoever asked has gone: there is nobody to answer, and nothing is wrong here. */
    @ExceptionHandler
    void onReaderGone(AsyncRequestNotUsableException failure) {
        LOG.debug("event=reader-gone", failure);
    }

    /** Everything else: what Spring has a status for keeps it, the rest is a bug of ours and is logged as one. */
    @ExceptionHandler
    ResponseEntity<Problem> onAnythingElse(Exception failure, HttpServletRequest request) {
        if (failure instanceof ErrorResponse response) {
            HttpStatus status = statusOrError(response.getStatusCode());
            ProblemDetail detail = response.getBody();
            return respond(Problem.of(status, codeOf(status), detail.getDetail(), request.getRequestURI()),
                response.getHeaders());
        }
        LOG.error("event=request-failed path={} code=internal", request.getRequestURI(), failure);
        return respond(HttpStatus.INTERNAL_SERVER_ERROR, "internal",
            "The request failed inside Mizzen; the log has the details.", request);
    }

    /** The code of an error that is known by its HTTP status only. */
    static String codeOf(HttpStatus status) {
        return switch (status) {
            case NOT_FOUND -> "path-not-found";
            case METHOD_NOT_ALLOWED -> "method-not-allowed";
            case NOT_ACCEPTABLE -> "not-acceptable";
            case UNSUPPORTED_MEDIA_TYPE -> "unsupported-media-type";
            case CONTENT_TOO_LARGE -> "body-too-large";
            case UNAUTHORIZED -> "unauthorized";
            case FORBIDDEN -> "forbidden";
            case INTERNAL_SERVER_ERROR -> "internal";
            case SERVICE_UNAVAILABLE -> "unavailable";
            default -> status.is4xxClientError() ? "bad-request" : "internal";
        };
    }

    static HttpStatus statusOrError(HttpStatusCode code) {
        HttpStatus status = HttpStatus.resolve(code.value());
        return status == null ? HttpStatus.INTERNAL_SERVER_ERROR : status;
    }

    private static ResponseEntity<Problem> invalid(List<Problem.FieldProblem> errors, HttpServletRequest request) {
        String detail = errors.isEmpty() ? "The request is invalid."
            : "'" + errors.getFirst().field() + "' " + errors.getFirst().message() + '.';
        return fields(request, "invalid-field", detail, errors);
    }

    private static ResponseEntity<Problem> fields(HttpServletRequest request, String code, String detail,
                                                  List<Problem.FieldProblem> errors) {
        return respond(Problem.of(HttpStatus.BAD_REQUEST, code, detail, request.getRequestURI(), errors),
            new HttpHeaders());
    }

    private static ResponseEntity<Problem> respond(HttpStatus status, String code, String detail,
                                                   HttpServletRequest request) {
        return respond(Problem.of(status, code, detail, request.getRequestURI()), new HttpHeaders());
    }

    private static ResponseEntity<Problem> respond(Problem problem, HttpHeaders headers) {
        return ResponseEntity.status(problem.status()).headers(headers)
            .contentType(MediaType.APPLICATION_PROBLEM_JSON).body(problem);
    }

    private static List<String> supported(HttpRequestMethodNotSupportedException failure) {
        String[] methods = failure.getSupportedMethods();
        return methods == null ? List.of() : List.of(methods);
    }

    private static String pathOf(JacksonException failure) {
        StringBuilder path = new StringBuilder();
        for (JacksonException.Reference reference : failure.getPath()) {
            if (reference.getPropertyName() == null) {
                path.append('[').append(reference.getIndex()).append(']');
            } else {
                path.append(path.isEmpty() ? "" : ".").append(reference.getPropertyName());
            }
        }
        return path.isEmpty() ? "body" : path.toString();
    }

    private static String known(UnrecognizedPropertyException unknown) {
        return String.valueOf(unknown.getKnownPropertyIds());
    }

    /** Without names of Java types, which mean nothing to whoever sent the request. */
    private static String reason(DatabindException mismatch) {
        Class<?> target = mismatch instanceof MismatchedInputException input ? input.getTargetType() : null;
        if (target == null) {
            return mismatch.getOriginalMessage();
        }
        if (target.isEnum()) {
            return "one of " + List.of(target.getEnumConstants()) + " is needed";
        }
        if (target == String.class) {
            return "text is needed";
        }
        if (target == Boolean.class) {
            return "true or false is needed";
        }
        if (Number.class.isAssignableFrom(target)) {
            return "a whole number is needed";
        }
        if (Collection.class.isAssignableFrom(target)) {
            return "a list is needed";
        }
        if (Map.class.isAssignableFrom(target)) {
            return "an object is needed: names, each with its value";
        }
        return target.getName().startsWith("io.mizzen.api.request") ? "one JSON object is needed, and nothing after it"
            : mismatch.getOriginalMessage();
    }

    private static String range(InputCoercionException tooLarge) {
        boolean isInt = tooLarge.getTargetType() == int.class || tooLarge.getTargetType() == Integer.class;
        return "a number below " + (isInt ? "2^31" : "2^63") + " is needed";
    }

    /** The parser tells of its input in brackets: what it is made of means nothing to whoever sent it. */
    private static String withoutSource(String message) {
        return SOURCE.matcher(message).replaceAll("");
    }

    /** The fields that the body must have; empty where it must have none. */
    private static String needed(@Nullable HandlerMethod handler) {
        if (handler == null) {
            return "";
        }
        List<String> names = new ArrayList<>();
        for (MethodParameter parameter : handler.getMethodParameters()) {
            RecordComponent[] components = parameter.hasParameterAnnotation(RequestBody.class)
                ? parameter.getParameterType().getRecordComponents() : null;
            for (RecordComponent component : components == null ? new RecordComponent[0] : components) {
                if (MUST.stream().anyMatch(component.getAccessor()::isAnnotationPresent)) {
                    names.add('\'' + component.getName() + '\'');
                }
            }
        }
        return names.isEmpty() ? "" : "; it must have " + String.join(", ", names);
    }

    private static String at(StreamReadException malformed) {
        return malformed.getLocation() == null ? "" : " (line " + malformed.getLocation().getLineNr() + ", column "
            + malformed.getLocation().getColumnNr() + ')';
    }
}
