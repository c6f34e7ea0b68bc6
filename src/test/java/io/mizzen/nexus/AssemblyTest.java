package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class AssemblyTest {
    private static final UUID NEXUS = new UUID(9, 9);

    private static Member healthy(int id, long generation) {
        return new Member(new UUID(0, id), MemberState.HEALTHY, FaultReason.NONE, generation, 0);
    }

    private static Member faulted(int id, long lastHealthy) {
        return new Member(new UUID(0, id), MemberState.FAULTED, FaultReason.IO_ERROR, lastHealthy, 0);
    }

    private static NexusMetadata generation(long generation, Member... members) {
        return new NexusMetadata(NEXUS, "n", generation, true, false, Label.V2, 512, 1 << 20, 1, 22, 0, List.of(members));
    }

    private static Assembly.Found on(int index, NexusMetadata metadata) {
        return new Assembly.Found("child" + index, new MetadataCodec.Copy(metadata, index, 0), false);
    }

    private static String refusal(boolean allowMissing, Assembly.Found... children) {
        return assertThrows(OperationException.class,
                () -> Assembly.decide(NEXUS, List.of(children), allowMissing, 0)).code();
    }

    private static List<MemberState> states(Assembly assembly) {
        List<MemberState> states = new ArrayList<>();
        assembly.members().forEach(member -> states.add(member.state()));
        return states;
    }

    @Test
    void equalGenerationsAreAllTrusted() {
        NexusMetadata metadata = generation(4, healthy(1, 4), healthy(2, 4));
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(1, metadata), on(0, metadata)), false, 0);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.HEALTHY), states(assembly));
        assertArrayEquals(new int[] {1, 0}, assembly.childOfMember());
    }

    /** Attempts to bring a child back were stored on it, and failed on the healthy one. */
    @Test
    void generationsThatOnlyAReturningChildHasMakeNobodyStale() {
        NexusMetadata old = generation(4, healthy(1, 4), faulted(2, 2));
        NexusMetadata attempted = generation(7, healthy(1, 7),
                new Member(new UUID(0, 2), MemberState.SYNCING, FaultReason.NONE, 2, 0));
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(0, old), on(1, attempted)), false, 0);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.FAULTED), states(assembly));
    }

    @Test
    void aCrashWhileAGenerationWasStoredLeavesTheHealthyOnesTrusted() {
        NexusMetadata old = generation(4, healthy(1, 4), healthy(2, 4), healthy(3, 4));
        NexusMetadata next = generation(5, healthy(1, 5), faulted(2, 4), healthy(3, 5));
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(0, next), on(1, old), on(2, old)), false, 0);
        assertEquals(5, assembly.metadata().generation());
        assertEquals(List.of(MemberState.HEALTHY, MemberState.FAULTED, MemberState.HEALTHY), states(assembly));
    }

    @Test
    void onlyStaleMembersAreRefused() {
        NexusMetadata old = generation(4, healthy(1, 4), healthy(2, 4));
        assertEquals("nexus-newest-generation-missing", refusal(false, on(1, old)));
        NexusMetadata next = generation(5, healthy(1, 5), faulted(2, 4));
        assertEquals("nexus-newest-generation-missing",
                refusal(false, on(1, new NexusMetadata(NEXUS, "n", 5, true, false, Label.V2, 512, 1 << 20, 1, 22, 0,
                        next.members()))));
    }

    @Test
    void absenceOfAHealthyMemberMustBeAllowedInWords() {
        NexusMetadata metadata = generation(4, healthy(1, 4), healthy(2, 4));
        assertEquals("nexus-newest-generation-missing", refusal(false, on(0, metadata)));
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(0, metadata)), true, 77);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.FAULTED), states(assembly));
        assertEquals(FaultReason.MISSING, assembly.members().get(1).reason());
        assertEquals(77, assembly.members().get(1).changedAtMs());
        assertEquals(-1, assembly.childOfMember()[1]);
    }

    @Test
    void absenceOfAFaultedMemberIsFine() {
        NexusMetadata metadata = generation(4, healthy(1, 4), faulted(2, 3));
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(0, metadata)), false, 0);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.FAULTED), states(assembly));
    }

    @Test
    void aFaultedMemberStaysOutWhateverItsOwnCopySays() {
        NexusMetadata old = generation(3, healthy(1, 3), healthy(2, 3));
        NexusMetadata now = generation(9, healthy(1, 9), faulted(2, 3));
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(0, now), on(1, old)), false, 0);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.FAULTED), states(assembly));
        assertEquals(FaultReason.IO_ERROR, assembly.members().get(1).reason());
    }

    @Test
    void noneButFaultedMembersIsRefusedEvenWithAbsenceAllowed() {
        NexusMetadata now = generation(9, healthy(1, 9), faulted(2, 8));
        assertEquals("nexus-no-healthy-child", refusal(true, on(1, now)));
    }

    @Test
    void membersThatWentOnAloneAreRefused() {
        NexusMetadata one = generation(5, healthy(1, 5), faulted(2, 4));
        NexusMetadata other = generation(5, faulted(1, 4), healthy(2, 5));
        assertEquals("nexus-diverged", refusal(true, on(0, one), on(1, other)));
        NexusMetadata later = generation(8, faulted(1, 4), healthy(2, 8));
        assertEquals("nexus-diverged", refusal(true, on(0, one), on(1, later)));
    }

    @Test
    void foreignDuplicateAndRemovedChildrenAreRefused() {
        NexusMetadata metadata = generation(4, healthy(1, 4), healthy(2, 4));
        assertEquals("child-foreign", refusal(true, on(0, metadata), new Assembly.Found("x", null, false)));
        assertEquals("nexus-metadata-version", refusal(true, on(0, metadata), new Assembly.Found("x", null, true)));
        assertEquals("child-duplicate", refusal(true, on(0, metadata), on(0, metadata)));
        NexusMetadata without = generation(6, healthy(1, 6));
        assertEquals("child-not-member", refusal(true, on(0, without), on(1, metadata)));
        NexusMetadata foreign = new NexusMetadata(new UUID(1, 1), "n", 9, true, false, Label.V2, 512, 1 << 20, 1, 22, 0,
                metadata.members());
        assertEquals("child-of-other-nexus", refusal(true, on(0, metadata), on(1, foreign)));
        assertEquals("nexus-no-children", refusal(true));
    }

    @Test
    void aHealthyMemberThatMissedGenerationsIsStale() {
        NexusMetadata old = generation(3, healthy(1, 3), healthy(2, 3));
        NexusMetadata now = generation(9, healthy(1, 9), healthy(2, 9));
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(0, now), on(1, old)), false, 0);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.FAULTED), states(assembly));
        assertEquals(FaultReason.STALE, assembly.members().get(1).reason());
        assertTrue(assembly.members().get(1).lastHealthyGeneration() == 3);
    }
}
