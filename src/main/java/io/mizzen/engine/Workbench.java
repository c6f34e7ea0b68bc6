package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.Descriptor;
import io.mizzen.engine.model.StopReport;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A started engine with its inside in reach: for programs that drive bdevs through descriptor and channel on the
 * reactors themselves, such as the load generator. Not for the control plane. Any thread that is not a reactor.
 */
public final class Workbench {
    private final DataPlane engine;
    private final Plane plane;

    /** What runs on the control reactor; completes once. */
    @FunctionalInterface
    public interface Body<T> {
        void run(Completion<T> done);
    }

    private Workbench(DataPlane engine) {
        this.engine = engine;
        this.plane = engine.plane();
    }

    /**
     * Starts an engine; {@link #stop} ends it.
     *
     * @throws OperationException as {@link Engine#create} and {@link Engine#start}
     */
    public static Workbench start(EngineConfig config) {
        DataPlane engine = (DataPlane) Engine.create(config);
        engine.start();
        return new Workbench(engine);
    }

    /** For everything that commands do: bdevs, pools, replicas, nexuses. */
    public Engine engine() {
        return engine;
    }

    /** The reactors, the control reactor first. */
    public List<Reactor> reactors() {
        return plane.reactors.all();
    }

    /** The engine's memory. */
    public List<DmaRegion> regions() {
        return plane.memory.regions();
    }

    /** Memory for I/O buffers, on the core's NUMA node where that has some; it goes with the engine. */
    public DmaMemory.Block allocate(long sizeBytes, int core) {
        return plane.memory.allocate(sizeBytes, plane.platform.numaNode(core));
    }

    /**
     * Opens the bdev of a name. Control reactor ({@link #onControl}); close the descriptor there too.
     *
     * @throws OperationException NOT_FOUND, or FAILED_PRECONDITION when it is in use
     */
    public Descriptor open(String name, String owner, boolean writable, Descriptor.Listener listener) {
        return plane.registry.open(plane.registry.get(name), owner, writable, listener);
    }

    /** Fails if the disk carries the signature of a partition table, file system or pool. Control reactor. */
    public void checkUnsigned(Bdev bdev, Completion<Void> done) {
        SignatureCheck.run(plane.context, bdev, List.of(), done);
    }

    /**
     * Runs the body on the control reactor and waits.
     *
     * @throws OperationException the body's, or TIMEOUT
     */
    public <T> T onControl(String name, long timeoutSeconds, Body<T> body) {
        return PlaneCall.on(plane.control(), name, TimeUnit.SECONDS.toNanos(timeoutSeconds), body::run);
    }

    /** The ordered stop. */
    public StopReport stop() {
        return engine.stop(engine.config().shutdownDeadlineNs());
    }
}
