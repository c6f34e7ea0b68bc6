package io.mizzen.engine;

import io.mizzen.engine.model.PollMode;
import io.mizzen.memory.PageUse;
import io.mizzen.reactor.CoreMask;
import io.mizzen.rebuild.RebuildSettings;
import java.util.List;

/**
 * Everything that the data plane must be told before it starts; fixed for the life of the engine.
 *
 * <p>{@link #validate()} is called by the engine's creation; a value out of range is an
 * INVALID_ARGUMENT that names the component.
 *
 * @param version shown in views and in Identify data (firmware revision, 8 characters)
 * @param shutdownDeadlineNs what an ordered stop may take when the caller does not say
 */
public record EngineConfig(String version, Cores cores, Memory memory, Nvmf nvmf, Rebuild rebuild,
                           Limits limits, Health health, long shutdownDeadlineNs) {

    /**
     * Which CPUs get a reactor and what each does.
     *
     * @param list CPUs; empty: the whole cpuset with up to three CPUs, else three quarters of it
     * @param pollMode mode of the cores that are not in {@code busy}
     * @param busy cores that never sleep
     * @param spinNs an adaptive reactor polls for this long without work before it sleeps
     * @param stallNs a turn longer than this is reported as a stall
     * @param nvmf cores with NVMe/TCP poll groups; empty: all
     * @param rebuild cores that copy dirty regions and rebuild; empty: all
     * @param admin cores with device administration; empty: the first
     */
    public record Cores(List<Integer> list, PollMode pollMode, List<Integer> busy, long spinNs, long stallNs,
                        List<Integer> nvmf, List<Integer> rebuild, List<Integer> admin) {
        public Cores {
            list = List.copyOf(list);
            busy = List.copyOf(busy);
            nvmf = List.copyOf(nvmf);
            rebuild = List.copyOf(rebuild);
            admin = List.copyOf(admin);
        }

        /**
         * Reads a mask ({@code 0x5}) or a list ({@code 0,2-3}); nothing for an empty text.
         *
         * @throws io.mizzen.util.OperationException INVALID_ARGUMENT, saying what the text should look like
         */
        public static List<Integer> parse(String text) {
            return text.isBlank() ? List.of() : CoreMask.parse(text);
        }
    }

    /**
     * The one reservation.
     *
     * @param sizeBytes rounded up to whole pages; from 32 MiB
     * @param hugePages false: do not even try hugetlb pages
     * @param locked memory that cannot be locked is an error; false: it is reported in health only
     * @param smallPages 4 KiB pages only, for memory disks too: to measure what larger ones are worth
     */
    public record Memory(long sizeBytes, boolean hugePages, boolean locked, boolean smallPages) {
        public Memory(long sizeBytes, boolean hugePages, boolean locked) {
            this(sizeBytes, hugePages, locked, false);
        }

        /** The pages that the engine's memory may have. */
        PageUse pages() {
            return smallPages ? PageUse.SMALL : hugePages ? PageUse.RESERVED : PageUse.TRANSPARENT;
        }
    }

    /**
     * The NVMe/TCP target.
     *
     * @param addresses literal IPv4 or IPv6 addresses to listen on; empty: no target
     * @param port for I/O and discovery; 0: any free port (tests)
     * @param nqnPrefix subsystems are named prefix + ':' + uuid
     * @param maxConnections queue pairs of all hosts together
     * @param maxQueueDepth entries of one I/O queue
     * @param maxIoBytes largest transfer of one command (MDTS), a power of two
     * @param inCapsuleBytes in-capsule data size
     * @param maxR2t requests-to-transfer in flight for one command
     * @param congestionControl {@code auto}: the system's, but cubic to hosts on this machine; {@code system}; or a name
     * @param c2hSuccess whether a read that succeeds ends with its data, for hosts with flow control too
     */
    public record Nvmf(List<String> addresses, int port, String nqnPrefix, int maxConnections, int maxQueueDepth,
                       int maxIoBytes, int inCapsuleBytes, int maxR2t, String congestionControl, boolean c2hSuccess) {
        public Nvmf {
            addresses = List.copyOf(addresses);
        }

        /** With the congestion control {@code auto} and the success flag. */
        public Nvmf(List<String> addresses, int port, String nqnPrefix, int maxConnections, int maxQueueDepth,
                    int maxIoBytes, int inCapsuleBytes, int maxR2t) {
            this(addresses, port, nqnPrefix, maxConnections, maxQueueDepth, maxIoBytes, inCapsuleBytes, maxR2t, "auto",
                    true);
        }

        /** The same, listening there. */
        public Nvmf withAddresses(List<String> value) {
            return new Nvmf(value, port, nqnPrefix, maxConnections, maxQueueDepth, maxIoBytes, inCapsuleBytes, maxR2t, congestionControl,
                    c2hSuccess);
        }
    }

    /**
     * How children are rebuilt and made equal, unless a nexus is told otherwise.
     *
     * @param rate bytes per second that one rebuild may read, at most; 0: no limit
     * @param floor what back-off leaves of it at least
     * @param backOff whether it slows down while hosts see much higher latency than without it
     * @param latencyFactor how much higher their p99 may be
     * @param segments pieces of 128 KiB in flight
     * @param windowBytes what one range lock covers, a multiple of 128 KiB
     * @param workers reactors that share the work while they have little else to do
     */
    public record Rebuild(long rate, long floor, boolean backOff, double latencyFactor, int segments, int windowBytes,
                          int workers) {
        RebuildSettings settings() {
            return new RebuildSettings(rate, floor, backOff, latencyFactor, segments, windowBytes, workers);
        }

        private static Rebuild of(RebuildSettings settings) {
            return new Rebuild(settings.rate(), settings.floor(), settings.backOff(), settings.latencyFactor(),
                    settings.segments(), settings.windowBytes(), settings.workers());
        }
    }

    /**
     * Limits fixed at start.
     *
     * @param mailbox commands that may wait for the control reactor
     * @param bdevs block devices in all
     * @param events state changes that are kept
     * @param faultsPerBdev rules of one fault bdev
     * @param operationTimeoutNs an operation that has not ended by then is reported as TIMEOUT (outcome unknown)
     */
    public record Limits(int mailbox, int bdevs, int events, int faultsPerBdev, long operationTimeoutNs) { }

    /**
     * When a disk of a pool is thought ill of. Errors and stalls count for the window.
     *
     * @param errorsDegraded so many I/O errors make it DEGRADED
     * @param errorsSuspected so many SUSPECTED
     * @param stallNs I/O in flight, and none ended for so long: a stall, which makes it DEGRADED
     * @param stallsSuspected so many make it SUSPECTED
     */
    public record Health(long windowNs, int errorsDegraded, int errorsSuspected, long stallNs, int stallsSuspected) {
        public static final Health DEFAULTS = new Health(600_000_000_000L, 1, 10, 10_000_000_000L, 3);
    }

    public EngineConfig withHealth(Health value) {
        return new EngineConfig(version, cores, memory, nvmf, rebuild, limits, value, shutdownDeadlineNs);
    }

    /** The configuration of a user who configured nothing. */
    public static EngineConfig defaults() {
        return new EngineConfig("0.1.0",
                new Cores(List.of(), PollMode.ADAPTIVE, List.of(), 50_000, 500_000_000L, List.of(), List.of(), List.of()),
                new Memory(256L << 20, true, false),
                new Nvmf(List.of("127.0.0.1"), 4420, "nqn.2026-11.io.mizzen", 256, 128, 128 << 10, 8192, 4),
                Rebuild.of(RebuildSettings.DEFAULTS),
                new Limits(1024, 1024, 1024, 64, 60_000_000_000L), Health.DEFAULTS,
                30_000_000_000L);
    }

    public EngineConfig withCores(Cores value) {
        return new EngineConfig(version, value, memory, nvmf, rebuild, limits, health, shutdownDeadlineNs);
    }

    public EngineConfig withMemory(Memory value) {
        return new EngineConfig(version, cores, value, nvmf, rebuild, limits, health, shutdownDeadlineNs);
    }

    public EngineConfig withNvmf(Nvmf value) {
        return new EngineConfig(version, cores, memory, value, rebuild, limits, health, shutdownDeadlineNs);
    }

    public EngineConfig withLimits(Limits value) {
        return new EngineConfig(version, cores, memory, nvmf, rebuild, value, health, shutdownDeadlineNs);
    }

    public EngineConfig withShutdownDeadlineNs(long value) {
        return new EngineConfig(version, cores, memory, nvmf, rebuild, limits, health, value);
    }

    /**
     * Checks every component.
     *
     * @throws io.mizzen.util.OperationException INVALID_ARGUMENT, naming the component
     */
    public void validate() {
        EngineConfigRules.check(this);
    }
}
