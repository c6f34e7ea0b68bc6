package io.mizzen.sim;

import io.mizzen.lvs.ReadersRun;
import org.junit.jupiter.api.Test;

/** Clusters that are given back too early: reads that the build runs find it. */
class ReadersMutantSimTest {
    private static final int SEEDS = 500;

    @Test
    void clustersThatAreGivenBackWhileTheyAreReadAreFound() throws ReflectiveOperationException {
        MutantSimTest.isFound(new Mutant("a snapshot's clusters are free while reads that began before go there", "io.mizzen.lvs.ReaderDrain",
                "start", "LvolBdev", "awaitInFlight", 0, "LvsMutations.awaitNothing"), ReadersRun.class, SEEDS);
    }
}
