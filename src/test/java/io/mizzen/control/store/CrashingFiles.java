package io.mizzen.control.store;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A file system that can lose power before any of its steps. Contents are durable after a sync of the file, names after a
 * sync of the directory; what is neither may survive or not, as the mode says.
 */
final class CrashingFiles implements StateFiles {
    /** What happens at a crash to what was not synced. */
    enum Mode { LOSE_ALL, KEEP_ALL, KEEP_NAMES_TEAR_CONTENTS }

    /** The power went. */
    static final class PowerCut extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static final class Inode {
        private byte[] content = new byte[0];
        private byte[] durable = new byte[0];
    }

    private final Mode mode;
    private Map<Path, Inode> names = new TreeMap<>();
    private Map<Path, Inode> durableNames = new TreeMap<>();
    private int stepsLeft = Integer.MAX_VALUE;
    private int steps;

    CrashingFiles(Mode mode) {
        this.mode = mode;
    }

    /** The power goes before step {@code count} (from 0) of those that follow. */
    void cutAfter(int count) {
        stepsLeft = count;
        steps = 0;
    }

    int steps() {
        return steps;
    }

    /** What the next start finds. */
    void powerOn() {
        if (mode == Mode.LOSE_ALL) {
            names = new TreeMap<>(durableNames);
        } else {
            durableNames = new TreeMap<>(names);
        }
        for (Inode inode : names.values()) {
            inode.content = switch (mode) {
                case LOSE_ALL -> inode.durable;
                case KEEP_ALL -> inode.content;
                case KEEP_NAMES_TEAR_CONTENTS -> Arrays.equals(inode.content, inode.durable) ? inode.content
                    : Arrays.copyOf(inode.content, inode.content.length / 2);
            };
            inode.durable = inode.content;
        }
        stepsLeft = Integer.MAX_VALUE;
    }

    /** Damages a file behind the store's back. */
    void overwrite(Path file, byte[] content) {
        names.get(file).content = content;
        names.get(file).durable = content;
    }

    private void step() {
        if (stepsLeft-- == 0) {
            throw new PowerCut();
        }
        steps++;
    }

    @Override
    public void createDirectories(Path directory) {
    }

    @Override
    public List<Path> list(Path directory) {
        return names.keySet().stream().filter(path -> directory.equals(path.getParent())).toList();
    }

    @Override
    public byte[] read(Path file) throws IOException {
        return find(file).content;
    }

    @Override
    public void write(Path file, byte[] content) {
        step();
        names.computeIfAbsent(file, path -> new Inode()).content = content;
    }

    @Override
    public void sync(Path file) throws IOException {
        step();
        find(file).durable = find(file).content;
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        step();
        names.put(to, find(from));
        names.remove(from);
    }

    @Override
    public void delete(Path file) {
        step();
        names.remove(file);
    }

    @Override
    public void syncDirectory(Path directory) {
        step();
        durableNames.keySet().removeIf(path -> directory.equals(path.getParent()));
        names.forEach((path, inode) -> {
            if (directory.equals(path.getParent())) {
                durableNames.put(path, inode);
            }
        });
    }

    private Inode find(Path file) throws IOException {
        Inode inode = names.get(file);
        if (inode == null) {
            throw new NoSuchFileException(file.toString());
        }
        return inode;
    }
}
