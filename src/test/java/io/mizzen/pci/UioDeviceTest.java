package io.mizzen.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a device under uio_pci_generic is told by its command register, in a tree of ordinary files. */
class UioDeviceTest {
    private static final PciAddress DRIVE = PciAddress.parse("0000:02:00.0");
    private static final int MEMORY_SPACE = 2;
    private static final int BUS_MASTER = 4;

    @TempDir
    private Path root;
    private Path function;
    private PciSysfs sysfs;
    private final AtomicInteger closes = new AtomicInteger();

    @BeforeEach
    void machine() throws IOException {
        sysfs = new FakePci(root).driver("nvme").driver("uio_pci_generic")
                .function(DRIVE.text(), "0x010802", "uio_pci_generic", -1, null).sysfs();
        function = sysfs.device(DRIVE);
        Files.createDirectories(function.resolve("uio/uio0"));
        Files.write(function.resolve("config"), new byte[256]);
        Files.write(function.resolve("resource0"), new byte[16 << 10]);
        Files.createDirectories(root.resolve("dev"));
        Files.createFile(root.resolve("dev/uio0"));
    }

    private UioDevice open() {
        return UioDevice.open(sysfs, sysfs.get(DRIVE), null, closes::incrementAndGet);
    }

    private int command() throws IOException {
        return Files.readAllBytes(function.resolve("config"))[4] & (MEMORY_SPACE | BUS_MASTER);
    }

    @Test
    void itReachesMemoryFromTheWordOfTheDriverOnAndNotByBeingOpened() throws IOException {
        byte[] leftRunning = new byte[256];
        leftRunning[4] = BUS_MASTER;
        Files.write(function.resolve("config"), leftRunning);
        try (UioDevice device = open()) {
            assertThat(command()).isEqualTo(MEMORY_SPACE);
            device.startDma();
            assertThat(command()).isEqualTo(MEMORY_SPACE | BUS_MASTER);
            assertThat(device.stopDma()).isTrue();
            assertThat(command()).isEqualTo(MEMORY_SPACE);
            device.startDma();
        }
        assertThat(command()).isEqualTo(MEMORY_SPACE);
        assertThat(closes).hasValue(1);
    }

    /** A reactor looks four times a second. */
    @Test
    void lookingWhetherItIsThereMakesNoObject() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (UioDevice device = open()) {
            assertThat(Patience.leastAllocated(0, () -> {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 2_000; i++) {
                    if (!device.isPresent()) {
                        throw new AssertionError("it is there");
                    }
                }
                return threads.getCurrentThreadAllocatedBytes() - before;
            })).isZero();
        }
    }

    @Test
    void aFunctionThatAnotherDriverHasMeanwhileIsLeftAlone() throws IOException {
        try (UioDevice device = open()) {
            device.startDma();
            assertThat(device.isPresent()).isTrue();
            Files.delete(function.resolve("driver").resolve(function.getFileName().toString()));
            Files.delete(function.resolve("driver"));
            Files.createSymbolicLink(function.resolve("driver"), root.resolve("bus/pci/drivers/nvme"));
            assertThat(device.isPresent()).isFalse();
            assertThat(device.stopDma()).as("nobody knows what it does there").isFalse();
            assertThat(command()).isEqualTo(MEMORY_SPACE | BUS_MASTER);
        }
        assertThat(command()).isEqualTo(MEMORY_SPACE | BUS_MASTER);
    }

    @Test
    void whatTheDeviceDoesWhoseConfigurationSpaceTakesNoWriteIsNotKnown() throws IOException {
        try (UioDevice device = open()) {
            device.startDma();
            Files.write(function.resolve("config"), new byte[0]);       // Neither read nor written back as it was.
            assertThat(device.stopDma()).isFalse();
            byte[] gone = new byte[256];
            Arrays.fill(gone, (byte) 0xFF);
            Files.write(function.resolve("config"), gone);
            assertThat(device.stopDma()).as("all ones: it is pulled out").isTrue();
        }
    }

    @Test
    void aFunctionWithoutADriverIsStillCutOff() throws IOException {
        try (UioDevice device = open()) {
            device.startDma();
            Files.delete(function.resolve("driver"));
            assertThat(device.stopDma()).isTrue();
            assertThat(command()).isEqualTo(MEMORY_SPACE);
        }
    }

    @Test
    void theWireIsLetThroughWhenAskedForAndOffAtTheEnd() throws IOException {
        try (UioDevice device = open()) {
            assertThat(device.wireFd()).as("no interrupt pin").isEqualTo(-1);
        }
        byte[] wired = new byte[256];
        wired[0x3D] = 1;
        Files.write(function.resolve("config"), wired);
        try (UioDevice device = open()) {
            assertThat(device.wireFd()).as("no interrupt number").isEqualTo(-1);
        }
        Files.writeString(function.resolve("irq"), "11\n");
        try (UioDevice device = open()) {
            assertThat(device.wireFd()).isNotNegative();
            assertThat(wireIsOff()).isTrue();
            device.enableWire();
            assertThat(wireIsOff()).isFalse();
        }
        assertThat(wireIsOff()).isTrue();
    }

    private boolean wireIsOff() throws IOException {
        return (Files.readAllBytes(function.resolve("config"))[5] & 4) != 0;
    }

    @Test
    void anEngineThatComesSecondIsRefusedBeforeItTouchesTheDeviceFile() throws IOException {
        try (UioDevice device = open()) {
            device.startDma();
            Files.delete(root.resolve("dev/uio0"));
            assertThatThrownBy(this::open).isInstanceOfSatisfying(OperationException.class,
                    failure -> assertThat(failure.code()).isEqualTo("device-in-use"));
            assertThat(command()).isEqualTo(MEMORY_SPACE | BUS_MASTER);
            assertThatThrownBy(this::open).as("what the refused one opened held no lock").hasMessageContaining("driven already");
            Files.createFile(root.resolve("dev/uio0"));
        }
        open().close();
    }
}
