package io.mizzen.api;

import io.mizzen.engine.model.JobView;
import io.swagger.v3.oas.models.media.Schema;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;

/** What the OpenAPI document says of the fields of views: those are records of {@code engine.model}, which knows no annotations. */
final class FieldTexts {
    private static final String TEXTS = "fields.properties";

    private FieldTexts() {
    }

    /** @throws IllegalStateException when a text is of a field that is not there */
    static void describe(Map<String, Schema> schemas) {
        read().forEach((key, text) -> field(schemas, (String) key).setDescription((String) text));
        Schema<?> state = field(schemas, "JobView.state");
        JobView.STATES.forEach(((Schema<Object>) state)::addEnumItemObject);
    }

    private static Schema<?> field(Map<String, Schema> schemas, String key) {
        String[] names = key.split("\\.");
        Schema<?> schema = schemas.get(names[0]);
        Map<?, ?> fields = schema == null ? Map.of() : Objects.requireNonNullElse(schema.getProperties(), Map.of());
        if (!(fields.get(names[1]) instanceof Schema<?> field)) {
            throw new IllegalStateException(TEXTS + " describes " + key + ", which no operation answers");
        }
        return field;
    }

    private static Properties read() {
        Properties texts = new Properties();
        try (Reader reader = new InputStreamReader(FieldTexts.class.getResourceAsStream(TEXTS), StandardCharsets.UTF_8)) {
            texts.load(reader);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return texts;
    }
}
