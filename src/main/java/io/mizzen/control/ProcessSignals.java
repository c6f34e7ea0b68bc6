package io.mizzen.control;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/**
 * Handlers for the process's signals, through {@code sun.misc.Signal}: the only way in the JDK to see a second SIGINT
 * while the first one's shutdown runs. Reached by reflection, since naming that class makes the compiler warn and there is
 * no supported twin; the module that exports it ({@code jdk.unsupported}) is part of every JDK.
 */
final class ProcessSignals {
    private ProcessSignals() {
    }

    /** Calls {@code onSignal} with the signal's name, on a new thread of the JVM, each time it arrives. */
    static void handle(String name, Consumer<String> onSignal) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object proxy = Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler},
                (self, method, arguments) -> switch (method.getName()) {
                    case "handle" -> {
                        onSignal.accept(name);
                        yield null;
                    }
                    case "equals" -> self == arguments[0];
                    case "hashCode" -> System.identityHashCode(self);
                    default -> "handler of SIG" + name;
                });
            signal.getMethod("handle", signal, handler)
                .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
        } catch (ClassNotFoundException | NoSuchMethodException | IllegalAccessException | InstantiationException
                 | InvocationTargetException e) {
            throw new IllegalStateException("this JVM does not let SIG" + name + " be handled", e);
        }
    }
}
