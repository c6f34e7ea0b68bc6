package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.FaultView;
import io.mizzen.engine.model.Outcome;
import java.util.List;

/** Block devices that were created by request, and faults on those that inject them. */
public final class BdevService {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;

    BdevService(Engine engine, EngineCalls calls, DesiredState state) {
        this.engine = engine;
        this.calls = calls;
        this.state = state;
    }

    public List<BdevView> list() {
        return calls.await(engine.bdevs());
    }

    public BdevView get(String name) {
        return calls.await(engine.bdev(name));
    }

    public List<BdevView.ChannelView> channels(String name) {
        return calls.await(engine.bdevChannels(name));
    }

    /** The same URI again finds the bdev that is there. */
    public Outcome<BdevView> create(BdevSpec spec) {
        boolean existed = list().stream().anyMatch(bdev -> spec.uri().equals(bdev.uri()));
        BdevView view = calls.await(state.storing(engine.createBdev(spec), bdev ->
            state.put(StateKind.BDEV, bdev.name(), new DesiredState.StoredBdev(spec.uri()))));
        return new Outcome<>(view, !existed);
    }

    public void destroy(String name) {
        String key = list().stream().filter(bdev -> name.equals(bdev.name()) || name.equals(bdev.uuid())
            || bdev.aliases().contains(name)).map(BdevView::name).findFirst().orElse(name);
        state.locked(key, () -> calls.await(state.removing(engine.destroyBdev(key), StateKind.BDEV, key)));
    }

    public BdevView rescan(String name) {
        return calls.await(engine.rescanBdev(name));
    }

    public List<FaultView> faults(String bdev) {
        return calls.await(engine.faults(bdev));
    }

    public Outcome<FaultView> putFault(String bdev, FaultSpec spec) {
        boolean existed = faults(bdev).stream().anyMatch(fault -> fault.spec().id().equals(spec.id()));
        FaultView view = calls.await(engine.putFault(bdev, spec));
        return new Outcome<>(view, !existed);
    }

    public void deleteFault(String bdev, String id) {
        calls.await(engine.deleteFault(bdev, id));
    }
}
