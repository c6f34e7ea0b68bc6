package io.mizzen.api.problem;

import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;

/** Errors that the web server itself answers (a request line that cannot be parsed, say) as problem documents. */
public final class ProblemReportValve extends ErrorReportValve {
    private static final Logger LOG = LoggerFactory.getLogger(ProblemReportValve.class);

    @Override
    protected void report(Request request, Response response, Throwable throwable) {
        if (response.getStatus() < HttpStatus.BAD_REQUEST.value() || response.getContentWritten() > 0
            || !response.setErrorReported()) {
            return;
        }
        HttpStatus status = ProblemHandler.statusOrError(HttpStatusCode.valueOf(response.getStatus()));
        try {
            String detail = status == HttpStatus.BAD_REQUEST ? "The request line or a header is malformed, or the path has a character or an"
                + " encoding that is not allowed there." : status.getReasonPhrase() + '.';
            Problem.of(status, ProblemHandler.codeOf(status), detail, null).writeTo(response);
        } catch (IOException | IllegalStateException e) {
            LOG.debug("event=error-report-not-sent status={}", status.value(), e);
        }
    }
}
