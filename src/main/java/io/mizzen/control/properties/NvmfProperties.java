package io.mizzen.control.properties;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.Pattern;
import java.util.List;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.nvmf.*}: the NVMe/TCP target.
 *
 * @param addresses literal IPv4 or IPv6 addresses to listen on; loopback until told otherwise
 * @param port TCP port for I/O and discovery; 0 lets the kernel choose
 * @param nqnPrefix subsystems are named prefix + ':' + uuid; changing it changes every volume's identity
 * @param maxConnections queue pairs of all hosts together
 * @param maxQueueDepth entries of one I/O queue
 * @param congestionControl of the sockets: {@code auto} (the system's, but cubic to hosts on this machine), {@code system},
 *     or the kernel's name of one
 * @param c2hSuccess whether a read that succeeds ends with its data, without a response of its own (as SPDK's option of that
 *     name); false: only for hosts that switch submission queue flow control off
 */
public record NvmfProperties(@NotEmpty @DefaultValue("127.0.0.1") List<@NotBlank String> addresses,
                             @Min(0) @Max(65535) @DefaultValue("4420") int port,
                             @Pattern(regexp = "nqn\\.[0-9]{4}-(0[1-9]|1[0-2])\\.[A-Za-z0-9.:_-]{1,150}",
                                 message = "must be an NQN prefix such as nqn.2026-11.io.mizzen")
                             @DefaultValue("nqn.2026-11.io.mizzen") String nqnPrefix,
                             @Min(2) @Max(65536) @DefaultValue("256") int maxConnections,
                             @Min(2) @Max(4096) @DefaultValue("128") int maxQueueDepth,
                             @Pattern(regexp = "[a-z0-9_]{1,15}",
                                 message = "must be auto, system, or the kernel's name of a congestion control")
                             @DefaultValue("auto") String congestionControl,
                             @DefaultValue("true") boolean c2hSuccess) {
}
