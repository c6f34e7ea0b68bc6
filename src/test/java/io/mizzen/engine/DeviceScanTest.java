package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.DeviceView.Use;
import io.mizzen.engine.model.DeviceView.UseView;
import io.mizzen.nvme.pcie.NvmeHealth;
import io.mizzen.pci.FakePci;
import io.mizzen.pci.PciAddress;
import io.mizzen.uring.BlockDevices;
import io.mizzen.uring.NvmeDrive;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is seen of disks and NVMe functions, and which of them may be taken, over trees in a directory. */
class DeviceScanTest {
    private static final DeviceScan.Users NOBODY = new DeviceScan.Users(Map.of(), Map.of(), Map.of());
    private static final PciAddress DRIVE = PciAddress.parse("0000:01:00.0");
    private static final DeviceSpec VFIO = new DeviceSpec("vfio-pci", List.of(), null);

    @TempDir
    private Path root;
    private FakePci pci;
    private FakeDisks disks;
    private DeviceScan scan;
    private final List<String> asked = new ArrayList<>();

    @BeforeEach
    void machine() {
        pci = new FakePci(root).driver("nvme").driver("vfio-pci").function(DRIVE.text(), "0x010802", "nvme", 3, "identity");
        pci.controller(DRIVE.text(), "nvme0");
        disks = new FakeDisks(root).disk("nvme0n1", "259:0", 2).namespaceOf("nvme0", "nvme0n1").disk("sda", "8:0", 2)
                .attribute("nvme0n1/nsid", "1");
        scan = new DeviceScan(pci.sysfs(), disks.disks(), this::smart);
    }

    private DeviceView drive() {
        return scan.get(DRIVE.text(), NOBODY);
    }

    private SmartReading smart(Path file) {
        asked.add(root.resolve("dev").relativize(file).toString());
        return file.endsWith("nvme7n2") ? SmartReading.unavailable("only root may ask") : new SmartReading(NvmeViews.health(new NvmeHealth(5, 300,
                90, 10, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)), null);
    }

    @Test
    void aDriveOfTheKernelSaysHowItIsAndOthersWhyNot() {
        DeviceView drive = drive();
        assertThat(drive.health().criticalWarnings()).containsExactly("spare-low", "reliability-degraded");
        assertThat(drive.health().temperatureCelsius()).isEqualTo(27);
        assertThat(drive.healthUnavailable()).isNull();
        assertThat(asked).as("its controller, once").containsExactly("nvme0");
        assertThat(scan.get("sda", NOBODY).health()).isNull();
        assertThat(scan.get("sda", NOBODY).healthUnavailable()).contains("smartctl");
        disks.disk("nvme7n2", "259:9", 2);      // Behind a network: no PCI function.
        assertThat(scan.get("nvme7n2", NOBODY).healthUnavailable()).isEqualTo("only root may ask");
        assertThat(asked).as("no other disk is").containsExactly("nvme0", "nvme7n2");
        scan.bind(DRIVE, VFIO, NOBODY);
        assertThat(drive().health()).isNull();
        assertThat(drive().healthUnavailable()).contains("neither the kernel");
    }

    @Test
    void theDriveUnderADiskPartitionOrLinkIsFound() throws IOException {
        BlockDevices blocks = disks.disks();
        disks.partition("nvme0n1", "nvme0n1p1", "259:1").attribute("nvme0n1/device/address", "0000:01:00.0");
        NvmeDrive drive = new NvmeDrive("0000:01:00.0", "Model of nvme0n1", "Serial of nvme0n1");
        assertThat(blocks.nvmeDriveOf(disks.file("nvme0n1"))).isEqualTo(drive);
        Files.createFile(disks.file("nvme0n1p1"));
        assertThat(blocks.nvmeDriveOf(disks.file("nvme0n1p1"))).isEqualTo(drive);
        Path link = Files.createSymbolicLink(root.resolve("by-id"), disks.file("nvme0n1"));
        assertThat(blocks.nvmeDriveOf(link)).isEqualTo(drive);
        assertThat(blocks.nvmeDriveOf(disks.file("sda"))).isNull();
        assertThat(blocks.nvmeDriveOf(disks.file("gone"))).isNull();
        disks.disk("nvme7n2", "259:9", 2).attribute("nvme7n2/device/nvme3/address", "0000:02:00.0");
        assertThat(blocks.nvmeDriveOf(disks.file("nvme7n2")).address()).as("of several paths, the first").isEqualTo("0000:02:00.0");
        disks.attribute("nvme0n1/device/address", "traddr=127.0.0.1,trsvcid=4420");
        assertThat(blocks.nvmeDriveOf(disks.file("nvme0n1")).address()).isEqualTo("nvme0n1");
    }

