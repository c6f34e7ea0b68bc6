package io.mizzen.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mizzen.util.OperationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
            device.stopDma();
            assertThat(command()).isEqualTo(MEMORY_SPACE);
            device.startDma();
        }
        assertThat(command()).isEqualTo(MEMORY_SPACE);
        assertThat(closes).hasValue(1);
    }

    @Test
    void aFunctionThatAnotherDriverHasMeanwhileIsLeftAlone() throws IOException {
        try (UioDevice device = open()) {
            device.startDma();
            assertThat(device.isPresent()).isTrue();
            Files.delete(function.resolve("driver"));
            Files.createSymbolicLink(function.resolve("driver"), root.resolve("bus/pci/drivers/nvme"));
            assertThat(device.isPresent()).isFalse();
            device.stopDma();
            assertThat(command()).isEqualTo(MEMORY_SPACE | BUS_MASTER);
        }
        assertThat(command()).isEqualTo(MEMORY_SPACE | BUS_MASTER);
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
