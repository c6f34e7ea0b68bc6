package io.mizzen.engine;

import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What the words mean that name children of nexuses, also where the bdev is not there. Any thread. */
public final class ChildNames {
    private ChildNames() {
    }

    /**
     * Whether a child's URI or name leads to a replica: as such, by the name of its bdev, or through one that injects faults.
     *
     * @param pool name of the replica's pool
     */
    public static boolean leadTo(String child, String pool, String name, String uuid) {
        String last = chain(child).getLast();
        return last.equals(uuid) || last.equals(pool + "/" + name);
    }

    /** Whether what two URIs or names stand for is one bdev, or stands on one. */
    public static boolean meet(String one, String other) {
        Set<String> identities = chain(one).stream().map(ChildNames::identity).collect(Collectors.toSet());
        return chain(other).stream().map(ChildNames::identity).anyMatch(identities::contains);
    }

    /** A URI or name, and what it stands for or stands on, down to a bdev of its own. Each is a part of the one before. */
    private static List<String> chain(String uriOrName) {
        List<String> chain = new ArrayList<>();
        for (String at = uriOrName; at != null; at = BdevUri.isUri(at) ? below(at) : null) {
            chain.add(at);
        }
        return chain;
    }

    private static String identity(String uriOrName) {
        try {
            return BdevUri.identity(uriOrName);
        } catch (OperationException noUri) {
            return uriOrName;
        }
    }

    /** Null: a bdev of its own. */
    private static String below(String text) {
        BdevUri uri;
        try {
            uri = BdevUri.parse(text);
        } catch (OperationException noUri) {
            return null;
        }
        return switch (uri.scheme()) {
            case "lvol", "bdev", "loopback" -> uri.path().substring(1);
            case "fault" -> uri.parameter("base");
            default -> null;
        };
    }
}
