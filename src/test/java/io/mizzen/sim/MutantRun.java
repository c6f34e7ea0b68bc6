package io.mizzen.sim;

import java.util.function.LongFunction;

/** Runs seeds on behalf of another class loader. Says what a seed found, or null. */
public final class MutantRun implements LongFunction<String> {
    private final SimMemory memory = new SimMemory();

    @Override
    public String apply(long seed) {
        try {
            new Scenario(seed, memory, new Trace(false)).run();
            return null;
        } catch (Checks.Finding finding) {
            return finding.getMessage();
        } catch (RuntimeException | Error crash) {
            return "crash: " + crash;
        }
    }
}
