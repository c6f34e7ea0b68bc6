package io.mizzen.pci;

import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.HugePages;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs in a guest: takes an NVMe drive from the kernel, makes it answer Identify Controller with queues in the engine's
 * memory, and gives it back. It shows that registers, memory in both directions and interrupts work.
 *
 * <pre>
 * PciProbe drive ADDRESS DRIVER CYCLES     the whole way, so many times opened and closed
 * PciProbe open ADDRESS                    opens only, prints the code of the failure
 * PciProbe bind ADDRESS DRIVER             binds only, prints the code of the failure
 * PciProbe pulled ADDRESS                  uses the registers while the drive is pulled out
 * </pre>
 */
public final class PciProbe {
    private static final long MEMORY_BYTES = 4L << 20;
    private static final long DEADLINE_NS = 180_000_000_000L;
    private static final int ADMIN_ENTRIES = 8;
    private static final int PAGE = 4096;
    private static final int INTX_DISABLE = 1 << 10;
    private static final long PULL_DEADLINE_NS = 600_000_000_000L;
    private static final long AFTER_PULL_NS = 3_000_000_000L;

    private PciProbe() {
    }

    public static void main(String[] arguments) throws IOException {
        PciSysfs sysfs = new PciSysfs();
        PciAddress address = PciAddress.parse(arguments[1]);
        try {
            switch (arguments[0]) {
                case "drive" -> drive(sysfs, address, PciDriver.of(arguments[2]), Integer.parseInt(arguments[3]));
                case "pulled" -> pulled(sysfs, address);
                case "bind" -> new PciBinding(sysfs).bind(address, PciDriver.of(arguments[2]));
                case "open" -> {
                    List<DmaRegion> regions = HugePages.reserve(MEMORY_BYTES);
                    new PciDevices(sysfs, regions).open(address, 1).close();
                }
                default -> throw new IllegalArgumentException(arguments[0]);
            }
            say("done");
        } catch (OperationException failure) {
            say("failed " + failure.kind() + " " + failure.code() + ": " + failure.getMessage());
        }
    }

    private static void say(String line) {
        System.out.println(line);
    }

    private static void drive(PciSysfs sysfs, PciAddress address, PciDriver driver, int cycles) throws IOException {
        say("found " + sysfs.nvmeFunctions().size() + " nvme functions, " + address + " with " + sysfs.get(address).driver());
        PciBinding binding = new PciBinding(sysfs);
        List<DmaRegion> regions = HugePages.reserve(MEMORY_BYTES);
        PciDevices devices = new PciDevices(sysfs, regions);
        expectFailure("before bind", () -> devices.open(address, 1));
        say("bound to " + binding.bind(address, driver).driver());
        say("bound again to " + binding.bind(address, driver).driver());
        try (PciDevice device = devices.open(address, 4)) {
            expectFailure("second open", () -> devices.open(address, 1));
            report(device);
            identify(device, regions.getFirst());
        }
        int descriptors = descriptors();
        long pinned = status("VmPin");
        for (int i = 0; i < cycles; i++) {
            devices.open(address, 4).close();
        }
        say("after " + cycles + " cycles " + (descriptors() - descriptors) + " descriptors and "
                + (status("VmPin") - pinned) + " pinned KiB more");
        try (PciDevice device = devices.open(address, 4)) {
            identify(device, regions.getFirst());
            device.abandon();
            RawMemory.putIntRelease(device.barAddress() + 0x1000, 1);
            say("abandoned: CSTS " + Integer.toHexString(RawMemory.getIntAcquire(device.barAddress() + 0x1C)) + " config "
                    + Integer.toHexString(device.configInt(0)));
            say("given back to " + binding.unbind(address).driver());
        }
        say("override " + sysfs.get(address).driverOverride());
    }

    private static void expectFailure(String when, Runnable action) {
        try {
            action.run();
            say(when + ": no failure");
        } catch (OperationException failure) {
            say(when + ": " + failure.code());
        }
    }

    private static void report(PciDevice device) {
        long bar = device.barAddress();
        int version = RawMemory.getIntAcquire(bar + 8);
        say("VS " + (version >>> 16) + "." + (version >>> 8 & 255) + " entries " + ((RawMemory.getLongAcquire(bar) & 0xFFFF) + 1)
                + " vectors " + device.interruptVectors() + " removal " + (device.removalFd() >= 0) + " class "
                + Integer.toHexString(device.configInt(8) >>> 8) + " present " + device.isPresent());
    }