    private void assertRefused(String code, String reason, DeviceSpec spec) {
        assertThatThrownBy(() -> scan.bind(DRIVE, spec, NOBODY)).isInstanceOfSatisfying(OperationException.class,
                failure -> assertThat(failure.code()).isEqualTo(code)).hasMessageContaining(reason);
        assertThat(pci.sysfs().get(DRIVE).driver()).isEqualTo("nvme");
        assertThat(pci.sysfs().get(DRIVE).driverOverride()).isNull();
    }

    @Test
    void aFunctionWhoseControllerIsStillBeingClosedStaysThoughNoBdevIsLeft() {
        scan.bind(DRIVE, VFIO, NOBODY);
        DeviceScan.Users closing = new DeviceScan.Users(Map.of(), Map.of(), Map.of(DRIVE.text(), "this engine shuts it down"));
        assertThat(scan.get(DRIVE.text(), closing).reason()).isEqualTo("this engine shuts it down");
        assertThatThrownBy(() -> scan.unbind(DRIVE, closing)).isInstanceOfSatisfying(OperationException.class,
                failure -> assertThat(failure.code()).isEqualTo("device-in-use")).hasMessageContaining("shuts it down");
        assertThat(pci.sysfs().get(DRIVE).driver()).isEqualTo("vfio-pci");
        assertThat(scan.unbind(DRIVE, NOBODY).driver()).isEqualTo("nvme");
    }

    @Test
    void aFunctionThatAForeignDriverHasIsNotTakenFromIt() {
        PciAddress other = PciAddress.parse("0000:02:00.0");
        pci.driver("other_driver").function(other.text(), "0x010802", "other_driver", 4, "identity");
        assertThat(scan.get(other.text(), NOBODY).reason()).isEqualTo("driver other_driver has it");
        assertThatThrownBy(() -> scan.bind(other, VFIO, NOBODY)).isInstanceOfSatisfying(OperationException.class,
                failure -> assertThat(failure.code()).isEqualTo("device-in-use")).hasMessageContaining("driver other_driver has it");
        assertThat(pci.sysfs().get(other).driver()).isEqualTo("other_driver");
    }

    @Test
    void aControllerShowsItsNamespacesAndOtherDisksStandAlone() {
        List<DeviceView> devices = scan.list(NOBODY);
        assertThat(devices).extracting(DeviceView::address).containsExactly(DRIVE.text(), "sda");
        DeviceView drive = devices.getFirst();
        assertThat(drive.kind()).isEqualTo(DeviceView.Kind.NVME);
        assertThat(drive.model()).isEqualTo("Model of nvme0n1");
        assertThat(drive.serial()).isEqualTo("Serial of nvme0n1");
        assertThat(drive.driver()).isEqualTo("nvme");
        assertThat(drive.iommuGroup()).isEqualTo(3);
        assertThat(drive.available()).as(drive.reason()).isTrue();
        assertThat(drive.disks()).singleElement().satisfies(disk -> {
            assertThat(disk.path()).isEqualTo(disks.file("nvme0n1").toString());
            assertThat(disk.namespaceId()).isEqualTo(1);
            assertThat(disk.sizeBytes()).isEqualTo(2 << 20);
            assertThat(disk.contents()).isEmpty();
        });
        assertThat(devices.getLast().available()).isTrue();
    }

