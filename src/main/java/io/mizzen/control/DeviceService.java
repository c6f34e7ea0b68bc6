package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import java.util.List;

/** The machine's devices. What was taken from the kernel is taken again after a restart of the machine. */
public final class DeviceService {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;

    DeviceService(Engine engine, EngineCalls calls, DesiredState state) {
        this.engine = engine;
        this.calls = calls;
        this.state = state;
    }

    public List<DeviceView> list() {
        return calls.await(engine.devices());
    }

    public DeviceView get(String address) {
        return calls.await(engine.device(address));
    }

    /** Takes an NVMe controller from the kernel; its serial number is kept, so that no other drive is ever taken for it. */
    public DeviceView bind(String address, String driver, List<String> accept) {
        DeviceView before = get(address);
        return calls.await(state.storing(engine.bindDevice(address, new DeviceSpec(driver, accept, null)), device ->
            state.put(StateKind.DEVICE, device.address(), new DesiredState.StoredDevice(device.address(), driver, accept,
                before.serial() != null ? before.serial() : storedSerial(device.address())))));
    }

    private String storedSerial(String address) {
        return state.find(StateKind.DEVICE, address, DesiredState.StoredDevice.class)
            .map(DesiredState.StoredDevice::serial).orElse(null);
    }

    /** Gives it back; one that is gone for good is forgotten. */
    public void unbind(String address) {
        state.locked(address, () -> calls.await(state.removing(engine.unbindDevice(address), StateKind.DEVICE, address)));
    }
}
