package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.StopReport;
import io.mizzen.nvme.pcie.SimulatedDrive;
import io.mizzen.pci.FakePci;
import io.mizzen.util.ErrorKind;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Controllers that the engine drives, and which functions that keeps where they are, with a simulated drive. */
class NvmeControllersTest {
    private static final String DRIVE = SimulatedDrive.ADDRESS;
    private static final String BDEV = DRIVE + "n1";
    private static final BdevSpec SPEC = new BdevSpec("pcie:///" + DRIVE);
    private static final DeviceSpec VFIO = new DeviceSpec("vfio-pci", List.of("any"), null);

    @TempDir
    private Path root;
    private PlainPlatform machine;
    private final SimulatedDrive drive = new SimulatedDrive();

    @BeforeEach
    void machine() {
        FakePci pci = new FakePci(root).driver("nvme").driver("vfio-pci").function(DRIVE, "0x010802", "nvme", 3, "identity")
                .controller(DRIVE, "nvme0");
        machine = new PlainPlatform(1, pci.sysfs(), new FakeDisks(root).disks()).opening(drive::opener);
    }

    @AfterEach
    void end() throws InterruptedException {
        drive.close();
    }

    private DeviceView device(EngineHarness h) {
        return h.get(h.engine.device(DRIVE));
    }

    @Test
    void aFunctionIsHeldWhileItsControllerOpensAndRuns() {
        drive.readyTakes(300_000_000);
        try (EngineHarness h = new EngineHarness(machine, EngineHarness.config())) {
            h.get(h.engine.bindDevice(DRIVE, VFIO));
            CompletableFuture<BdevView> opened = h.engine.createBdev(SPEC);
            DeviceView opening = device(h);
            if (!opened.isDone()) {
                assertThat(opening.reason()).isEqualTo("this engine opens its controller");
            }
            h.get(opened);
            assertThat(device(h).reason()).contains("this engine uses it: bdev " + BDEV);
            h.refused(ErrorKind.FAILED_PRECONDITION, "device-in-use", h.engine.unbindDevice(DRIVE), BDEV);
            h.get(h.engine.destroyBdev(BDEV));
        }
        assertThat(drive.reachesMemory()).isFalse();
    }

    @Test
    void aFunctionWhoseControllerIsBeingShutDownIsGivenBackAfterwards() {
        drive.shutdownTakes(-1);
        try (EngineHarness h = new EngineHarness(machine, EngineHarness.config())) {
            h.get(h.engine.bindDevice(DRIVE, VFIO));
            h.get(h.engine.createBdev(SPEC));
            CompletableFuture<Void> destroyed = h.engine.destroyBdev(BDEV);
            assertThat(device(h).reason()).isEqualTo("this engine shuts its controller down");
            CompletableFuture<DeviceView> unbound = h.engine.unbindDevice(DRIVE);
            assertThat(destroyed).isNotDone();
            assertThat(unbound).isNotDone();
            drive.endShutdown();
            h.get(destroyed);
            assertThat(h.get(unbound).driver()).isEqualTo("nvme");
            assertThat(device(h).reason()).isNull();
            assertThat(h.engine.events(0, 100).events()).extracting(EventView::kind).containsSubsequence("nvme-closed", "device-unbound");
        }
    }

    @Test
    void aDriveThatTheStopDidNotWaitForReachesNoMemoryWhenThatIsReleased() {
        drive.shutdownTakes(-1);
        EngineHarness h = new EngineHarness(machine, EngineHarness.config());
        h.get(h.engine.createBdev(SPEC));
        StopReport report = h.engine.stop(4_000_000_000L);
        assertThat(report.clean()).as(report.toString()).isFalse();
        assertThat(drive.reachesMemory()).isFalse();
        assertThat(machine.isReleased()).isTrue();
    }

    @Test
    void theMemoryThatADriveMayStillReachIsNotReleased() {
        EngineHarness h = new EngineHarness(machine, EngineHarness.config());
        h.get(h.engine.createBdev(SPEC));
        drive.ignoreStops();
        StopReport report = h.engine.stop(10_000_000_000L);
        assertThat(report.clean()).isFalse();
        assertThat(report.toString()).contains("may still write to the engine's memory");
        assertThat(drive.reachesMemory()).isTrue();
        assertThat(machine.isReleased()).isFalse();
        machine.release();
    }
}