    @Test
    void aPathOfASharedNamespaceLeadsToItsDisk() {
        disks.disk("nvme7n2", "259:9", 2).namespaceOf("nvme0", "nvme7c0n2").disk("nvme7c0n2", "259:8", 2)
                .attribute("nvme7c0n2/hidden", "1");
        assertThat(drive().disks()).extracting(DeviceView.DiskView::name).containsExactly("nvme0n1", "nvme7n2");
        assertThat(scan.list(NOBODY)).extracting(DeviceView::address).containsExactly(DRIVE.text(), "sda");
    }

    @Test
    void everyKindOfUseIsSeenAndKeepsTheDriveWithTheKernel() {
        disks.partition("nvme0n1", "nvme0n1p1", "259:1").mount("259:1", "/dev/root", "/data");
        assertThat(drive().disks().getFirst().uses()).containsExactly(new UseView(Use.PARTITIONED, "nvme0n1p1"),
                new UseView(Use.MOUNTED, "nvme0n1p1 on /data"));
        assertRefused("device-in-use", "mounted (nvme0n1p1 on /data)", VFIO);
        disks.unmountAll().swap(disks.file("nvme0n1p1").toString());
        assertRefused("device-in-use", "swap space (nvme0n1p1 on swap)", VFIO);
        disks.unmountAll().mount("0:51", disks.file("nvme0n1").toString(), "/several");
        assertRefused("device-in-use", "mounted (nvme0n1 on /several)", VFIO);
        disks.unmountAll().holder("nvme0n1/nvme0n1p1", "dm-0", "LVM-x", "vg-lv");
        assertRefused("device-in-use", "LVM (nvme0n1p1 in vg-lv)", VFIO);
        assertThat(drive().available()).isFalse();
        assertThat(drive().reason()).contains("LVM");
    }

    @Test
    void volumeManagersAndRaidAreToldApart() {
        disks.holder("sda", "dm-1", "CRYPT-LUKS2-x", "secret").holder("sda", "md0", null, null)
                .attribute("md0/md/level", "raid1");
        assertThat(scan.get("sda", NOBODY).disks().getFirst().uses()).containsExactly(
                new UseView(Use.DEVICE_MAPPER, "sda in secret"), new UseView(Use.MD, "sda in md0"));
    }

    @Test
    void whatIsNotEmptyIsTakenWithTheWordOnlyAndAPoolWithoutOne() {
        disks.text("nvme0n1", 1080, "\u0053\u00EF");
        assertThat(drive().reason()).isEqualTo("it is not empty: ext on nvme0n1");
        assertRefused("device-not-empty", "ext on nvme0n1", VFIO);
        assertRefused("device-not-empty", "accept", new DeviceSpec("vfio-pci", List.of("xfs"), null));
        assertRefused("invalid-accept", "takes any", new DeviceSpec("vfio-pci", List.of("everything"), null));
        assertThat(scan.bind(DRIVE, new DeviceSpec("vfio-pci", List.of("ext4"), null), NOBODY).driver()).isEqualTo("vfio-pci");
        scan.unbind(DRIVE, NOBODY);
        disks.text("nvme0n1", 1080, "\0\0").text("nvme0n1", 0, "SPDKBLOB");
        assertThat(drive().disks().getFirst().contents()).containsExactly("spdk-blobstore");
        assertThat(scan.bind(DRIVE, VFIO, NOBODY).driver()).isEqualTo("vfio-pci");
        scan.unbind(DRIVE, NOBODY);
        disks.text("nvme0n1", 0, "SPDKRAID");               // It has become one of several disks of a pool since it was taken.
        assertThat(drive().disks().getFirst().contents()).containsExactly("spdk-raid");
        assertThat(drive().available()).isTrue();
        assertThat(scan.bind(DRIVE, VFIO, NOBODY).driver()).isEqualTo("vfio-pci");
    }

