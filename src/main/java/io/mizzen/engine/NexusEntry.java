package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.lvs.Lvol;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusState;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;

/** An open nexus and the URIs of its children. Control reactor only. */
final class NexusEntry {
    /** A URI, what it led to, and which member that is. */
    static final class Leg {
        final String uri;
        /** Null while there is none. */
        Bdev bdev;
        /** The one that it had before it was closed: it is known by that one's names still. */
        Bdev closed;
        /** The member that it is; null when nobody knows. */
        UUID member;
        /** Why there is no bdev, where the URI led nowhere when the nexus was opened. */
        OperationException missing;
        /** It is being opened, and must not be closed as one that is out. */
        boolean joining;

        Leg(String uri, Bdev bdev, OperationException missing) {
            this.uri = uri;
            this.bdev = bdev;
            this.missing = missing;
        }

        /** UUID of the replica that it is or was; null for another bdev. */
        UUID replica() {
            Bdev last = bdev == null ? closed : bdev;
            return last != null && last.product().equals(PlaneNames.PRODUCT_LVOL) ? last.uuid() : null;
        }

        /** Whether it has a bdev that may be closed and opened again: a disk in memory would be gone, and with it the member. */
        boolean outlivesClosing() {
            return bdev != null && !bdev.product().equals("malloc");
        }
    }

    final Nexus nexus;
    final String name;
    final List<Leg> legs;
    /** Its state when it was opened, of which the event of that tells. */
    final NexusState openedAs;

    /** Closed, with its hosts waiting; it can be assembled again. */
    boolean shut;
    /** It is being shut down: its children may be closed already. */
    boolean closing;
    /** How long hosts' I/O waits when no healthy child is there. */
    long freezeTimeoutMs;

    NexusEntry(Nexus nexus, String name, List<Leg> legs, long freezeTimeoutMs) {
        this.freezeTimeoutMs = freezeTimeoutMs;
        this.nexus = nexus;
        this.openedAs = nexus.state();
        this.name = name;
        this.legs = new ArrayList<>(legs);
        identify();
    }

    /** Finds out which member each leg is. Those whose URI led nowhere are taken for those that are absent, in their order. */
    void identify() {
        List<ChildStatus> statuses = nexus.childStatuses();
        for (Leg leg : legs) {
            for (ChildStatus status : statuses) {
                if (leg.bdev != null && leg.bdev.name().equals(status.bdev())) {
                    leg.member = status.memberUuid();
                }
            }
        }
        for (ChildStatus status : statuses) {
            if (legOf(status.memberUuid()) == null) {
                legs.stream().filter(leg -> leg.member == null && !leg.joining).min(Comparator.comparing(leg -> leg.bdev != null))
                        .ifPresent(leg -> leg.member = status.memberUuid());
            }
        }
    }

    Leg legOf(UUID member) {
        for (Leg leg : legs) {
            if (member.equals(leg.member)) {
                return leg;
            }
        }
        return null;
    }

    Leg legOf(Bdev bdev) {
        for (Leg leg : legs) {
            if (leg.bdev == bdev) {
                return leg;
            }
        }
        return null;
    }

    /** The URI of the child with a bdev of that name, or null. */
    String uriOf(String bdevName) {
        Leg leg = legNamed(bdevName);
        return leg == null ? null : leg.uri;
    }

    /** The child that the nexus calls so, by its bdev or by its member's UUID where it has none; or null. */
    Leg legNamed(String name) {
        for (Leg leg : legs) {
            if (leg.bdev != null && leg.bdev.name().equals(name)) {
                return leg;
            }
        }
        for (ChildStatus status : nexus.childStatuses()) {
            boolean named = name != null && (name.equals(status.bdev()) || name.equals(status.memberUuid().toString()));
            Leg leg = named ? legOf(status.memberUuid()) : null;
            if (leg != null) {
                return leg;
            }
        }
        return null;
    }

    /** What every event about a child says besides, in the words of the child's view: names and values in turn. */
    List<Object> details(Leg leg) {
        return new ArrayList<>(Arrays.asList("uri", leg.uri, "bdev", leg.bdev == null ? null : leg.bdev.name(), "memberUuid",
                leg.member, "replicaUuid", leg.replica(), "nexus", nexus.uuid(), "nexusName", name));
    }

    /** The leg of a child that somebody names: by URI, bdev, UUID of the member or of the replica; or null. */
    Leg find(String child) {
        String identity = identity(child);
        for (Leg leg : legs) {
            boolean named = leg.uri.equals(child) || BdevUri.identity(leg.uri).equals(identity)
                    || leg.member != null && leg.member.toString().equals(child)
                    || isNamed(leg.bdev == null ? leg.closed : leg.bdev, child);
            if (named) {
                return leg;
            }
        }
        return null;
    }

    /** Whether a replica is one of its children, also while none of their bdevs is there. */
    boolean holds(Lvol lvol) {
        return lvol.bdev() != null && find(lvol.bdev().name()) != null || legs.stream().anyMatch(leg ->
                ChildNames.leadTo(leg.uri, lvol.store().name(), lvol.name(), lvol.uuid().toString()));
    }

    private static boolean isNamed(Bdev bdev, String child) {
        return bdev != null && (bdev.name().equals(child) || bdev.uuid().toString().equals(child)
                || bdev.aliases().contains(child));
    }

    private static String identity(String child) {
        try {
            return BdevUri.identity(child);
        } catch (OperationException noUri) {
            return child;
        }
    }

    ChildStatus status(UUID member) {
        for (ChildStatus status : nexus.childStatuses()) {
            if (status.memberUuid().equals(member)) {
                return status;
            }
        }
        return null;
    }
}
