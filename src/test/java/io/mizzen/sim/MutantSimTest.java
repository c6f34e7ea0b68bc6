package io.mizzen.sim;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mizzen.rebuild.RebuildCutRun;
import java.util.List;
import java.util.function.LongFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.api.Test;

/** Broken engines: every one of them is found by the checkers within the seeds that the build runs. */
class MutantSimTest {
    private static final int SEEDS = 60;
    private static final String NEXUS = "io.mizzen.nexus.";

    static final List<Mutant> MUTANTS = List.of(
            new Mutant("a write is acknowledged before the fault of a child is stored", NEXUS + "HoldQueue", "add",
                    "IoQueue", "add", 0, "NexusMutations.acknowledgeAtOnce"),
            new Mutant("a read that failed is not tried on another child", NEXUS + "NexusChannel", "onRead",
                    "NexusChannel", "read", 0, "NexusMutations.giveUp"),
            new Mutant("what found no resources is not tried again", "io.mizzen.bdev.IoChannel", "starve",
                    "Reactor", "defer", 0, "BdevMutations.forgetRetry"),
            new Mutant("a range lock is released as soon as it is granted", "io.mizzen.bdev.IoChannel", "lock",
                    "IoChannel", "addLock", 0, "BdevMutations.letPass"),
            new Mutant("a host's flush is skipped", NEXUS + "NexusChannel", "start",
                    "NexusChannel", "fanOut", 0, "NexusMutations.skipFlush"),
            new Mutant("regions count as clean without a flush", NEXUS + "DirtySweep", "flush",
                    "DirtySweep", "flushChildren", 0, "NexusMutations.skipFlushes"),
            new Mutant("data is written before its region is stored as dirty", NEXUS + "NexusChannel", "start",
                    "DirtyMap", "isDurable", 0, "NexusMutations.isDurableAlready"),
            new Mutant("differences of an unclean stop are forgotten", NEXUS + "DirtyTracking", "markSuspect",
                    "DirtyMap", "markSuspect", 0, "NexusMutations.forget"),
            new Mutant("a mapping is used before it is durable", "io.mizzen.lvs.ClusterAllocator", "insertInPlace",
                    "MetadataWriter", "commit", 0, "LvsMutations.commitUnderWay"),
            new Mutant("a new cluster shows what it held before", "io.mizzen.lvs.ClusterAllocator", "fill",
                    "StorePort", "zero", 0, "LvsMutations.skipZeroing"));

    @ParameterizedTest
    @FieldSource("MUTANTS")
    void isFound(Mutant mutant) throws ReflectiveOperationException {
        isFound(mutant, MutantRun.class, SEEDS);
    }

    /** Rare among whole systems: jobs whose source answers late are enough. */
    @Test
    void aCopyThatGoesOnFromARetiredChildIsFound() throws ReflectiveOperationException {
        isFound(new Mutant("a copy goes on from a child that was retired", "io.mizzen.rebuild.Piece", "go",
                "RebuildWorker", "isCut", 0, "RebuildMutations.isNotCut"), RebuildCutRun.class, SEEDS);
    }

    /** Runs seeds of the broken variant until one of them finds something. */
    static void isFound(Mutant mutant, Class<? extends LongFunction<String>> runClass, int seeds)
            throws ReflectiveOperationException {
        MutantLoader loader = new MutantLoader(mutant);
        loader.loadClass(mutant.type());        // Fails here if there is nothing to break.
        @SuppressWarnings("unchecked")
        LongFunction<String> run = (LongFunction<String>) loader.loadClass(runClass.getName())
                .getDeclaredConstructor().newInstance();
        String found = null;
        for (long seed = 1; seed <= seeds && found == null; seed++) {
            found = run.apply(seed);
            if (found != null && Boolean.getBoolean("sim.verbose")) {
                System.out.println(mutant + ": seed " + seed + ": " + found);
            }
        }
        assertNotNull(found, mutant + ": nobody noticed");
    }

    @Test
    void aMutationThatFitsNowhereIsNoTest() {
        Mutant nowhere = new Mutant("nothing", NEXUS + "HoldQueue", "add", "IoQueue", "peek", 0, "NexusMutations.forget");
        assertThrows(IllegalStateException.class, () -> new MutantLoader(nowhere).loadClass(NEXUS + "HoldQueue"));
    }
}
