package io.mizzen.api;

import io.mizzen.control.ByteSize;
import org.springframework.boot.jackson.JacksonComponent;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.ValueDeserializer;

/** Sizes in requests: a whole number of bytes, or text such as {@code "10GiB"}. */
@JacksonComponent
public final class ByteSizeJson extends ValueDeserializer<ByteSize> {
    @Override
    public ByteSize deserialize(JsonParser parser, DeserializationContext context) {
        try {
            if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
                return new ByteSize(parser.getLongValue());
            }
            if (parser.currentToken() == JsonToken.VALUE_STRING) {
                return ByteSize.parse(parser.getString());
            }
        } catch (IllegalArgumentException e) {
            return context.reportInputMismatch(this, "%s", e.getMessage());
        }
        return context.reportInputMismatch(this, "a size is a whole number of bytes, or text such as \"10GiB\"");
    }
}
