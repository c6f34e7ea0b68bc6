package io.mizzen.engine;

import io.mizzen.util.OperationException;

/** What the words mean that name children of nexuses, also where the bdev is not there. Any thread. */
public final class ChildNames {
    private static final int DEPTH_MAX = 8;

    private ChildNames() {
    }

    /**
     * Whether a child's URI or name leads to a replica: as such, by the name of its bdev, or through one that injects faults.
     *
     * @param pool name of the replica's pool
     */
    public static boolean leadTo(String child, String pool, String name, String uuid) {
        String at = child;
        for (int depth = 0; depth < DEPTH_MAX && at != null; depth++) {
            if (!BdevUri.isUri(at)) {
                return at.equals(uuid) || at.equals(pool + "/" + name);
            }
            at = below(at);
        }
        return false;
    }

    /** Whether what two URIs or names stand for is one bdev, or stands on one. */
    public static boolean meet(String one, String other) {
        for (String at = one; at != null; at = BdevUri.isUri(at) ? below(at) : null) {
            String identity = identity(at);
            for (String below = other; below != null; below = BdevUri.isUri(below) ? below(below) : null) {
                if (identity.equals(identity(below))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static String identity(String uriOrName) {
        try {
            return BdevUri.identity(uriOrName);
        } catch (OperationException noUri) {
            return uriOrName;
        }
    }

    /** What the URI stands for, or stands on; null: a bdev of its own. */
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
