package io.mizzen.ring;

/**
 * Sizes of a ring; fixed at start.
 *
 * @param entries submission entries, a power of two
 * @param slots operations that may be with the kernel at one time
 * @param files registered files
 * @param connections sockets
 * @param receiveBuffers provided receive buffers, a power of two, at most 32,768
 * @param receiveBufferBytes size of one, a multiple of 4 KiB
 * @param congestionControl of the sockets: {@link #AUTO}, {@link #SYSTEM} or the kernel's name of one
 */
public record RingConfig(int entries, int slots, int files, int connections, int receiveBuffers,
        int receiveBufferBytes, String congestionControl) {
    /** The system's, but cubic to a host on this machine: one that paces what it sends only costs there. */
    public static final String AUTO = "auto";
    /** The system's. */
    public static final String SYSTEM = "system";
    public static final RingConfig DEFAULT = new RingConfig(1024, 16_384, 256, 1024, 128, 64 << 10);

    public RingConfig(int entries, int slots, int files, int connections, int receiveBuffers, int receiveBufferBytes) {
        this(entries, slots, files, connections, receiveBuffers, receiveBufferBytes, AUTO);
    }
}
