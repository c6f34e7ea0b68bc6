package io.mizzen.lvs;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Part of a load: joins clones with their snapshots, and hides whoever reads from what cannot be read. Each volume is looked at
 * once, however long the chains are. Control reactor.
 */
final class CloneLinks {
    private final Collection<Lvol> lvols;
    private final Map<Long, Lvol> byBlob;
    private final Map<Integer, String> damaged;
    /** The nearest from each on up the chain that cannot be read, null = all can. */
    private final Map<Lvol, Lvol> obstacles = new HashMap<>();

    /**
     * @param byBlob the volumes by their blobs' ids
     * @param damaged by root page, what is wrong with a blob
     */
    CloneLinks(Collection<Lvol> lvols, Map<Long, Lvol> byBlob, Map<Integer, String> damaged) {
        this.lvols = lvols;
        this.byBlob = byBlob;
        this.damaged = damaged;
    }

    /** @param circleFound learns of each circle of clones, in words; unless it throws, the circle is left open at one of them */
    void join(Consumer<String> circleFound) {
        Set<Lvol> ends = circles(circleFound);
        for (Lvol lvol : lvols) {
            Lvol parent = named(lvol);
            if (parent != null && !ends.contains(lvol)) {
                lvol.parent(parent);
            } else if (parent == null && lvol.blob().internalXattr(LvolFeatures.PARENT) != null && lvol.usable()) {
                lvol.unusable("the snapshot that it is a clone of, blob 0x"
                        + Long.toHexString(LvolFeatures.parentOf(lvol.blob())) + ", is missing");
            }
        }
        for (Lvol lvol : lvols) {
            Lvol obstacle = lvol.parent() == null || !lvol.usable() ? null : obstacleFrom(lvol.parent());
            if (obstacle != null) {
                lvol.unusable("its snapshot " + obstacle.name() + " cannot be read: " + whyUnreadable(obstacle));
            }
        }
    }

    private Lvol named(Lvol clone) {
        return clone.blob().internalXattr(LvolFeatures.PARENT) == null ? null : byBlob.get(LvolFeatures.parentOf(clone.blob()));
    }

    /** One of each circle. */
    private Set<Lvol> circles(Consumer<String> circleFound) {
        Map<Lvol, Lvol> seenFrom = new HashMap<>();
        Set<Lvol> ends = new HashSet<>();
        for (Lvol start : lvols) {
            for (Lvol at = start; at != null && seenFrom.putIfAbsent(at, start) == null; at = named(at)) {
                Lvol above = named(at);
                if (above != null && seenFrom.get(above) == start) {
                    String circle = "volume " + at.name() + " is a clone of itself, through its snapshot " + above.name();
                    circleFound.accept(circle);
                    at.unusable(circle);
                    ends.add(at);
                }
            }
        }
        return ends;
    }

    private Lvol obstacleFrom(Lvol lvol) {
        Deque<Lvol> readable = new ArrayDeque<>();
        Lvol at = lvol;
        while (at != null && !obstacles.containsKey(at) && whyUnreadable(at) == null) {
            readable.push(at);
            at = at.parent();
        }
        Lvol found = at != null && obstacles.containsKey(at) ? obstacles.get(at) : at;
        if (at != null) {
            obstacles.put(at, found);
        }
        readable.forEach(each -> obstacles.put(each, found));
        return found;
    }

    /** What keeps clones from reading from it, of its own; null: nothing. */
    private String whyUnreadable(Lvol above) {
        String damage = damaged.get(above.blob().rootPage);
        String reason = damage != null ? damage : LvolFeatures.unusableReason(LvolFeatures.of(above.blob(), true));
        if (reason == null && above.parent() == null && above.blob().internalXattr(LvolFeatures.PARENT) != null) {
            return above.unusableReason();      // What it is a clone of is missing.
        }
        return reason;
    }
}
