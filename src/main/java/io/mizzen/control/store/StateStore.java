package io.mizzen.control.store;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The desired state on disk: one JSON document per object, in a directory per kind.
 *
 * <p>A document is written to a temporary file, synced, renamed over the old one, and the directory synced, so that after
 * a crash at any point it is the old or the new one, whole. Each carries its format, kind, key and a CRC32C of its
 * content; one that does not check is moved to {@code corrupt/} and reported, never dropped. Thread: any; one at a time.
 */
public final class StateStore implements AutoCloseable {
    private static final int FORMAT = 1;
    private static final int FILE_NAME_LENGTH_MAX = 200;
    private static final String SUFFIX = ".json";
    private static final String TEMPORARY_SUFFIX = ".tmp";
    private static final String CORRUPT = "corrupt";
    private static final JsonMapper MAPPER =
        JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final Path directory;
    private final StateFiles files;
    private final AutoCloseable lock;
    private volatile long writeFailureCount;

    /** One object as it was stored. */
    public record Document(StateKind kind, String key, JsonNode content) {
        /** The content as a record; null when it does not have that record's form. */
        public <T> T as(Class<T> type) {
            return MAPPER.treeToValue(content, type);
        }
    }

    /** A document that could not be used: where it is now and why. */
    public record SetAside(StateKind kind, String file, String reason) {
    }

    /** What was read at start. */
    public record Contents(List<Document> documents, List<SetAside> setAside) {
    }

    StateStore(Path directory, StateFiles files, AutoCloseable lock) {
        this.directory = directory;
        this.files = files;
        this.lock = lock;
    }

    /**
     * Opens the store, creating its directories, and locks it.
     *
     * @throws OperationException {@code state-dir-locked} when another engine has it, {@code state-dir-unusable} when it
     *         cannot be created or written
     */
    public static StateStore open(Path directory) {
        StateFiles files = new DiskStateFiles();
        try {
            files.createDirectories(directory);
            return new StateStore(directory, files, StateLock.acquire(directory));
        } catch (IOException e) {
            throw new OperationException(ErrorKind.FAILED_PRECONDITION, "state-dir-unusable", "The state directory "
                + directory + " cannot be used (" + e + "); set mizzen.state.dir to a directory that this user may "
                + "write.", e);
        }
    }

    /** Reads everything and sets aside what does not check. Called once, before the first change. */
    public synchronized Contents load() {
        List<Document> documents = new ArrayList<>();
        List<SetAside> setAside = new ArrayList<>();
        try {
            for (StateKind kind : StateKind.values()) {
                Path kindDirectory = directory.resolve(kind.directory());
                files.createDirectories(kindDirectory);
                for (Path file : files.list(kindDirectory)) {
                    loadFile(kind, file, documents, setAside);
                }
            }
            files.syncDirectory(directory);
        } catch (IOException e) {
            throw unusable("read", e);
        }
        return new Contents(List.copyOf(documents), List.copyOf(setAside));
    }

    private void loadFile(StateKind kind, Path file, List<Document> documents, List<SetAside> setAside)
        throws IOException {
        String name = file.getFileName().toString();
        if (name.endsWith(TEMPORARY_SUFFIX)) {
            files.delete(file);  // Never renamed, so never acknowledged.
            return;
        }
        try {
            documents.add(parse(kind, name, files.read(file)));
        } catch (JacksonException | IllegalArgumentException e) {
            Path target = directory.resolve(CORRUPT).resolve(kind.directory() + '-' + name);
            files.createDirectories(target.getParent());
            files.rename(file, target);
            files.syncDirectory(target.getParent());
            files.syncDirectory(file.getParent());
            setAside.add(new SetAside(kind, target.toString(), e.getMessage()));
        }
    }

    /**
     * Stores an object, durable when this returns.
     *
     * @throws OperationException {@code state-not-stored}; the old document, if any, is still there or already replaced
     */
    public synchronized void put(StateKind kind, String key, Object content) {
        Path target = file(kind, key);
        Path temporary = target.resolveSibling(target.getFileName() + TEMPORARY_SUFFIX);
        try {
            files.write(temporary, encode(kind, key, MAPPER.valueToTree(content)));
            files.sync(temporary);
            files.rename(temporary, target);
            files.syncDirectory(target.getParent());
        } catch (IOException e) {
            writeFailureCount++;
            throw unusable("write", e);
        }
    }

    /** Removes an object's document, durably; not being there is fine. */
    public synchronized void remove(StateKind kind, String key) {
        Path target = file(kind, key);
        try {
            files.delete(target);
            files.syncDirectory(target.getParent());
        } catch (IOException e) {
            writeFailureCount++;
            throw unusable("write", e);
        }
    }

    /** How often a document could not be stored or removed. Any thread. */
    public long writeFailureCount() {
        return writeFailureCount;
    }

    /** Gives the directory back. */
    @Override
    public synchronized void close() {
        try {
            lock.close();
        } catch (Exception e) {
            throw new OperationException(ErrorKind.INTERNAL, "state-dir-not-released",
                "The lock of the state directory " + directory + " could not be given back: " + e, e);
        }
    }

    private Path file(StateKind kind, String key) {
        String name = URLEncoder.encode(key, StandardCharsets.UTF_8).replace("*", "%2A").replace(".", "%2E");
        if (name.length() > FILE_NAME_LENGTH_MAX) {
            throw OperationException.invalid("name-too-long", "The name '" + key + "' is too long to be stored.");
        }
        return directory.resolve(kind.directory()).resolve(name + SUFFIX);
    }

    static byte[] encode(StateKind kind, String key, JsonNode content) {
        ObjectNode document = MAPPER.createObjectNode();
        document.put("format", FORMAT);
        document.put("kind", kind.name());
        document.put("key", key);
        document.put("crc32c", checksum(content));
        document.set("content", content);
        return MAPPER.writeValueAsString(document).getBytes(StandardCharsets.UTF_8);
    }

    private static Document parse(StateKind kind, String name, byte[] bytes) {
        JsonNode document = MAPPER.readTree(bytes);
        require(document.isObject(), "it is no JSON object");
        require(document.path("format").asInt(0) == FORMAT, "its format is not " + FORMAT);
        require(kind.name().equals(document.path("kind").asString("")), "its kind is not " + kind);
        String key = document.path("key").asString("");
        require(name.endsWith(SUFFIX) && URLDecoder.decode(name.substring(0, name.length() - SUFFIX.length()),
            StandardCharsets.UTF_8).equals(key), "its key does not match its file name");
        JsonNode content = document.path("content");
        require(content.isObject(), "it has no content");
        require(checksum(content).equals(document.path("crc32c").asString("")), "its checksum does not match");
        return new Document(kind, key, content);
    }

    private static void require(boolean holds, String complaint) {
        if (!holds) {
            throw new IllegalArgumentException(complaint);
        }
    }

    /** Of the content without white space, in the order of its fields. */
    private static String checksum(JsonNode content) {
        CRC32C crc = new CRC32C();
        crc.update(content.toString().getBytes(StandardCharsets.UTF_8));
        return String.format("%08x", crc.getValue());
    }

    private OperationException unusable(String verb, IOException e) {
        return new OperationException(ErrorKind.INTERNAL, "state-not-stored", "The desired state in " + directory
            + " cannot be " + ("read".equals(verb) ? "read" : "written") + " (" + e + "); free space or repair the "
            + "directory, then send the request again.", e);
    }
}
