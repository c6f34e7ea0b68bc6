package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.ShareView;
import io.mizzen.engine.model.SubsystemView;
import io.mizzen.lvs.Lvol;
import io.mizzen.lvs.LvolBdev;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * What is served over NVMe/TCP: each nexus or replica as namespace 1 of a subsystem of its own, whose NQN, serial,
 * NGUID and namespace UUID follow from the object's UUID, so that hosts find the same device again after a restart.
 * Control reactor only.
 */
final class ShareService {
    static final int NAMESPACE_ID = 1;
    static final String MODEL = "Mizzen";
    /** The share's I/O goes on from the first moment. */
    static final long NOT_PAUSED = -1;
    private static final int NQN_BYTES_MAX = 223;
    private static final int SERIAL_CHARS = 20;
    private static final int HOSTS_MAX = 256;

    private final PlaneContext plane;
    private final TargetPort target;
    private final PauseService pauses;
    private final Map<UUID, Share> shares = new LinkedHashMap<>();

    /** @param target null when no address is configured */
    ShareService(PlaneContext plane, TargetPort target) {
        this.plane = plane;
        this.target = target;
        this.pauses = new PauseService(plane, target);
    }

    static void checkHosts(List<String> hosts) {
        if (hosts == null || hosts.isEmpty()) {
            throw OperationException.invalid("invalid-hosts", "allowedHosts must name the NQNs of the hosts that may connect, or the word '"
                    + ShareSpec.ANY_HOST + "'");
        }
        if (hosts.size() > HOSTS_MAX) {
            throw OperationException.invalid("invalid-hosts", "allowedHosts names more than " + HOSTS_MAX + " hosts");
        }
        if (hosts.equals(List.of(ShareSpec.ANY_HOST))) {
            return;
        }
        List<String> seen = new ArrayList<>();
        for (String host : hosts) {
            if (ShareSpec.ANY_HOST.equals(host)) {
                throw OperationException.invalid("invalid-hosts", "'" + ShareSpec.ANY_HOST + "' in allowedHosts must stand alone");
            }
            if (host == null || !host.matches("nqn\\.[0-9]{4}-[0-9]{2}\\.[^\\s]+")
                    || host.getBytes(StandardCharsets.UTF_8).length > NQN_BYTES_MAX) {
                throw OperationException.invalid("invalid-hosts", "'" + host + "' in allowedHosts is not an NQN (nqn.yyyy-mm.domain:name, up to "
                        + NQN_BYTES_MAX + " bytes)");
            }
            if (seen.contains(host)) {
                throw OperationException.invalid("invalid-hosts", "allowedHosts names " + host + " twice");
            }
            seen.add(host);
        }
    }

    /** Serves the bdev; one that is served already gets the new list of hosts. One whose bdev has gone since is served anew. */
    void share(ObjectKind kind, Bdev bdev, ShareSpec spec, Completion<ShareView> done) {
        share(kind, bdev, spec, NOT_PAUSED, done);
    }

    /**
     * The same, paused from the first moment.
     *
     * @param pausedMs for how long at most; 0: until it is resumed; {@link #NOT_PAUSED}
     */
    void share(ObjectKind kind, Bdev bdev, ShareSpec spec, long pausedMs, Completion<ShareView> done) {
        checkHosts(spec.allowedHosts());
        if (target == null) {
            throw OperationException.precondition("nvmf-off", "no address is configured for NVMe/TCP; set mizzen.nvmf.addresses");
        }
        UUID uuid = bdev.uuid();
        Share existing = shares.get(uuid);
        if (existing != null && isLost(bdev)) {
            serveAnew(existing, bdev, spec, pausedMs, done);
            return;
        }
        if (existing != null && !sameOrigin(existing.bdev, bdev)) {
            throw OperationException.precondition("replica-shared", "under the UUID " + uuid + " " + existing.bdev.name() + " is served, "
                    + "which is in another pool than " + bdev.name() + "; end that first (DELETE /v1/replicas/" + uuid + "/share)");
        }
        if (existing != null) {
            done.ok(view(allow(existing, List.copyOf(spec.allowedHosts()))));
            return;
        }
        Share share = new Share(kind, uuid, bdev, nqn(uuid), spec.allowedHosts());
        target.publish(publication(share, pausedMs != NOT_PAUSED), bdev, (nothing, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            shares.put(uuid, share);
            event(share, "share-created", bdev.name() + " is served as " + share.nqn + " to " + share.allowedHosts);
            if (pausedMs != NOT_PAUSED) {
                pauses.onPaused(share, pausedMs);
            }
            done.ok(view(share));
        });
    }

