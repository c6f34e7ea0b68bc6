package io.mizzen.ffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares every size, offset and constant with what a C compiler makes of the installed headers. What headers of an
 * older kernel lack is left out and counted; only what is known to be newer may be.
 */
class AbiTest {
    private static final List<String> CLASSES = List.of("ffi.IoUringAbi", "ffi.Statx", "ffi.Sockaddr", "ffi.Errno",
            "ffi.Libc", "ffi.PerfEvents", "ffi.VfioAbi", "ffi.NvmeIoctl", "memory.HugePages", "pci.Registers", "pci.VfioDevice", "pci.VfioContainer", "pci.UioDevice", "pci.PhysicalMemory", "ring.IoUring", "ring.RingSocket", "ring.RingSockets", "ring.RingListener",
            "ring.RingFdWatcher", "ring.DirectReceive", "ring.Waker", "uring.UringFile", "uring.UringBdev");
    /** Constants with the kernel's own name. */
    private static final Pattern C_NAME = Pattern.compile(
            "(IORING|IOSQE|RWF|STATX|AT|AF|S|O|F|FALLOC_FL|SO|SOL|IPPROTO|IPV6|TCP|MSG|SHUT|SOCK|MAP|MREMAP|MADV|PROT|PERF|VFIO|NVME_IOCTL)_\\w+"
            + "|BLK\\w+|POLLIN|E[A-Z0-9]+");
    /** Constants that are several of C's in one, or have a name of ours. */
    private static final Map<String, String> EXPRESSIONS = Map.ofEntries(
            Map.entry("PROT_READ_WRITE", "PROT_READ | PROT_WRITE"),
            Map.entry("MAP_PRIVATE_ANONYMOUS", "MAP_PRIVATE | MAP_ANONYMOUS"),
            Map.entry("MAP_SHARED_POPULATE", "MAP_SHARED | MAP_POPULATE"),
            Map.entry("SOCK_STREAM_CLOEXEC", "SOCK_STREAM | SOCK_CLOEXEC"),
            Map.entry("MREMAP_MAYMOVE_FIXED", "MREMAP_MAYMOVE | MREMAP_FIXED"),
            Map.entry("O_RDWR_CLOEXEC", "O_RDWR | O_CLOEXEC"),
            Map.entry("O_RDONLY_CLOEXEC", "O_RDONLY | O_CLOEXEC"),
            Map.entry("EFD_CLOEXEC_NONBLOCK", "EFD_CLOEXEC | EFD_NONBLOCK"),
            Map.entry("UNMAP_MODE", "FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE"),
            Map.entry("ZERO_MODE", "FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE"),
            Map.entry("SYS_IO_URING_SETUP", "SYS_io_uring_setup"),
            Map.entry("SYS_IO_URING_ENTER", "SYS_io_uring_enter"),
            Map.entry("SYS_IO_URING_REGISTER", "SYS_io_uring_register"),
            Map.entry("SYS_PERF_EVENT_OPEN", "SYS_perf_event_open"),
            Map.entry("DTLB_LOAD_MISSES", "PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8"
                    + " | PERF_COUNT_HW_CACHE_RESULT_MISS << 16"),
            Map.entry("ATTR_TYPE", "offsetof(struct perf_event_attr, type)"),
            Map.entry("ATTR_SIZE", "offsetof(struct perf_event_attr, size)"),
            Map.entry("ATTR_CONFIG", "offsetof(struct perf_event_attr, config)"),
            Map.entry("ATTR_FLAGS", "offsetof(struct perf_event_attr, read_format) + 8"),
            Map.entry("IN_SIZE_BYTES", "sizeof(struct sockaddr_in)"),
            Map.entry("IN6_SIZE_BYTES", "sizeof(struct sockaddr_in6)"),
            Map.entry("MSGHDR_BYTES", "sizeof(struct msghdr)"),
            Map.entry("MSGHDR_IOV", "offsetof(struct msghdr, msg_iov)"),
            Map.entry("MSGHDR_IOVLEN", "offsetof(struct msghdr, msg_iovlen)"),
            Map.entry("SQE_OP_FLAGS", "offsetof(struct io_uring_sqe, rw_flags)"),
            Map.entry("BUF_RING_TAIL", "offsetof(struct io_uring_buf_ring, tail)"));
    /** Prefixes of size and offset constants, the longer ones first. */
    private static final Map<String, String> STRUCTS = structs();
    private static final Map<String, String> VFIO_STRUCTS = vfioStructs();
    private static final Map<String, String> NVME_STRUCTS = Map.of("PASSTHRU_", "struct nvme_passthru_cmd");
    /** Newer than the headers of Linux 6.1. */
    private static final Set<String> MAY_BE_MISSING = Set.of("IORING_SETUP_NO_SQARRAY",
            "IORING_REGISTER_SEND_MSG_RING");
    private static final Pattern MISSING = Pattern.compile("'(\\w+)' undeclared|no member named '(\\w+)'");

