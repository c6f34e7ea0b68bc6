package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The machine's devices. What was taken from the kernel is taken again after a restart of the machine. */
public final class DeviceService {
    private static final Pattern PCI_ADDRESS = Pattern.compile("([0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]");
    private static final int SHORT_CHARS = "01:00.0".length();

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
    public DeviceView bind(String anyForm, String driver, List<String> accept) {
        String address = fullAddress(anyForm);
        return state.locked(address, () -> {
            String serial = serialOf(address);
            return calls.await(state.storing(engine.bindDevice(address, new DeviceSpec(driver, accept, null)), device ->
                state.put(StateKind.DEVICE, device.address(), new DesiredState.StoredDevice(device.address(), driver, accept,
                    serial != null ? serial : storedSerial(device.address())))));
        });
    }

    /** Of what is not there: null. What is wrong with the address is for the engine to say, as it does of {@link #unbind}. */
    private String serialOf(String address) {
        try {
            return get(address).serial();
        } catch (OperationException e) {
            if (e.kind() == ErrorKind.NOT_FOUND) {
                return null;
            }
            throw e;
        }
    }

    /** A PCI address in the form under which its drive is kept, with the domain and in lower case; other names as they are. */
    static String fullAddress(String address) {
        String lower = address.toLowerCase(Locale.ROOT);
        if (!PCI_ADDRESS.matcher(lower).matches()) {
            return address;
        }
        return lower.length() == SHORT_CHARS ? "0000:" + lower : lower;
    }

    private String storedSerial(String address) {
        return state.find(StateKind.DEVICE, address, DesiredState.StoredDevice.class)
            .map(DesiredState.StoredDevice::serial).orElse(null);
    }

    /** Gives it back; one that is gone for good is forgotten. */
    public void unbind(String anyForm) {
        String address = fullAddress(anyForm);
        state.locked(address, () -> calls.await(state.removing(engine.unbindDevice(address), StateKind.DEVICE, address)));
    }
}
