package io.mizzen.control.properties;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.validation.BindValidationException;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.validation.FieldError;
import org.springframework.validation.ObjectError;

/**
 * Says why the engine cannot start and what to do, in terms of its own properties: a refusal of ours, a property that cannot
 * be used, a port that is taken. Secrets are never shown.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
public final class StartFailureAnalyzer implements FailureAnalyzer {
    private static final String PREFIX = "mizzen.";
    private static final String CORRECT = "Correct it; README lists the properties with their defaults.";

    @Override
    public FailureAnalysis analyze(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            FailureAnalysis found = switch (cause) {
                case StartRefusedException refused -> new FailureAnalysis(refused.getMessage(), refused.action(), refused);
                case PortInUseException taken -> new FailureAnalysis("Port " + taken.getPort() + " of the REST listener is in use "
                    + "by another process.", "Stop that process, or choose another port: "
                    + FreePort.option("mizzen.rest.port", taken.getPort()), taken);
                case BindValidationException invalid -> ofValidation(invalid);
                case BindException unbound -> ofBinding(unbound);
                case InvalidConfigurationPropertyValueException value -> ofServerPort(value);
                default -> null;
            };
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private static FailureAnalysis ofValidation(BindValidationException invalid) {
        String prefix = invalid.getValidationErrors().getName() + ".";
        if (!prefix.startsWith(PREFIX)) {
            return null;
        }
        List<String> problems = new ArrayList<>();
        for (ObjectError error : invalid.getValidationErrors().getAllErrors()) {
            String message = String.valueOf(error.getDefaultMessage());
            // Rules over several properties name them in their message.
            problems.add(message.startsWith(PREFIX) || !(error instanceof FieldError field) ? message
                : kebab(prefix + field.getField()) + " is '" + shown(field.getField(), field.getRejectedValue()) + "'; it " + message);
        }
        return new FailureAnalysis(String.join("\n", problems), CORRECT, invalid);
    }

    private static FailureAnalysis ofBinding(BindException unbound) {
        if (unbound.getCause() instanceof BindValidationException || !unbound.getName().toString().startsWith(PREFIX)) {
            return null;
        }
        Throwable root = unbound;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        Object value = unbound.getProperty() == null ? "" : unbound.getProperty().getValue();
        Class<?> type = unbound.getTarget().getType().resolve(Object.class);
        String wanted = type.isEnum() ? "it is one of " + String.join(", ", Arrays.stream(type.getEnumConstants())
            .map(constant -> constant.toString().toLowerCase(Locale.ROOT)).toList())
            : Number.class.isAssignableFrom(type) || type.isPrimitive() && type != boolean.class ? "a whole number is needed"
            : type == boolean.class || type == Boolean.class ? "it is true or false" : root.getMessage();
        return new FailureAnalysis(unbound.getName() + " is '" + shown(unbound.getName().toString(), value) + "': " + wanted, CORRECT,
            unbound);
    }

    /** Spring reads its own port from ours before ours is looked at. */
    private static FailureAnalysis ofServerPort(InvalidConfigurationPropertyValueException value) {
        return !"server.port".equals(value.getName()) ? null : new FailureAnalysis("mizzen.rest.port is no port: a whole number "
            + "from 0 to 65535 is needed", CORRECT, value);
    }

    private static Object shown(String name, Object value) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.contains("token") || lower.contains("password") ? "***" : value;
    }

    private static String kebab(String camel) {
        return camel.replaceAll("([a-z])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
    }
}
