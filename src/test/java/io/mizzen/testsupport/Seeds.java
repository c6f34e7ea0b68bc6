package io.mizzen.testsupport;

import java.util.function.LongConsumer;
import java.util.function.Supplier;

/** Runs stories that a seed decides. What a story throws is its finding. */
public final class Seeds {
    private Seeds() {
    }

    /** What that throws, in words that are never null; null: it throws nothing. */
    public static String finding(Runnable story) {
        try {
            story.run();
            return null;
        } catch (LinkageError brokenTest) {     // A mutation that fits no more finds nothing.
            throw brokenTest;
        } catch (RuntimeException | Error finding) {
            return finding.toString();
        }
    }

    /** What the story comes to; its finding is thrown with the seed, and with what is said of how to run it again. */
    public static <T> T run(long seed, String replay, Supplier<T> story) {
        try {
            return story.get();
        } catch (RuntimeException | Error finding) {
            throw new AssertionError("seed " + seed + " (" + replay + "): " + finding, finding);
        }
    }

    /** Some seeds, up to the first that finds something, which says that seed. */
    public static void each(long first, int count, LongConsumer story) {
        for (long seed = first; seed < first + count; seed++) {
            long it = seed;
            run(it, "of " + first + " to " + (first + count - 1), () -> {
                story.accept(it);
                return null;
            });
        }
    }
}
