package io.mizzen.control.properties;

import io.mizzen.control.ByteSize;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.NotNull;
import java.nio.file.Path;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.demo.*}: used by the profile {@code demo} only.
 *
 * @param dir where the two sparse disk files go; empty: {@code demo} below the state directory
 * @param diskSize size of each of the two disks
 * @param volumeSize size of the mirrored volume's replicas
 */
public record DemoProperties(Path dir, @NotNull @DefaultValue("1GiB") ByteSize diskSize,
                             @NotNull @DefaultValue("512MiB") ByteSize volumeSize) {
    private static final long DISK_BYTES_MIN = 64L << 20;

    @AssertTrue(message = "mizzen.demo.disk-size must be 64MiB or more")
    public boolean isDiskSizeInRange() {
        return diskSize == null || diskSize.bytes() >= DISK_BYTES_MIN;
    }

    @AssertTrue(message = "mizzen.demo.volume-size must be smaller than mizzen.demo.disk-size")
    public boolean isVolumeSizeInRange() {
        return diskSize == null || volumeSize == null || volumeSize.bytes() < diskSize.bytes();
    }
}
