package io.mizzen.control.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The steps that the store takes in the file system, one by one, so that a test can cut the power between any two. */
interface StateFiles {
    void createDirectories(Path directory) throws IOException;

    /** Regular files directly in the directory, sorted by name. */
    List<Path> list(Path directory) throws IOException;

    byte[] read(Path file) throws IOException;

    /** Creates or truncates, then writes; nothing is durable yet. */
    void write(Path file, byte[] content) throws IOException;

    /** Makes a file's content durable. */
    void sync(Path file) throws IOException;

    /** Replaces atomically; durable after {@link #syncDirectory}. */
    void rename(Path from, Path to) throws IOException;

    void delete(Path file) throws IOException;

    /** Makes creations, renames and deletions in the directory durable. */
    void syncDirectory(Path directory) throws IOException;
}