    /** Queues at the start of the region, the data after them: NVM Express 2.0, 3.5.1 and 5.17. */
    private static void identify(PciDevice device, DmaRegion region) {
        long bar = device.barAddress();
        long memory = region.address();
        RawMemory.zero(memory, 3L * PAGE);
        RawMemory.putIntRelease(bar + 0x14, 0);
        await("disabled", () -> (RawMemory.getIntAcquire(bar + 0x1C) & 1) == 0);
        device.startDma();
        RawMemory.putIntRelease(bar + 0x24, (ADMIN_ENTRIES - 1) << 16 | ADMIN_ENTRIES - 1);
        RawMemory.putLongRelease(bar + 0x28, device.iovas().iova(0, memory));
        RawMemory.putLongRelease(bar + 0x30, device.iovas().iova(0, memory + PAGE));
        RawMemory.putIntRelease(bar + 0x14, 4 << 20 | 6 << 16 | 1);
        await("enabled", () -> (RawMemory.getIntAcquire(bar + 0x1C) & 1) == 1);
        RawMemory.putInt(memory, 0x06);
        RawMemory.putLong(memory + 24, device.iovas().iova(0, memory + 2 * PAGE));
        RawMemory.putInt(memory + 40, 1);
        RawMemory.putIntRelease(bar + 0x1000, 1);
        await("completion", () -> (RawMemory.getIntAcquire(memory + PAGE + 12) >>> 16 & 1) == 1);
        say("serial " + text(memory + 2 * PAGE + 4, 20) + " model " + text(memory + 2 * PAGE + 24, 40) + " interrupt "
                + interrupted(device));
        RawMemory.putIntRelease(bar + 0x14, 0);
        await("disabled", () -> (RawMemory.getIntAcquire(bar + 0x1C) & 1) == 0);
    }

    /** By vector, or by wire: the latter waits until it is let through, comes at once then, and is off again. */
    private static boolean interrupted(PciDevice device) {
        boolean wire = device.interruptVectors() == 0;
        int fd = wire ? device.wireFd() : device.interruptFd(0);
        int sizeBytes = wire ? 4 : 8;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(8, 8);
            boolean early = wire && Libc.read(fd, count.address(), sizeBytes) == sizeBytes;
            device.enableWire();
            await("interrupt", () -> Libc.read(fd, count.address(), sizeBytes) == sizeBytes);
            boolean isOff = !wire || (device.configInt(4) & INTX_DISABLE) != 0;
            return !early && isOff && count.get(RawMemory.LE_LONG, 0) > 0;
        }
    }

    /** Reads and writes registers of a drive that is pulled out meanwhile, and some time after the system has removed it. */
    private static void pulled(PciSysfs sysfs, PciAddress address) {
        try (PciDevice device = new PciDevices(sysfs, HugePages.reserve(MEMORY_BYTES)).open(address, 1)) {
            long bar = device.barAddress();
            say("driving, VS " + Integer.toHexString(RawMemory.getIntAcquire(bar + 8)));
            long deadlineNs = System.nanoTime() + PULL_DEADLINE_NS;
            long goneNs = Long.MAX_VALUE;
            long ones = 0;
            while (System.nanoTime() - deadlineNs < 0 && (goneNs == Long.MAX_VALUE || System.nanoTime() - goneNs < AFTER_PULL_NS)) {
                for (int i = 0; i < 1000; i++) {
                    ones += RawMemory.getIntAcquire(bar + 0x1C) == -1 ? 1 : 0;
                    RawMemory.putIntRelease(bar + 0x1000, 0);
                }
                if (goneNs == Long.MAX_VALUE && !device.isPresent()) {
                    goneNs = System.nanoTime();
                }
                LockSupport.parkNanos(1_000_000);
            }
            say("gone " + (goneNs != Long.MAX_VALUE) + ", all ones " + (ones > 0) + ", bus mastering ended " + device.stopDma());
        }
    }

    private static void await(String what, java.util.function.BooleanSupplier condition) {
        long deadlineNs = System.nanoTime() + DEADLINE_NS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadlineNs > 0) {
                throw OperationException.internal("timeout", "no " + what);
            }
            LockSupport.parkNanos(100_000);
        }
    }

    private static String text(long address, int length) {
        return StandardCharsets.US_ASCII.decode(RawMemory.ALL.asSlice(address, length).asByteBuffer()).toString().strip();
    }

    private static int descriptors() throws IOException {
        try (var list = Files.list(Path.of("/proc/self/fd"))) {
            return (int) list.count();
        }
    }

    private static long status(String name) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith(name + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", ""))).sum();
    }
}
