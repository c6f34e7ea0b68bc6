package io.mizzen.control.properties;

import io.mizzen.control.ByteSize;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.NotNull;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.memory.*}: the one reservation made at start.
 *
 * @param size DMA memory for buffers and rings
 * @param hugepages false: do not try hugetlb pages, even where they are reserved
 * @param locked true: memory that cannot be locked is an error; false: it is reported in health only
 */
public record MemoryProperties(@NotNull @DefaultValue("256MiB") ByteSize size,
                               @DefaultValue("true") boolean hugepages,
                               @DefaultValue("false") boolean locked) {
    private static final long SIZE_BYTES_MIN = 64L << 20;
    private static final long SIZE_BYTES_MAX = 1L << 40;

    @AssertTrue(message = "mizzen.memory.size must lie between 64MiB and 1TiB")
    public boolean isSizeInRange() {
        return size == null || size.bytes() >= SIZE_BYTES_MIN && size.bytes() <= SIZE_BYTES_MAX;
    }
}