    private Share allow(Share share, List<String> hosts) {
        if (!share.allowedHosts.equals(hosts)) {
            share.allowedHosts = hosts;
            target.allow(share.nqn, publication(share, false).hosts());
            event(share, "share-changed", share.nqn + " is served to " + hosts + " from now on");
        }
        return share;
    }

    /** Holds hosts' I/O back; see {@link PauseService}. */
    void pause(UUID uuid, long forMs, Completion<Void> done) {
        Share share = shares.get(uuid);
        if (share == null) {
            throw OperationException.precondition("not-published", uuid + " is not served; there is nobody whose I/O could wait");
        }
        pauses.pause(share, forMs, done);
    }

    /** Lets hosts wait while what is served is closed: its I/O ends, then nobody has the bdev open. Not served: nothing happens. */
    void detach(UUID uuid, Completion<Void> done) {
        Share share = shares.get(uuid);
        if (share == null || share.detached) {
            done.ok(null);
            return;
        }
        share.pausedBefore = share.paused;
        share.pauseEndsBeforeMs = share.pauseEndsMs;
        pauses.pause(share, 0, (nothing, notPaused) -> {
            if (notPaused != null) {
                done.fail(notPaused);
                return;
            }
            target.detach(share.nqn, (none, failure) -> {
                share.detached = failure == null;
                if (failure != null) {
                    pauses.giveBack(share, (same, ignored) -> done.fail(failure));
                } else {
                    done.ok(null);
                }
            });
        });
    }

    /** What was closed is open again, as this bdev: hosts go on. Not served: nothing happens. */
    void attach(UUID uuid, Bdev bdev, Completion<Void> done) {
        attach(uuid, bdev, false, done);
    }

    /** What was detached is not closed after all: hosts go on, or go on waiting, as before. */
    void attachUnclosed(UUID uuid, Bdev bdev, Completion<Void> done) {
        attach(uuid, bdev, true, done);
    }

    private void attach(UUID uuid, Bdev bdev, boolean unclosed, Completion<Void> done) {
        Share share = shares.get(uuid);
        if (share == null || !share.detached) {
            done.ok(null);
            return;
        }
        target.attach(share.nqn, bdev, (nothing, failure) -> {
            share.detached = false;
            share.bdev = bdev;
            Completion<Void> resumed = (none, same) -> done.complete(null, failure);
            if (unclosed) {
                pauses.giveBack(share, resumed);
            } else {
                pauses.resume(share, "assembled", resumed);
            }
        });
    }

    /** A bdev that was gone is there again, as another one of the same UUID: its hosts come back to it. Never fails. */
    void serveAgain(Bdev bdev, Runnable then) {
        if (!isLost(bdev)) {
            then.run();
            return;
        }
        Share share = shares.get(bdev.uuid());
        serveAnew(share, bdev, new ShareSpec(share.allowedHosts), NOT_PAUSED, (view, failure) -> {
            if (failure != null) {
                plane.event(share.kind, share.uuid, bdev.name(), "share-not-served", bdev.name() + " is back and cannot be served: "
                        + failure.getMessage(), "nqn", share.nqn, "code", failure.code());
            }
            then.run();
        });
    }

    /** Whether hosts are promised what this bdev has, but the one that served it to them has gone. */
    boolean isLost(Bdev bdev) {
        Share share = shares.get(bdev.uuid());
        return share != null && share.bdev != bdev && share.bdev.isRemoved() && !share.detached && sameOrigin(share.bdev, bdev);
    }

    /** A replica of the same UUID in another pool holds other data. */
    private static boolean sameOrigin(Bdev served, Bdev bdev) {
        return !(served instanceof LvolBdev was && bdev instanceof LvolBdev is)
                || was.lvol().store().uuid().equals(is.lvol().store().uuid());
    }

