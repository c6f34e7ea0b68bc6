package io.mizzen.api;

import io.mizzen.util.OperationException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.beans.PropertyEditorSupport;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.springframework.web.bind.WebDataBinder;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.InitBinder;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * What a request says is either understood or refused: a parameter has a name that is known, a word in one is true or false
 * and nothing else, and where no body is known, one that says anything is not overlooked.
 */
@ControllerAdvice
public final class StrictRequests implements HandlerInterceptor, WebMvcConfigurer {
    private static final String EMPTY_OBJECT = "{}";

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).addPathPatterns("/v1/**");
    }

    /** An editor: where a converter refuses, Spring falls back to one that takes "yes", "on" and "1" as well. */
    @InitBinder
    void strictWords(WebDataBinder binder) {
        binder.registerCustomEditor(Boolean.class, new Words());
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method && request.getQueryString() != null) {
            refuseUnknown(request, parametersOf(method));
        }
        boolean isChange = !request.getMethod().equals("GET") && !request.getMethod().equals("HEAD");
        if (isChange && handler instanceof HandlerMethod method && !takesBody(method) && !isEmpty(request)) {
            throw OperationException.invalid("unexpected-body", request.getMethod() + " " + request.getRequestURI()
                + " takes no body; what it said would be ignored. Send none, or {}.");
        }
        return true;
    }

    private static List<String> parametersOf(HandlerMethod method) {
        return Arrays.stream(method.getMethodParameters()).filter(parameter -> parameter.hasParameterAnnotation(RequestParam.class))
            .map(parameter -> parameter.getParameter().getName()).toList();
    }

    /** Of the names alone: what is wrong with a value is told by whoever reads it. */
    private static void refuseUnknown(HttpServletRequest request, List<String> known) {
        for (String parameter : request.getQueryString().split("&")) {
            String name = decoded(parameter.split("=", 2)[0]);
            if (!parameter.isEmpty() && !known.contains(name)) {
                throw OperationException.invalid("unknown-parameter", "The parameter '" + name + "' is unknown to " + request.getMethod()
                    + " " + request.getRequestURI() + (known.isEmpty() ? ", which takes none." : "; it takes " + String.join(", ", known)
                    + "."));
            }
        }
    }

    private static String decoded(String name) {
        try {
            return URLDecoder.decode(name, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException malformed) {
            return name;        // Which no parameter has.
        }
    }

    private static boolean takesBody(HandlerMethod method) {
        return Arrays.stream(method.getMethodParameters()).anyMatch(parameter -> parameter.hasParameterAnnotation(RequestBody.class));
    }

    private static boolean isEmpty(HttpServletRequest request) {
        try {
            InputStream body = request.getInputStream();
            StringBuilder said = new StringBuilder();
            for (int next = body.read(); next >= 0 && said.length() <= EMPTY_OBJECT.length(); next = body.read()) {
                if (!Character.isWhitespace(next)) {
                    said.append((char) next);
                }
            }
            return said.isEmpty() || said.toString().equals(EMPTY_OBJECT);
        } catch (IOException e) {
            throw OperationException.invalid("unexpected-body", "The body cannot be read (" + e.getMessage()
                + "), and none is expected. Send none, or {}.");
        }
    }

    private static final class Words extends PropertyEditorSupport {
        @Override
        public void setAsText(String word) {
            setValue(switch (word) {
                case "true" -> true;
                case "false" -> false;
                default -> throw new IllegalArgumentException("neither true nor false");
            });
        }
    }
}
