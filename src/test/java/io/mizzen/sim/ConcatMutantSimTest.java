package io.mizzen.sim;

import io.mizzen.lvs.ConcatCrashRun;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Disks that are added in a wrong order: the power cuts that the build runs find every one of them. */
class ConcatMutantSimTest {
    private static final int SEEDS = 300;
    private static final String CONCAT = "io.mizzen.concat.ConcatBdev";

    static final List<Mutant> MUTANTS = List.of(
            new Mutant("a disk is taken in before the superblocks that name it are durable", CONCAT, "writeTo",
                    "DiskIo", "write", 0, "ConcatMutations.writeUnderWay"),
            new Mutant("a disk is named by superblocks before its label is durable", CONCAT, "add",
                    "DiskIo", "write", 0, "ConcatMutations.writeUnderWay"),
            new Mutant("a disk is named by the others before it has a superblock", CONCAT, "lambda$add",
                    "List", "reversed", 0, "ConcatMutations.newDiskLast"));

    @ParameterizedTest
    @FieldSource("MUTANTS")
    void isFound(Mutant mutant) throws ReflectiveOperationException {
        MutantSimTest.isFound(mutant, ConcatCrashRun.class, SEEDS);
    }
}
