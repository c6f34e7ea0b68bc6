package io.mizzen.sim;

import java.io.IOException;
import java.io.InputStream;

/** Loads the engine and the simulator once more, with one class broken and the engine's own assertions off. */
final class MutantLoader extends ClassLoader {
    private static final String OURS = "io.mizzen.";

    private final Mutant mutant;

    MutantLoader(Mutant mutant) {
        super(MutantLoader.class.getClassLoader());
        this.mutant = mutant;
        clearAssertionStatus();         // It is the checkers outside that have to find it.
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith(OURS)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : define(name);
        }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
        try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (in == null) {
                throw new ClassNotFoundException(name);
            }
            byte[] bytes = in.readAllBytes();
            byte[] broken = name.equals(mutant.type()) ? mutant.apply(bytes) : bytes;
            return defineClass(name, broken, 0, broken.length);
        } catch (IOException e) {
            throw new ClassNotFoundException(name, e);
        }
    }
}
