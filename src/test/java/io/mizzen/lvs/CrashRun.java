package io.mizzen.lvs;

import io.mizzen.testsupport.Seeds;
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
        return Seeds.finding(() -> acknowledged = run(seed, everywhere).acknowledged());
    }

    CrashStory.Result run(long seed, boolean everywhere) {
        return new CrashStory(seed, everywhere, memory, twinMemory, false).run();
    }

    /** The same once more, with the last that happened, or all of it, and what was found. */
    public List<String> replay(long seed, boolean everywhere, boolean all) {
        CrashStory story = new CrashStory(seed, everywhere, memory, twinMemory, true);
        List<String> trace = story.trace();
        String finding = Seeds.finding(() -> trace.add(story.run().toString()));
        if (finding != null) {
            trace.add(finding);
        }
        return all ? trace : trace.subList(Math.max(0, trace.size() - LAST_LINES), trace.size());
    }
}
