package io.mizzen.ffi;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;

/** {@code struct sockaddr_in} and {@code struct sockaddr_in6}. Cold path. */
public final class Sockaddr {
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int IN_SIZE_BYTES = 16;
    public static final int IN6_SIZE_BYTES = 28;

    private static final ValueLayout.OfShort FAMILY = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private Sockaddr() {
    }

    public static int family(InetSocketAddress address) {
        return address.getAddress() instanceof Inet6Address ? AF_INET6 : AF_INET;
    }

    /** Writes the address; returns its size in bytes. The segment has room for {@link #IN6_SIZE_BYTES}. */
    public static int write(MemorySegment segment, InetSocketAddress address) {
        segment.asSlice(0, IN6_SIZE_BYTES).fill((byte) 0);
        int family = family(address);
        segment.set(FAMILY, 0, (short) family);
        segment.set(NETWORK_SHORT, 2, (short) address.getPort());
        byte[] bytes = address.getAddress().getAddress();
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, family == AF_INET ? 4 : 8, bytes.length);
        if (address.getAddress() instanceof Inet6Address six) {
            segment.set(ValueLayout.JAVA_INT, 24, six.getScopeId());
        }
        return family == AF_INET ? IN_SIZE_BYTES : IN6_SIZE_BYTES;
    }

    /** Reads an address that the kernel wrote. */
    public static InetSocketAddress read(MemorySegment segment) {
        int family = segment.get(FAMILY, 0);
        byte[] bytes = new byte[family == AF_INET6 ? 16 : 4];
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, family == AF_INET6 ? 8 : 4, bytes, 0, bytes.length);
        int port = segment.get(NETWORK_SHORT, 2) & 0xFFFF;
        try {
            InetAddress address = family == AF_INET6
                    ? Inet6Address.getByAddress(null, bytes, segment.get(ValueLayout.JAVA_INT, 24))
                    : Inet4Address.getByAddress(bytes);
            return new InetSocketAddress(address, port);
        } catch (UnknownHostException e) {
            throw new AssertionError("an address of " + bytes.length + " bytes", e);
        }
    }
}
