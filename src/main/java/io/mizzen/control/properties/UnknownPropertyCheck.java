package io.mizzen.control.properties;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;

/**
 * Refuses the start when any source but the process environment names a {@code mizzen.*} property that does not exist,
 * so that a typing error is never a default taken in silence. Environment variables are exempt: {@code MIZZEN_...} may
 * belong to a script around the engine.
 */
public final class UnknownPropertyCheck implements EnvironmentPostProcessor, Ordered {
    private static final String PREFIX = "mizzen.";
    private static final Set<String> KNOWN = knownNames();

    @Override
    public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication application) {
        List<String> unknown = new ArrayList<>();
        for (PropertySource<?> source : environment.getPropertySources()) {
            if (source instanceof EnumerablePropertySource<?> enumerable
                && !StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME.equals(source.getName())) {
                for (String name : enumerable.getPropertyNames()) {
                    if (name.toLowerCase(Locale.ROOT).startsWith(PREFIX) && !isKnown(name)) {
                        unknown.add(name);
                    }
                }
            }
        }
        if (!unknown.isEmpty()) {
            throw new StartRefusedException("Unknown property: " + String.join(", ", unknown),
                "Correct or remove it. The properties of Mizzen are: " + String.join(", ", KNOWN));
        }
    }

    /** After the configuration files have been read. */
    @Override
    public int getOrder() {
        return ConfigDataEnvironmentPostProcessor.ORDER + 1;
    }

    static boolean isKnown(String name) {
        int index = name.indexOf('[');
        String uniform = uniform(index < 0 ? name : name.substring(0, index));
        return KNOWN.stream().anyMatch(known -> uniform(known).equals(uniform));
    }

    /** Every property name, in the form that documentation uses. */
    public static Set<String> knownNames() {
        Set<String> names = new TreeSet<>();
        collect("mizzen", MizzenProperties.class, names);
        return names;
    }

    private static void collect(String prefix, Class<?> type, Set<String> names) {
        for (RecordComponent component : type.getRecordComponents()) {
            String name = prefix + '.' + kebab(component.getName());
            if (component.getType().isRecord() && component.getType().getPackage().equals(type.getPackage())) {
                collect(name, component.getType(), names);
            } else {
                names.add(name);
            }
        }
    }

    private static String kebab(String camel) {
        return camel.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private static String uniform(String name) {
        return name.replace("-", "").replace("_", "").toLowerCase(Locale.ROOT);
    }
}
