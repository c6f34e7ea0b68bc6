package io.mizzen.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mizzen.ffi.Errno;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PciBindingTest {
    private static final String NVME = "0x010802";
    private static final PciAddress DRIVE = PciAddress.parse("0000:01:00.0");
    private static final PciAddress BARE = PciAddress.parse("0000:02:00.0");
    private static final PciAddress CARD = PciAddress.parse("0000:03:00.0");

    @TempDir
    private Path root;
    private FakePci kernel;
    private PciSysfs sysfs;
    private PciBinding binding;

    @BeforeEach
    void machine() {
        kernel = new FakePci(root).driver("nvme").driver("vfio-pci").driver("uio_pci_generic").driver("e1000")
                .function(DRIVE.text(), NVME, "nvme", 7, "DMA-FQ").function(BARE.text(), NVME, "nvme", -1, null)
                .function(CARD.text(), "0x020000", "e1000", 8, "DMA-FQ");
        sysfs = kernel.sysfs();
        binding = new PciBinding(sysfs);
    }

    private void assertFails(String code, ErrorKind kind, String advice, Runnable action) {
        assertThatThrownBy(action::run).isInstanceOfSatisfying(OperationException.class, failure -> {
            assertThat(failure.code()).isEqualTo(code);
            assertThat(failure.kind()).isEqualTo(kind);
            assertThat(failure).hasMessageContaining(advice);
        });
    }

    @Test
    void nvmeFunctionsAreListedByTheirClass() {
        assertThat(sysfs.nvmeFunctions()).extracting(PciFunction::address).containsExactly(DRIVE, BARE);
        assertThat(sysfs.get(DRIVE)).isEqualTo(new PciFunction(DRIVE, 0x1b36, 0x10, 0x010802, "nvme", null, 7, "DMA-FQ", -1));
    }

    @Test
    void memoryOfFunctionsOnTheBusIsKnown() {
        assertThat(sysfs.busMemory()).hasSize(3).containsOnly(new IovaAllotment.Range(0xFE00_0000L, 0xFE00_3FFFL));
    }

    @Test
    void aDriveGoesToVfioAndBackAndStaysWhereItIsWhenAskedAgain() {
        assertThat(binding.bind(DRIVE, PciDriver.VFIO_PCI).driver()).isEqualTo("vfio-pci");
        assertThat(sysfs.get(DRIVE).driverOverride()).isEqualTo("vfio-pci");
        assertThat(binding.bind(DRIVE, PciDriver.VFIO_PCI).driver()).isEqualTo("vfio-pci");
        assertThat(binding.unbind(DRIVE).driver()).isEqualTo("nvme");
        assertThat(sysfs.get(DRIVE).driverOverride()).isNull();
        assertThat(binding.unbind(DRIVE).driver()).isEqualTo("nvme");
    }

    @Test
    void withoutAnIommuTheErrorNamesUioWhichWorks() {
        assertFails("no-iommu", ErrorKind.FAILED_PRECONDITION, "uio_pci_generic", () -> binding.bind(BARE, PciDriver.VFIO_PCI));
        assertThat(sysfs.get(BARE).driver()).isEqualTo("nvme");
        assertThat(binding.bind(BARE, PciDriver.UIO_PCI_GENERIC).driver()).isEqualTo("uio_pci_generic");
    }

    @Test
    void behindATranslatingIommuUioIsRefusedAndVfioNamed() {
        assertFails("iommu-translates", ErrorKind.FAILED_PRECONDITION, "use vfio-pci",
                () -> binding.bind(DRIVE, PciDriver.UIO_PCI_GENERIC));
        kernel.function("0000:04:00.0", NVME, "nvme", 9, "identity");
        assertThat(binding.bind(PciAddress.parse("04:00.0"), PciDriver.UIO_PCI_GENERIC).driver()).isEqualTo("uio_pci_generic");
    }

    @Test
    void whateverIsNotNvmeOrNotThereIsRefused() {
        assertFails("not-nvme", ErrorKind.INVALID_ARGUMENT, "020000", () -> binding.bind(CARD, PciDriver.VFIO_PCI));
        assertFails("not-nvme", ErrorKind.INVALID_ARGUMENT, "020000", () -> binding.unbind(CARD));
        assertFails("pci-device-not-found", ErrorKind.NOT_FOUND, "lspci",
                () -> binding.bind(PciAddress.parse("0000:09:00.0"), PciDriver.VFIO_PCI));
    }

    @Test
    void aGroupSharedWithAnotherKindOfDeviceIsRefusedAndADriveInItIsNot() {
        kernel.function("0000:05:00.0", NVME, "nvme", 8, "DMA-FQ");
        assertFails("iommu-group-shared", ErrorKind.FAILED_PRECONDITION, "0000:03:00.0 (driver e1000)",
                () -> binding.bind(PciAddress.parse("0000:05:00.0"), PciDriver.VFIO_PCI));
        kernel.function("0000:01:00.1", NVME, "nvme", 7, "DMA-FQ");
        assertThat(binding.bind(DRIVE, PciDriver.VFIO_PCI).driver()).isEqualTo("vfio-pci");
        assertThat(sysfs.hinderersOf(sysfs.get(DRIVE))).extracting(PciFunction::address)
                .containsExactly(PciAddress.parse("0000:01:00.1"));
    }

    @Test
    void aDriverThatIsNotLoadedIsNamedWithTheCommand(@TempDir Path other) {
        FakePci bare = new FakePci(other).driver("nvme").function(DRIVE.text(), NVME, "nvme", 7, "DMA-FQ");
        assertFails("driver-not-loaded", ErrorKind.FAILED_PRECONDITION, "modprobe vfio-pci",
                () -> new PciBinding(bare.sysfs()).bind(DRIVE, PciDriver.VFIO_PCI));
    }

    @Test
    void missingRightsAreSaidAndNothingChanges() {
        kernel.readOnly();
        assertFails("missing-rights", ErrorKind.FAILED_PRECONDITION, "root", () -> binding.bind(DRIVE, PciDriver.VFIO_PCI));
        assertThat(sysfs.get(DRIVE).driver()).isEqualTo("nvme");
    }

    @Test
    void aDriverThatRefusesLeavesTheDriveWithTheKernel(@TempDir Path other) {
        FakePci machine = new FakePci(other).driver("nvme").refusingDriver("vfio-pci")
                .function(DRIVE.text(), NVME, "nvme", 7, "DMA-FQ");
        assertFails("driver-refused", ErrorKind.FAILED_PRECONDITION, "with driver nvme again",
                () -> new PciBinding(machine.sysfs()).bind(DRIVE, PciDriver.VFIO_PCI));
        assertThat(machine.sysfs().get(DRIVE).driver()).isEqualTo("nvme");
        assertThat(machine.sysfs().get(DRIVE).driverOverride()).isNull();
    }

    @Test
    void aDriveThatIsNotGivenBackEitherTellsOfBoth(@TempDir Path other) {
        FakePci machine = new FakePci(other).driver("nvme").refusingDriver("vfio-pci")
                .function(DRIVE.text(), NVME, "nvme", 7, "DMA-FQ").refusingDriver("nvme");
        for (String part : List.of("vfio-pci did not take " + DRIVE, "Invalid argument of vfio-pci", "not given back to driver nvme",
                "Invalid argument of nvme", "/unbind")) {
            assertFails("driver-refused", ErrorKind.FAILED_PRECONDITION, part,
                    () -> new PciBinding(machine.sysfs()).bind(DRIVE, PciDriver.VFIO_PCI));
            assertThat(machine.sysfs().get(DRIVE).driver()).isNull();
            machine.attach(DRIVE.text());
        }
    }

    @Test
    void whereverTheProcessDiesTheNextOneBindsOrGivesBack(@TempDir Path parent) {
        for (boolean back : List.of(false, true)) {
            for (int writes = 0; writes < 3; writes++) {
                FakePci machine = new FakePci(parent.resolve(back + "-" + writes)).driver("nvme").driver("vfio-pci")
                        .function(DRIVE.text(), NVME, "nvme", 7, "DMA-FQ");
                PciBinding dying = new PciBinding(machine.sysfs());
                if (back) {
                    dying.bind(DRIVE, PciDriver.VFIO_PCI);
                }
                machine.dieAfterWrites(writes);
                assertThatThrownBy(() -> change(dying, back)).isInstanceOf(UncheckedIOException.class);
                PciBinding next = new PciBinding(machine.sysfs());
                assertThat(next.bind(DRIVE, PciDriver.VFIO_PCI).driver()).isEqualTo("vfio-pci");
                assertThat(machine.sysfs().get(DRIVE).driverOverride()).isEqualTo("vfio-pci");
                assertThat(next.unbind(DRIVE).driver()).isEqualTo("nvme");
                assertThat(machine.sysfs().get(DRIVE).driverOverride()).isNull();
            }
        }
    }

    private static void change(PciBinding binding, boolean back) {
        if (back) {
            binding.unbind(DRIVE);
        } else {
            binding.bind(DRIVE, PciDriver.VFIO_PCI);
        }
    }

    @Test
    void aDriveThatAProcessDrivesThroughVfioStays() {
        binding.bind(DRIVE, PciDriver.VFIO_PCI);
        PciBinding other = new PciBinding(sysfs, path -> path.equals(root.resolve("dev/vfio/7")) ? -Errno.EBUSY : -Errno.ENOENT);
        assertFails("device-in-use", ErrorKind.FAILED_PRECONDITION, "stop it first", () -> other.unbind(DRIVE));
        assertThat(sysfs.get(DRIVE).driver()).isEqualTo("vfio-pci");
        assertThat(sysfs.get(DRIVE).driverOverride()).isEqualTo("vfio-pci");
        assertThat(binding.unbind(DRIVE).driver()).isEqualTo("nvme");
    }

    @Test
    void aDriveThatAProcessDrivesThroughUioStays() throws IOException {
        binding.bind(BARE, PciDriver.UIO_PCI_GENERIC);
        Path config = sysfs.device(BARE).resolve("config");
        try (FileChannel file = FileChannel.open(config, StandardOpenOption.WRITE); FileLock lock = file.lock()) {
            assertThat(lock.isValid()).isTrue();
            assertFails("device-in-use", ErrorKind.FAILED_PRECONDITION, "is locked", () -> binding.unbind(BARE));
            assertThat(sysfs.get(BARE).driver()).isEqualTo("uio_pci_generic");
        }
        assertThat(binding.unbind(BARE).driver()).isEqualTo("nvme");
    }

    @Test
    void aDriveThatIsBusMasterWithUioIsDrivenByAProgramThatLocksNothing() throws IOException {
        binding.bind(BARE, PciDriver.UIO_PCI_GENERIC);
        byte[] config = new byte[64];
        config[4] = 1 << 2;
        Files.write(sysfs.device(BARE).resolve("config"), config);
        assertFails("device-in-use", ErrorKind.FAILED_PRECONDITION, "bus master", () -> binding.unbind(BARE));
        assertThat(sysfs.get(BARE).driver()).isEqualTo("uio_pci_generic");
    }

    @Test
    void aDriveOfWhichNobodyCanTellWhetherItIsDrivenStays() throws IOException {
        binding.bind(DRIVE, PciDriver.VFIO_PCI);
        binding.bind(BARE, PciDriver.UIO_PCI_GENERIC);
        Files.delete(root.resolve("dev/vfio/7"));
        Files.delete(sysfs.device(BARE).resolve("config"));
        assertFails("device-use-unknown", ErrorKind.FAILED_PRECONDITION, "--device /dev/vfio", () -> binding.unbind(DRIVE));
        assertFails("device-use-unknown", ErrorKind.FAILED_PRECONDITION, "config", () -> binding.unbind(BARE));
        assertThat(sysfs.get(DRIVE).driverOverride()).isEqualTo("vfio-pci");
        assertThat(sysfs.get(BARE).driver()).isEqualTo("uio_pci_generic");
        Files.createFile(root.resolve("dev/vfio/noiommu-7"));
        assertThat(binding.unbind(DRIVE).driver()).isEqualTo("nvme");
    }

    @Test
    void addressesAreReadWithAndWithoutDomain() {
        assertThat(PciAddress.parse("01:00.0")).isEqualTo(DRIVE);
        assertThat(PciAddress.parse("0000:0A:1F.7").text()).isEqualTo("0000:0a:1f.7");
        assertFails("invalid-pci-address", ErrorKind.INVALID_ARGUMENT, "0000:01:00.0", () -> PciAddress.parse("sda"));
        assertFails("invalid-pci-address", ErrorKind.INVALID_ARGUMENT, "lspci", () -> PciAddress.parse("0000:01:20.0"));
        assertFails("unknown-driver", ErrorKind.INVALID_ARGUMENT, "vfio-pci, uio_pci_generic", () -> PciDriver.of("nvme"));
    }
}
