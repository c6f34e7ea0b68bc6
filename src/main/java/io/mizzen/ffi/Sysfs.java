package io.mizzen.ffi;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What the kernel tells in files below {@code /sys}. Devices go at any moment, and their files with them. Any thread; blocks. */
public final class Sysfs {
    private Sysfs() {
    }

    /** An attribute; null when it is not there or cannot be read: not every kernel, and not every device, has all. */
    public static String text(Path attribute) {
        try {
            return Files.readString(attribute).strip();
        } catch (IOException absent) {
            return null;
        }
    }

    /** Names in a directory, in order; none when it is not there, or goes meanwhile. */
    public static List<String> names(Path directory) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        } catch (IOException | DirectoryIteratorException absent) {
            return List.of();
        }
        names.sort(Comparator.naturalOrder());
        return names;
    }
}
