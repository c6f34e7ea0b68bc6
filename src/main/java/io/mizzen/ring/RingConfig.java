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
 */
public record RingConfig(int entries, int slots, int files, int connections, int receiveBuffers,
        int receiveBufferBytes) {
    public static final RingConfig DEFAULT = new RingConfig(1024, 16_384, 256, 1024, 256, 16 << 10);
}
