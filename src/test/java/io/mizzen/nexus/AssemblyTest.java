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
        return new NexusMetadata(NEXUS, "n", generation, true, false, Label.V2, 512, 1 << 20, 1, 22, 0, Timeline.UNKNOWN, List.of(members));
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
                refusal(false, on(1, new NexusMetadata(NEXUS, "n", 5, true, false, Label.V2, 512, 1 << 20, 1, 22, 0, Timeline.UNKNOWN,
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
        NexusMetadata foreign = new NexusMetadata(new UUID(1, 1), "n", 9, true, false, Label.V2, 512, 1 << 20, 1, 22, 0, Timeline.UNKNOWN,
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

    private static NexusMetadata opened(NexusMetadata metadata, int... openings) {
        Timeline timeline = Timeline.UNKNOWN;
        for (int i = 0; i < openings.length; i += 2) {
            timeline = timeline.opened(new UUID(7, openings[i]), openings[i + 1]);
        }
        return metadata.on(timeline);
    }

    private static List<MemberState> statesOf(NexusMetadata first, NexusMetadata second) {
        List<MemberState> states = states(Assembly.decide(NEXUS, List.of(on(0, first), on(1, second)), false, 0));
        assertEquals(states, states(Assembly.decide(NEXUS, List.of(on(1, second), on(0, first)), false, 0)));
        return states;
    }

    @Test
    void numbersOfAnotherTimeAreRefused() {
        NexusMetadata now = opened(generation(9, healthy(1, 9), healthy(2, 9)), 1, 1, 3, 6);
        NexusMetadata equal = opened(now, 1, 1, 2, 6);
        assertEquals("nexus-diverged", refusal(true, on(0, now), on(1, equal)));
        for (int generation : new int[] {7, 8, 10, 20}) {
            NexusMetadata other = opened(generation(generation, healthy(1, generation), healthy(2, generation)), 1, 1, 2, 6);
            assertEquals("nexus-diverged", refusal(true, on(0, now), on(1, other)), "generation " + generation);
            NexusMetadata longer = opened(other, 1, 1);
            assertEquals("nexus-diverged", refusal(true, on(0, now), on(1, longer)), "generation " + generation);
            NexusMetadata before = opened(other);
            assertEquals("nexus-diverged", refusal(true, on(0, now), on(1, before)), "generation " + generation);
        }
        NexusMetadata alone = opened(generation(20, faulted(1, 18), healthy(2, 20)), 1, 1, 2, 6);
        assertEquals("nexus-diverged", refusal(true, on(0, now), on(1, alone)));
    }

    @Test
    void thePastOfThisTimeIsNone() {
        NexusMetadata now = opened(generation(6, healthy(1, 6), healthy(2, 6)), 1, 1, 2, 6);
        NexusMetadata old = generation(5, healthy(1, 5), healthy(2, 5));
        List<MemberState> both = List.of(MemberState.HEALTHY, MemberState.HEALTHY);
        assertEquals(both, statesOf(now, opened(old, 1, 1)));
        assertEquals(both, statesOf(opened(now, 2, 6), old), "what an older release stored, opened by this one");
        NexusMetadata older = opened(generation(4, healthy(1, 4), healthy(2, 4)), 1, 1);
        List<MemberState> stale = List.of(MemberState.HEALTHY, MemberState.FAULTED);
        assertEquals(stale, statesOf(now, older));
        NexusMetadata forgotten = generation(80, healthy(1, 80), healthy(2, 80));
        for (int i = 0; i < Timeline.KEPT_MAX; i++) {
            forgotten = forgotten.on(forgotten.timeline().opened(new UUID(6, i), 6 + i));
        }
        assertEquals(stale, statesOf(forgotten, older));
        NexusMetadata out = generation(9, healthy(1, 9), faulted(2, 5));
        assertEquals(stale, statesOf(out, opened(old, 1, 1)), "an older release went on without it");
    }

    /** One that was coming back carries numbers of an opening that the healthy one never stored. */
    @Test
    void theTimeIsThatOfTheHealthy() {
        NexusMetadata healthy = opened(generation(6, healthy(1, 6), faulted(2, 2)), 1, 1, 3, 5);
        NexusMetadata attempted = opened(generation(7, healthy(1, 7),
                new Member(new UUID(0, 2), MemberState.SYNCING, FaultReason.NONE, 2, 0)), 1, 1, 2, 5);
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(0, healthy), on(1, attempted)), false, 0);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.FAULTED), states(assembly));
        assertEquals(7, assembly.metadata().generation());
        assertEquals(healthy.timeline(), assembly.metadata().timeline());
    }

    /** One that was coming back in a time that was given up has a higher number, and calls the only one healthy that is not any more. */
    @Test
    void whoIsHealthyIsNotSaidByOneOfAnotherTimeThatWasComingBack() {
        NexusMetadata first = opened(generation(22, healthy(1, 22), faulted(2, 21), faulted(3, 10)), 1, 1, 3, 11);
        NexusMetadata second = opened(generation(21, healthy(1, 21), healthy(2, 21), faulted(3, 10)), 1, 1, 3, 11);
        NexusMetadata third = opened(generation(50, faulted(1, 45), healthy(2, 50),
                new Member(new UUID(0, 3), MemberState.SYNCING, FaultReason.NONE, 30, 0)), 1, 1);
        Assembly assembly = Assembly.decide(NEXUS, List.of(on(0, first), on(1, second), on(2, third)), false, 0);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.FAULTED, MemberState.FAULTED), states(assembly));
        assertEquals(first.timeline(), assembly.metadata().timeline());
        assertEquals(50, assembly.metadata().generation(), "no number is used twice");

        NexusMetadata both = opened(generation(12, healthy(1, 12), healthy(2, 12), healthy(3, 12)), 1, 1, 3, 11);
        Assembly without = Assembly.decide(NEXUS, List.of(on(0, both), on(1, both), on(2, third)), false, 0);
        assertEquals(List.of(MemberState.HEALTHY, MemberState.HEALTHY, MemberState.FAULTED), states(without));
        assertEquals(12, without.members().get(2).lastHealthyGeneration());
    }
}
