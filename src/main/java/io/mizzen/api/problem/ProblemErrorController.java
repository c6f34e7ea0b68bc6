package io.mizzen.api.problem;

import io.swagger.v3.oas.annotations.Hidden;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** What filters and the servlet container send to {@code /error}, as a problem document whatever the client accepts. */
@Hidden
@RestController
public final class ProblemErrorController implements ErrorController {
    @RequestMapping("/error")
    ResponseEntity<Problem> onError(HttpServletRequest request) {
        Object code = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
        HttpStatus status = code instanceof Integer value && HttpStatus.resolve(value) != null
            ? HttpStatus.valueOf(value) : HttpStatus.NOT_FOUND;
        Object path = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
        Object message = request.getAttribute(RequestDispatcher.ERROR_MESSAGE);
        String detail = message == null || message.toString().isEmpty() || status.is5xxServerError()
            ? status.getReasonPhrase() + '.' : message.toString();
        return ResponseEntity.status(status).contentType(MediaType.APPLICATION_PROBLEM_JSON)
            .body(Problem.of(status, ProblemHandler.codeOf(status), detail, path == null ? null : path.toString()));
    }
}
