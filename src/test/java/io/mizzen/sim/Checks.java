package io.mizzen.sim;

import java.util.function.Supplier;

/** What a checker says when it has found something: {@code checker: what}. */
final class Checks {
    private Checks() {
    }

    /** A finding: the engine has broken a promise. */
    static final class Finding extends AssertionError {
        private static final long serialVersionUID = 1L;

        Finding(String what) {
            super(what);
        }
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new Finding(what);
        }
    }

    static void require(boolean holds, Supplier<String> what) {
        if (!holds) {
            throw new Finding(what.get());
        }
    }
}
