package io.mizzen.engine;

import io.mizzen.engine.model.DeviceView;
import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.IdentifyNamespace;
import io.mizzen.nvme.NamespaceList;
import io.mizzen.nvme.Opcodes;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a drive that the kernel's driver has says of its namespaces: Identify through {@code NVME_IOCTL_ADMIN_CMD} (base
 * specification 2.0, section 5.17). Blocking: never on a reactor.
 */
final class NvmeIdentify {
    private NvmeIdentify() { }

    /** The formats of a namespace; empty where the drive or the rights do not allow to ask. */
    static List<DeviceView.LbaFormatView> formats(Path disk, int namespaceId) {
        try (Arena arena = Arena.ofConfined()) {
            long data = identify(arena, disk, Identify.CNS_NAMESPACE, namespaceId);
            return data == 0 ? List.of() : decode(data);
        }
    }

    /**
     * The namespaces that a controller has, whether the kernel has looked at them yet or not, the first 1024 of them.
     *
     * @param controller its file, such as {@code /dev/nvme0}
     * @return their numbers; null where the drive or the rights do not allow to ask
     */
    static Set<Integer> namespaces(Path controller) {
        try (Arena arena = Arena.ofConfined()) {
            long data = identify(arena, controller, Identify.CNS_ACTIVE_NAMESPACES, 0);
            if (data == 0) {
                return null;
            }
            Set<Integer> numbers = new TreeSet<>();
            for (int i = 0; i < Identify.SIZE_BYTES / Integer.BYTES && NamespaceList.get(RawMemory.ALL, data, i) != 0; i++) {
                numbers.add(NamespaceList.get(RawMemory.ALL, data, i));
            }
            return numbers;
        }
    }

    /** Address of the answer, or 0. */
    private static long identify(Arena arena, Path file, int cns, int namespaceId) {
        long data = arena.allocate(Identify.SIZE_BYTES, Identify.SIZE_BYTES).address();
        return NvmePassthrough.read(file, Opcodes.ADMIN_IDENTIFY, namespaceId, cns, data, Identify.SIZE_BYTES) == 0 ? data : 0;
    }

    private static List<DeviceView.LbaFormatView> decode(long data) {
        int used = IdentifyNamespace.formatInUse(RawMemory.ALL, data);
        int count = Math.min(IdentifyNamespace.formatCount(RawMemory.ALL, data), IdentifyNamespace.FORMATS_MAX - 1);
        List<DeviceView.LbaFormatView> formats = new ArrayList<>();
        for (int i = 0; i <= count; i++) {
            int shift = IdentifyNamespace.formatBlockShift(RawMemory.ALL, data, i);
            if (shift >= 9 && shift < 31) {
                formats.add(new DeviceView.LbaFormatView(i, 1 << shift,
                        IdentifyNamespace.formatMetadataBytes(RawMemory.ALL, data, i), i == used));
            }
        }
        return formats;
    }
}
