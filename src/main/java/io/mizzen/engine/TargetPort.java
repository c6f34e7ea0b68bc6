package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.util.Completion;
import java.util.List;

/** What the engine needs of the NVMe/TCP target. Control reactor, unless said otherwise. */
interface TargetPort {
    /** Listens. */
    void start(Completion<Void> done);

    /** Tells the hosts, drains their I/O, closes everything. */
    void stop(Completion<Void> done);

    /** Serves a bdev as namespace 1 of a subsystem of its own. */
    void publish(Publication publication, Bdev bdev, Completion<Void> done);

    /**
     * Says who may connect from now on; hosts that may not any more are disconnected.
     *
     * @param hosts NQNs; empty: any
     */
    void allow(String nqn, List<String> hosts);

    /** Disconnects the subsystem's hosts and removes it; the bdev is closed when this completes. */
    void unpublish(String nqn, Completion<Void> done);

    /**
     * Holds hosts' I/O back and completes when none is in flight; resumed before that, it fails. Connections and admin commands
     * go on.
     */
    void pause(String nqn, Completion<Void> done);

    /** Lets I/O go on. Of a subsystem that is gone or not paused: nothing happens. */
    void resume(String nqn);

    /** Closes the bdev of a paused publication; hosts wait and see no change until {@link #attach}. */
    void detach(String nqn, Completion<Void> done);

    /** Puts a bdev in the place of the one that was detached. When that fails, hosts see that it is gone. */
    void attach(String nqn, Bdev bdev, Completion<Void> done);

    /** Whether publications are still to come: until told that none is, hosts that ask for others are to try again. */
    void awaitShares(boolean more);

    List<ListenerView> listeners();

    List<ConnectionView> connections();

    List<HostView> hosts();

    /** Any thread, approximate. */
    MetricsView.TargetMetrics metrics();

    /**
     * A subsystem to be.
     *
     * @param hosts NQNs that may connect; empty: any
     * @param serial 20 characters
     * @param paused I/O waits from the first moment
     */
    record Publication(String nqn, String serial, java.util.UUID uuid, List<String> hosts, boolean paused) { }
}
