package io.mizzen.control.properties;

import io.mizzen.control.ByteSize;
import org.springframework.boot.context.properties.ConfigurationPropertiesBinding;
import org.springframework.core.convert.converter.Converter;
import org.springframework.stereotype.Component;

/** Lets properties say {@code 512MiB}. */
@Component
@ConfigurationPropertiesBinding
public final class ByteSizeConverter implements Converter<String, ByteSize> {
    @Override
    public ByteSize convert(String source) {
        return ByteSize.parse(source);
    }
}
