package io.mizzen.sim;

import io.mizzen.lvs.CrashRun;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Pools that order their writes wrongly: the power cuts that the build runs find every one of them. */
class PoolMutantSimTest {
    private static final int SEEDS = 10_000;
    private static final String LVS = "io.mizzen.lvs.";

    static final List<Mutant> MUTANTS = List.of(
            new Mutant("a first write is acknowledged before its mapping is durable", LVS + "ClusterAllocator", "insertInPlace",
                    "MetadataWriter", "commit", 0, "LvsMutations.commitUnderWay"),
            new Mutant("so is one that needs a new page of the map", LVS + "ClusterAllocator", "insert",
                    "BlobCommit", "commit", 0, "LvsMutations.commitUnderWay"),
            new Mutant("a new cluster shows what it held before", LVS + "ClusterAllocator", "fill",
                    "StorePort", "zero", 0, "LvsMutations.skipZeroing"),
            new Mutant("a new cluster is mapped before its zeroes are durable", LVS + "ClusterAllocator", "lambda$fill",
                    "StorePort", "flush", 0, "LvsMutations.skipFlush"),
            new Mutant("a freed cluster is mapped before its zeroes are durable", LVS + "ClusterAllocator", "settle",
                    "StorePort", "flush", 0, "LvsMutations.skipFlush"),
            new Mutant("a new cluster is mapped though a flush that failed may have cost its zeroes", LVS + "ClusterAllocator", "lambda$fill",
                    "StorePort", "flush", 0, "LvsMutations.flushNow"),
            new Mutant("a flush succeeds though another volume's failed", LVS + "LvolChannel", "endFlushed",
                    "LvolBdev", "flushOutcome", 0, "LvsMutations.flushOutcome"),
            new Mutant("a flush succeeds though another that is under way may have been told of its loss", LVS + "LvolChannel", "endFlushed",
                    "FlushLedger", "isIdle", 0, "LvsMutations.nobodyFlushes"),
            new Mutant("a write that ends with a flush succeeds though another was told of its loss", LVS + "LvolChannel", "advance",
                    "FlushLedger", "counts", 0, "LvsMutations.countsNot"),
            new Mutant("so does one of metadata", LVS + "BaseDevice", "write",
                    "FlushLedger", "fuaFlushes", 0, "LvsMutations.flushesNot"),
            new Mutant("zeroes count as durable without a flush", LVS + "ClusterAllocator", "zeroMore",
                    "PoolSpace", "isDurablyZero", 0, "LvsMutations.isZero"),
            new Mutant("clusters are free before a deletion is durable", LVS + "LvolDeletion", "run",
                    "BlobCommit", "delete", 0, "LvsMutations.deleteUnderWay"),
            new Mutant("a deletion that waits for clones is acknowledged before its mark is durable", LVS + "AttributeChange", "run",
                    "BlobCommit", "commit", 0, "LvsMutations.commitUnderWay"),
            new Mutant("clusters are free before a smaller size is durable", LVS + "LvolResize", "commit",
                    "BlobCommit", "commit", 0, "LvsMutations.commitUnderWay"),
            new Mutant("clusters are free before an unmap is durable", LVS + "ClusterDiscard", "freeInPlace",
                    "MetadataWriter", "commit", 0, "LvsMutations.commitUnderWay"),
            new Mutant("clusters are free while a write to them is under way", LVS + "ClusterDiscard", "start",
                    "LvolBdev", "lockRange", 0, "LvsMutations.lockNothing"),
            new Mutant("a volume is acknowledged before its metadata is durable", LVS + "LvolCreation", "lambda$flushed",
                    "BlobCommit", "commit", 0, "LvsMutations.commitUnderWay"),
            new Mutant("a snapshot is taken while writes are under way", LVS + "SnapshotCreation", "hold",
                    "LvolBdev", "holdWrites", 0, "LvsMutations.holdNothing"),
            new Mutant("a snapshot that a crash leaves lacks what was written before", LVS + "SnapshotCreation", "lambda$run",
                    "StorePort", "flush", 0, "LvsMutations.skipFlush"),
            new Mutant("a snapshot is acknowledged before what it holds is durable", LVS + "SnapshotCreation", "lambda$hold",
                    "StorePort", "flush", 0, "LvsMutations.skipFlush"),
            new Mutant("clusters are written anew before the volume is a clone on disk", LVS + "SnapshotCreation",
                    "lambda$flushedBefore", "BlobCommit", "finish", 0, "LvsMutations.finishUnderWay"),
            new Mutant("a volume is a clone of what is no snapshot yet on disk", LVS + "SnapshotCreation", "flushedBefore",
                    "BlobCommit", "commit", 0, "LvsMutations.commitUnderWay"),
            new Mutant("the root is written before the pages that it refers to", LVS + "BlobCommit", "prepare",
                    "MetadataWriter", "writeFresh", 0, "LvsMutations.rootFirst"),
            new Mutant("a page is replaced without a copy to finish it from", LVS + "MetadataWriter", "commit",
                    "StorePort", "writeDurably", 1, "LvsMutations.skipWrite"),
            new Mutant("an import trusts what a failed write left in the device's cache", LVS + "StoreLoad", "settle",
                    "BaseDevice", "flush", 0, "LvsMutations.skipFlush"),
            new Mutant("a pool is marked clean before its masks are durable", LVS + "StoreClose", "writeMasks",
                    "StorePort", "writeDurably", 0, "LvsMutations.writeUnderWay"),
            new Mutant("a pool in use stays marked clean", LVS + "StoreLoad", "markUnclean",
                    "BaseDevice", "writeDurably", 0, "LvsMutations.skipWrite"));

    @ParameterizedTest
    @FieldSource("MUTANTS")
    void isFound(Mutant mutant) throws ReflectiveOperationException {
        MutantSimTest.isFound(mutant, CrashRun.class, SEEDS);
    }
}
