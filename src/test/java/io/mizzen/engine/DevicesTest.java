package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.EventView;
import io.mizzen.pci.FakePci;
import io.mizzen.util.ErrorKind;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices through the engine's facade, on a machine that is a directory. */
class DevicesTest {
    private static final String DRIVE = "0000:01:00.0";
    private static final DeviceSpec VFIO = new DeviceSpec("vfio-pci", List.of(), null);

    @TempDir
    private Path root;
    private PlainPlatform machine;

    @BeforeEach
    void machine() {
        FakePci pci = new FakePci(root).driver("nvme").driver("vfio-pci").driver("e1000")
                .function(DRIVE, "0x010802", "nvme", 3, "identity").function("0000:02:00.0", "0x020000", "e1000", 4, "identity")
                .controller(DRIVE, "nvme0");
        FakeDisks disks = new FakeDisks(root).disk("nvme0n1", "259:0", 64).namespaceOf("nvme0", "nvme0n1")
                .disk("sda", "8:0", 2);
        machine = new PlainPlatform(1, pci.sysfs(), disks.disks());
    }

    private EngineHarness start() {
        return new EngineHarness(machine, EngineHarness.config());
    }

    @Test
    void aDriveIsTakenAndGivenBackAndEachChangeIsAnEvent() {
        try (EngineHarness h = start()) {
            assertThat(h.get(h.engine.devices())).extracting(DeviceView::address).containsExactly(DRIVE, "sda");
            assertThat(h.get(h.engine.bindDevice("01:00.0", VFIO)).driver()).isEqualTo("vfio-pci");
            assertThat(h.get(h.engine.device(DRIVE)).driverOverride()).isEqualTo("vfio-pci");
            assertThat(h.get(h.engine.unbindDevice(DRIVE)).driver()).isEqualTo("nvme");
            assertThat(h.engine.events(0, 100).events()).extracting(EventView::kind).contains("device-bound", "device-unbound");
            assertThat(h.get(h.engine.nvmeControllers())).isEmpty();
        }
    }

    @Test
    void whatIsNoDriveOrNotNamedWellIsRefused() {
        try (EngineHarness h = start()) {
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-pci-address", h.engine.bindDevice("sda", VFIO), "0000:01:00.0");
            h.refused(ErrorKind.INVALID_ARGUMENT, "not-nvme", h.engine.bindDevice("0000:02:00.0", VFIO));
            h.refused(ErrorKind.INVALID_ARGUMENT, "unknown-driver", h.engine.bindDevice(DRIVE,
                    new DeviceSpec("nvme", List.of(), null)), "vfio-pci");
            h.refused(ErrorKind.NOT_FOUND, "pci-device-not-found", h.engine.unbindDevice("0000:09:00.0"));
            h.refused(ErrorKind.NOT_FOUND, "device-not-found", h.engine.device("sdb"));
        }
    }

    @Test
    void aBdevOnADriveOfTheKernelsOrOnNoneIsRefusedWithWhatToDo() {
        try (EngineHarness h = start()) {
            h.refused(ErrorKind.FAILED_PRECONDITION, "device-not-bound", h.engine.createBdev(new BdevSpec("pcie:///" + DRIVE)),
                    "driver nvme", "POST /v1/devices/" + DRIVE + "/bind");
            h.refused(ErrorKind.FAILED_PRECONDITION, "device-not-bound", h.engine.createBdev(new BdevSpec("pci:///" + DRIVE)));
            h.refused(ErrorKind.NOT_FOUND, "pci-device-not-found", h.engine.createBdev(new BdevSpec("pcie:///0000:09:00.0")));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-pci-address", h.engine.createBdev(new BdevSpec("pcie:///nvme0")));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-uri", h.engine.createBdev(new BdevSpec("pcie:///" + DRIVE + "?ns=0")), "ns");
            h.get(h.engine.bindDevice(DRIVE, VFIO));
            h.refused(ErrorKind.FAILED_PRECONDITION, "no-vfio", h.engine.createBdev(new BdevSpec("pcie:///" + DRIVE)), "/dev/vfio");
            assertThat(h.get(h.engine.bdevs())).isEmpty();
        }
    }
}
