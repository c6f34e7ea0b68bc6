package io.mizzen.lvs;

import java.util.List;
import java.util.function.LongFunction;

/** Runs seeds of the pools' power cuts for others: says what a seed found, or null. One thread. */
public final class CrashRun implements LongFunction<String> {
    private static final int LAST_LINES = 60;

    private final CrashMemory memory = new CrashMemory();
    private final CrashMemory twinMemory = new CrashMemory();

    private long acknowledged;

    /** How many changes and I/Os the last seed acknowledged. */
    public long acknowledged() {
        return acknowledged;
    }

    @Override
    public String apply(long seed) {
        return apply(seed, false);
    }

    /** @param everywhere the power fails at every moment of the disk */
    public String apply(long seed, boolean everywhere) {
        acknowledged = 0;
        try {
            acknowledged = run(seed, everywhere).acknowledged();
            return null;
        } catch (RuntimeException | Error finding) {
            return finding.toString();
        }
    }

    CrashStory.Result run(long seed, boolean everywhere) {
        return new CrashStory(seed, everywhere, memory, twinMemory, false).run();
    }

    /** The same once more, with the last that happened, or all of it, and what was found. */
    public List<String> replay(long seed, boolean everywhere, boolean all) {
        CrashStory story = new CrashStory(seed, everywhere, memory, twinMemory, true);
        String outcome;
        try {
            outcome = story.run().toString();
        } catch (RuntimeException | Error finding) {
            outcome = finding.toString();
        }
        List<String> trace = story.trace();
        trace.add(outcome);
        return all ? trace : trace.subList(Math.max(0, trace.size() - LAST_LINES), trace.size());
    }
}