    private void serveAnew(Share lost, Bdev bdev, ShareSpec spec, long pausedMs, Completion<ShareView> done) {
        unshare(lost.uuid, (nothing, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            try {
                share(lost.kind, bdev, spec, pausedMs, done);
            } catch (OperationException refused) {
                done.fail(refused);
            }
        });
    }

    /** Lets hosts' I/O go on; nothing happens where it does. */
    void resume(UUID uuid, Completion<Void> done) {
        Share share = shares.get(uuid);
        if (share == null) {
            done.ok(null);
        } else {
            pauses.resume(share, "requested", done);
        }
    }

    private void event(Share share, String kind, String message) {
        plane.event(share.kind, share.uuid, share.bdev.name(), kind, message, "nqn", share.nqn, "allowedHosts",
                String.join(",", share.allowedHosts));
    }

    void unshare(UUID uuid, Completion<Void> done) {
        Share share = shares.get(uuid);
        if (share == null) {
            done.ok(null);
            return;
        }
        target.unpublish(share.nqn, (nothing, failure) -> {
            if (failure == null) {
                shares.remove(uuid);
                pauses.forget(share);
                event(share, "share-removed", share.nqn + " is served no more");
            }
            done.complete(null, failure);
        });
    }

    /** Whether shares are still to be brought back. */
    void awaitShares(boolean more) {
        if (target != null) {
            target.awaitShares(more);
        }
    }

    /** How an object is served, or null. */
    ShareView find(UUID uuid) {
        Share share = shares.get(uuid);
        return share == null ? null : view(share);
    }

    /** The same for a replica: one of the same UUID in another pool is not served by that. */
    ShareView find(Lvol lvol) {
        Share share = shares.get(lvol.uuid());
        return share == null || share.bdev instanceof LvolBdev served && !served.lvol().store().uuid().equals(lvol.store().uuid())
                ? null : view(share);
    }

    List<SubsystemView> subsystems() {
        List<HostView> hosts = target == null ? List.of() : target.hosts();
        return shares.values().stream().map(share -> subsystem(share, hosts)).toList();
    }

    private SubsystemView subsystem(Share share, List<HostView> hosts) {
        Bdev bdev = share.bdev;
        return new SubsystemView(share.nqn, "nvme", share.kind, share.uuid.toString(), serial(share.uuid), MODEL,
                share.allowedHosts, List.of(new SubsystemView.SharedNamespaceView(NAMESPACE_ID, bdev.name(), share.uuid.toString(),
                HexFormat.of().formatHex(nguid(share.uuid)), bdev.blockSizeBytes(), bdev.sizeBytes(), bdev.isReadOnly())),
                target.listeners(), hosts.stream().filter(host -> host.subsystemNqn().equals(share.nqn)).toList());
    }

    private TargetPort.Publication publication(Share share, boolean paused) {
        boolean any = share.allowedHosts.equals(List.of(ShareSpec.ANY_HOST));
        return new TargetPort.Publication(share.nqn, serial(share.uuid), share.uuid,
                any ? List.of() : share.allowedHosts, paused);
    }

    /** NQNs of the hosts that are connected to what is shared under that UUID, each once. */
    List<String> hosts(UUID uuid) {
        Share share = shares.get(uuid);
        return share == null ? List.of() : target.hosts().stream().filter(host -> share.nqn.equals(host.subsystemNqn()))
                .map(HostView::hostNqn).distinct().toList();
    }

    private ShareView view(Share share) {
        return new ShareView(share.nqn, NAMESPACE_ID, HexFormat.of().formatHex(nguid(share.uuid)), serial(share.uuid),
                share.allowedHosts, target.listeners(), share.paused,
                share.pauseEndsMs == 0 ? null : Instant.ofEpochMilli(share.pauseEndsMs), share.bdev.isReadOnly());
    }

    String nqn(UUID uuid) {
        return plane.config().nvmf().nqnPrefix() + ":" + uuid;
    }

    static String serial(UUID uuid) {
        return uuid.toString().replace("-", "").substring(32 - SERIAL_CHARS).toUpperCase(java.util.Locale.ROOT);
    }

    static byte[] nguid(UUID uuid) {
        return ByteBuffer.allocate(16).putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits()).array();
    }
}