    @Test
    void aTakenDriveHasNoDisksIsAvailableAndGoesBackUnlessABdevHasIt() {
        DeviceView taken = scan.bind(DRIVE, VFIO, NOBODY);
        assertThat(taken.driverOverride()).isEqualTo("vfio-pci");
        assertThat(taken.available()).isTrue();
        DeviceScan.Users pool = new DeviceScan.Users(Map.of(DRIVE.text(), List.of("bdev d (pool p)")), Map.of(), Map.of());
        assertThat(scan.get(DRIVE.text(), pool).reason()).contains("bdev d (pool p)");
        assertThatThrownBy(() -> scan.unbind(DRIVE, pool)).hasMessageContaining("bdev d (pool p)");
        assertThat(scan.unbind(DRIVE, NOBODY).driver()).isEqualTo("nvme");
    }

    @Test
    void aBdevOnANamespaceOrAPartitionKeepsTheDrive() {
        disks.partition("nvme0n1", "nvme0n1p1", "259:1");
        DeviceScan.Users user = new DeviceScan.Users(Map.of("nvme0n1p1", List.of("bdev d")), Map.of(), Map.of());
        assertThat(scan.get(DRIVE.text(), user).bdevs()).containsExactly("bdev d");
        assertThatThrownBy(() -> scan.bind(DRIVE, VFIO, user)).hasMessageContaining("bdev d");
    }

    @Test
    void anotherDriveAtTheAddressIsNotTaken() {
        assertRefused("device-changed", "not Other", new DeviceSpec("vfio-pci", List.of(), "Other"));
        assertThat(scan.bind(DRIVE, new DeviceSpec("vfio-pci", List.of(), "Serial of nvme0n1"), NOBODY).driver())
                .isEqualTo("vfio-pci");
    }

    /** Right after it was plugged in it has no namespaces, and a little earlier no serial number. */
    @Test
    void aDriveIsNotTakenForAnotherBeforeItSaysWhichItIs() {
        disks = new FakeDisks(root.resolve("without"));
        scan = new DeviceScan(pci.sysfs(), disks.disks(), controller -> Set.of(), this::smart);
        DeviceSpec meant = new DeviceSpec("vfio-pci", List.of(), "Serial of nvme0n1");
        assertRefused("device-changed", "not Other", new DeviceSpec("vfio-pci", List.of(), "Other"));
        pci.controllerAttribute(DRIVE.text(), "nvme0", "state", "connecting");
        assertThat(drive().serial()).isNull();
        assertRefused("device-not-ready", "try again", meant);
        pci.controllerAttribute(DRIVE.text(), "nvme0", "state", "live");
        assertThat(drive().serial()).isEqualTo("Serial of nvme0n1");
        assertThat(scan.bind(DRIVE, meant, NOBODY).driver()).isEqualTo("vfio-pci");
    }

    /** The kernel says which it is before it looks at the namespaces, and what is on them nobody has read then. */
    @Test
    void aDriveWhoseNamespacesTheKernelHasNotLookedAtIsNotTakenForEmpty() {
        List<Set<Integer>> told = new ArrayList<>();
        scan = new DeviceScan(pci.sysfs(), disks.disks(), controller -> {
            assertThat(controller).isEqualTo(root.resolve("dev/nvme0"));
            return told.getFirst();
        }, this::smart);
        told.add(Set.of(1, 2));
        assertRefused("device-not-ready", "[1] of", VFIO);
        disks.disk("nvme0n2", "259:2", 2).namespaceOf("nvme0", "nvme0n2").attribute("nvme0n2/nsid", "2").text("nvme0n2", 1080, "\u0053\u00EF");
        assertRefused("device-not-empty", "ext on nvme0n2", VFIO);
        disks.attribute("nvme0n2/size", "0");       // A format that the kernel cannot use: a disk of no size.
        assertThat(scan.bind(DRIVE, VFIO, NOBODY).driver()).isEqualTo("vfio-pci");
    }