    @TempDir
    Path directory;

    @Test
    void layoutsAndConstantsAreThoseOfTheHeaders() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "gcc is not installed");
        Map<String, Long> expected = new LinkedHashMap<>();
        for (String name : CLASSES) {
            addConstants(Class.forName("io.mizzen." + name), expected);
        }
        Set<String> skipped = new TreeSet<>();
        Map<String, Long> actual = compileAndRun(expected, skipped);
        assertTrue(MAY_BE_MISSING.containsAll(skipped), "the headers lack " + skipped);
        List<String> differences = new ArrayList<>();
        actual.forEach((expression, value) -> {
            if (!expected.get(expression).equals(value)) {
                differences.add(expression + ": C " + value + ", Java " + expected.get(expression));
            }
        });
        assertEquals(List.of(), differences);
        assertTrue(actual.size() > 150, "only " + actual.size() + " facts were compared");
    }

    private static Map<String, String> structs() {
        Map<String, String> structs = new LinkedHashMap<>();
        structs.put("PARAMS_", "struct io_uring_params");
        structs.put("SQ_OFF_", "struct io_sqring_offsets");
        structs.put("CQ_OFF_", "struct io_cqring_offsets");
        structs.put("SQE_", "struct io_uring_sqe");
        structs.put("CQE_", "struct io_uring_cqe");
        structs.put("RSRC_REGISTER_", "struct io_uring_rsrc_register");
        structs.put("RSRC_UPDATE_", "struct io_uring_rsrc_update");
        structs.put("BUF_REG_", "struct io_uring_buf_reg");
        structs.put("BUF_", "struct io_uring_buf");
        structs.put("GETEVENTS_ARG_", "struct io_uring_getevents_arg");
        return structs;
    }

    private static Map<String, String> vfioStructs() {
        Map<String, String> structs = new LinkedHashMap<>();
        structs.put("GROUP_STATUS_", "struct vfio_group_status");
        structs.put("DEVICE_INFO_", "struct vfio_device_info");
        structs.put("REGION_INFO_", "struct vfio_region_info");
        structs.put("IRQ_INFO_", "struct vfio_irq_info");
        structs.put("IRQ_SET_", "struct vfio_irq_set");
        structs.put("IOMMU_INFO_", "struct vfio_iommu_type1_info");
        structs.put("CAP_HEADER_", "struct vfio_info_cap_header");
        structs.put("CAP_IOVA_", "struct vfio_iommu_type1_info_cap_iova_range");
        structs.put("IOVA_RANGE_", "struct vfio_iova_range");
        structs.put("DMA_MAP_", "struct vfio_iommu_type1_dma_map");
        structs.put("DMA_UNMAP_", "struct vfio_iommu_type1_dma_unmap");
        return structs;
    }

    private static Map<String, String> structsOf(Class<?> type) {
        return type == IoUringAbi.class ? STRUCTS : type == VfioAbi.class ? VFIO_STRUCTS
                : type == NvmeIoctl.class ? NVME_STRUCTS : Map.of();
    }

    private static void addConstants(Class<?> type, Map<String, Long> expected) throws ReflectiveOperationException {
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers()) || !field.getType().isPrimitive()
                    || field.getType() == boolean.class) {
                continue;
            }
            String expression = expression(type, field.getName());
            if (expression != null) {
                field.setAccessible(true);
                expected.put(expression, ((Number) field.get(null)).longValue());
            }
        }
    }

    /** What C calls it; null for a constant that is not the kernel's. */
    private static String expression(Class<?> type, String name) {
        if (type == Statx.class && !C_NAME.matcher(name).matches()) {
            return name.equals("SIZE_BYTES") ? "sizeof(struct statx)"
                    : "offsetof(struct statx, stx_" + name.toLowerCase(Locale.ROOT) + ")";
        }
        if (EXPRESSIONS.containsKey(name)) {
            return "(" + EXPRESSIONS.get(name) + ")";
        }
        for (Map.Entry<String, String> struct : structsOf(type).entrySet()) {
            if (name.startsWith(struct.getKey())) {
                String member = name.substring(struct.getKey().length()).toLowerCase(Locale.ROOT);
                return member.equals("size_bytes") ? "sizeof(" + struct.getValue() + ")"
                        : "offsetof(" + struct.getValue() + ", " + member + ")";
            }
        }
        return C_NAME.matcher(name).matches() ? "(" + name + ")" : null;
    }

    private Map<String, Long> compileAndRun(Map<String, Long> expected, Set<String> skipped) throws Exception {
        List<String> expressions = new ArrayList<>(expected.keySet());
        for (int attempt = 0; attempt < 3; attempt++) {
            Path source = directory.resolve("abi.c");
            Path program = directory.resolve("abi");
            Files.writeString(source, program(expressions));
            String errors = run("/usr/bin/gcc", "-fmax-errors=0", "-o", program.toString(), source.toString());
            if (Files.exists(program)) {
                return parse(expressions, run(program.toString()));
            }
            Matcher matcher = MISSING.matcher(errors);
            boolean found = false;
            while (matcher.find()) {
                String name = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
                skipped.add(name);
                found |= expressions.removeIf(e -> e.matches(".*\\b" + name + "\\b.*"));
            }
            assertTrue(found, errors);
        }
        throw new AssertionError("the C program does not compile without " + skipped);
    }

    private static String program(List<String> expressions) {
        StringBuilder c = new StringBuilder("""
                #define _GNU_SOURCE
                #include <stdio.h>
                #include <stddef.h>
                #include <errno.h>
                #include <sys/syscall.h>
                #include <fcntl.h>
                #include <poll.h>
                #include <sys/eventfd.h>
                #include <sys/file.h>
                #include <sys/mman.h>
                #include <sys/socket.h>
                #include <sys/uio.h>
                #include <sys/stat.h>
                #include <netinet/in.h>
                #include <netinet/tcp.h>
                #include <linux/falloc.h>
                #include <linux/fs.h>
                #include <linux/io_uring.h>
                #include <linux/nvme_ioctl.h>
                #include <linux/perf_event.h>
                #include <linux/vfio.h>
                int main(void) {
                """);
        for (String expression : expressions) {
            c.append("printf(\"%lld\\n\", (long long)").append(expression).append(");\n");
        }
        return c.append("return 0; }\n").toString();
    }

    private static Map<String, Long> parse(List<String> expressions, String output) {
        String[] lines = output.split("\n");
        assertEquals(expressions.size(), lines.length);
        Map<String, Long> values = new LinkedHashMap<>();
        for (int i = 0; i < lines.length; i++) {
            values.put(expressions.get(i), Long.parseLong(lines[i].trim()));
        }
        return values;
    }

    private static String run(String... command) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertTrue(process.waitFor(300, TimeUnit.SECONDS));
        return output;
    }
}
