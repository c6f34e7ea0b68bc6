package io.mizzen.nexus;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/**
 * Which openings of a nexus led to a generation: each has an identity, drawn at random and stored before the nexus serves
 * anything. Numbers alone do not tell two times apart that began at the same point: where all children were set back to
 * snapshots and went on, the numbers of what they left are used a second time. Immutable.
 *
 * @param openings oldest first; the newest {@link #KEPT_MAX} of them, none of before they were stored
 */
record Timeline(List<Opening> openings) {
    /** Openings that are remembered; what lies before them is told by the generation's number alone. */
    static final int KEPT_MAX = 64;
    /** That of a record from before openings had identities. */
    static final Timeline UNKNOWN = new Timeline(List.of());

    /**
     * One opening, creation included.
     *
     * @param identity not all zero
     * @param firstGeneration the first that it may have stored
     */
    record Opening(UUID identity, long firstGeneration) {
        Opening {
            Objects.requireNonNull(identity);
        }
    }

    Timeline {
        openings = List.copyOf(openings);
        if (openings.size() > KEPT_MAX) {
            throw new IllegalArgumentException("openings: " + openings.size());
        }
        long before = 0;
        for (Opening opening : openings) {
            if (opening.firstGeneration <= before) {
                throw new IllegalArgumentException("generation " + opening.firstGeneration + " after " + before);
            }
            before = opening.firstGeneration;
        }
    }

    /** Goes on with another opening; the oldest one is forgotten when there are too many. */
    Timeline opened(UUID identity, long firstGeneration) {
        List<Opening> longer = new ArrayList<>(openings.subList(openings.size() < KEPT_MAX ? 0 : 1, openings.size()));
        longer.add(new Opening(identity, firstGeneration));
        return new Timeline(longer);
    }

    boolean isKnown() {
        return !openings.isEmpty();
    }

    /** Whether a generation that another record reached by its own openings is one that this one's have come through. */
    boolean passed(Timeline other, long generation) {
        if (other.openings.isEmpty()) {
            return openings.isEmpty() || generation < openings.getFirst().firstGeneration;
        }
        UUID last = other.openings.getLast().identity;
        for (int i = 0; i < openings.size(); i++) {
            if (openings.get(i).identity.equals(last)) {
                return i == openings.size() - 1 || generation < openings.get(i + 1).firstGeneration;
            }
        }
        return openings.size() == KEPT_MAX && generation < openings.getFirst().firstGeneration;
    }
}