    @Test
    void aDriveWithoutNamespacesThatCannotBeAskedIsTakenWithTheWordOnly() {
        disks = new FakeDisks(root.resolve("without"));
        scan = new DeviceScan(pci.sysfs(), disks.disks(), controller -> null, this::smart);
        assertRefused("device-not-ready", "name any in accept", VFIO);
        assertThat(scan.bind(DRIVE, new DeviceSpec("vfio-pci", List.of("any"), null), NOBODY).driver()).isEqualTo("vfio-pci");
    }

    /** As in a container: the disk is mounted where this process does not see it. */
    @Test
    void aDiskThatThisProcessCannotOpenIsNotTakenForUnused() throws IOException {
        Files.delete(disks.file("nvme0n1"));
        assertThat(drive().available()).isFalse();
        assertThat(drive().disks().getFirst().uses()).extracting(UseView::kind).containsExactly(Use.UNKNOWN);
        assertThat(drive().reason()).startsWith("who uses it is unknown to this process").contains("ENOENT").contains("container");
        assertRefused("device-in-use", "who uses it is unknown", new DeviceSpec("vfio-pci", List.of("any"), null));
    }

    @Test
    void aFileThatIsAnotherDiskThanItsNameSaysTellsNothingOfUse() {
        List<String> numbers = new ArrayList<>(List.of("8:16"));
        scan = new DeviceScan(pci.sysfs(), disks.disks(file -> file.equals(disks.file("nvme0n1")) ? numbers.getFirst() : null), this::smart);
        assertRefused("device-in-use", "is 8:16 and not the disk 259:0", VFIO);
        numbers.set(0, "259:0");
        assertThat(scan.bind(DRIVE, VFIO, NOBODY).driver()).isEqualTo("vfio-pci");
    }

    /** Which it is, is not known; unless it was on its way to us. */
    @Test
    void aDriveWithoutADriverIsNotTakenForAnother() throws IOException {
        DeviceSpec meant = new DeviceSpec("vfio-pci", List.of(), "Serial of nvme0n1");
        Path driver = root.resolve("bus/pci/devices/" + DRIVE.text() + "/driver");
        Files.delete(driver);
        assertThatThrownBy(() -> scan.bind(DRIVE, meant, NOBODY)).isInstanceOfSatisfying(OperationException.class,
                failure -> assertThat(failure.code()).isEqualTo("device-not-ready"));
        assertThat(pci.sysfs().get(DRIVE).driverOverride()).isNull();
        assertThat(scan.unbind(DRIVE, NOBODY).driver()).isEqualTo("nvme");
        pci.dieAfterWrites(2);
        assertThatThrownBy(() -> scan.bind(DRIVE, meant, NOBODY)).isInstanceOf(UncheckedIOException.class);
        pci.dieAfterWrites(Integer.MAX_VALUE);
        assertThat(drive().driver()).isNull();
        assertThat(scan.bind(DRIVE, meant, NOBODY).driver()).isEqualTo("vfio-pci");
    }

    @Test
    void aDriveLeftBetweenDriversIsTakenOrGivenBack() {
        scan.bind(DRIVE, VFIO, NOBODY);
        pci.dieAfterWrites(2);
        assertThatThrownBy(() -> scan.unbind(DRIVE, NOBODY)).isInstanceOf(RuntimeException.class);
        pci.dieAfterWrites(Integer.MAX_VALUE);
        assertThat(drive().driver()).isNull();
        assertThat(drive().available()).isTrue();
        assertThat(scan.unbind(DRIVE, NOBODY).driver()).isEqualTo("nvme");
    }

    @Test
    void whatIsNotThereIsNotFound() {
        assertThatThrownBy(() -> scan.get("0000:09:00.0", NOBODY)).hasMessageContaining("GET /v1/devices");
        assertThatThrownBy(() -> scan.get("sdz", NOBODY)).hasMessageContaining("sdz");
        assertThatThrownBy(() -> scan.bind(PciAddress.parse("0000:09:00.0"), VFIO, NOBODY)).hasMessageContaining("lspci");
    }
}
