package io.mizzen.sim;

import io.mizzen.testsupport.Seeds;
import java.util.function.LongFunction;

/** Runs seeds on behalf of another class loader. Says what a seed found, or null. */
public final class MutantRun implements LongFunction<String> {
    private final SimMemory memory = new SimMemory();

    @Override
    public String apply(long seed) {
        return Seeds.finding(() -> new Scenario(seed, memory, new Trace(false)).run());
    }
}
