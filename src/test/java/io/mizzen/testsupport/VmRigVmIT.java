package io.mizzen.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guest machine offers what the tests in it rely on. */
class VmRigVmIT {
    @TempDir
    private Path directory;

    @Test
    void guestHasNvmeTcpFileSystemsAndIpv6AndReturnsTheStatus() {
        String script = """
                modprobe -a nvme_tcp ext4 xfs
                grep -q '^nvme_tcp ' /proc/modules
                grep -qw ext4 /proc/filesystems
                grep -qw xfs /proc/filesystems
                ip -6 address show dev lo | grep -q ::1/128
                nvme version
                exit 7
                """;
        try (VmRig.Guest guest = VmRig.guest().start(script)) {
            assertThat(guest.awaitExit()).as(guest.output()).isEqualTo(7);
            assertThat(guest.output()).contains("nvme version");
        }
    }

    @Test
    void guestAndHostMeetOverLoopbackAndSharedFiles() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            server.setSoTimeout((int) Duration.ofMinutes(10).toMillis());
            String script = """
                    echo "waiting"
                    until [ -e %1$s/go ]; do sleep 0.2; done
                    exec 3<>/dev/tcp/%2$s/%3$d
                    echo from-the-guest >&3
                    read -r answer <&3
                    echo "answer: $answer"
                    echo kept > %1$s/result
                    """.formatted(directory, VmRig.HOST_ADDRESS, server.getLocalPort());
            try (VmRig.Guest guest = VmRig.guest().net().share(directory).start(script)) {
                guest.awaitOutput("waiting");
                Files.createFile(directory.resolve("go"));
                try (Socket connection = server.accept()) {
                    byte[] greeting = connection.getInputStream().readNBytes("from-the-guest\n".length());
                    assertThat(new String(greeting, StandardCharsets.UTF_8)).isEqualTo("from-the-guest\n");
                    connection.getOutputStream().write("from-the-host\n".getBytes(StandardCharsets.UTF_8));
                    assertThat(guest.succeed()).contains("answer: from-the-host");
                }
            }
        }
        assertThat(directory.resolve("result")).hasContent("kept");
    }

    @Test
    void guestThatHangsIsEndedAtItsLimit() {
        try (VmRig.Guest guest = VmRig.guest().timeout(Duration.ofSeconds(3)).start("sleep 600")) {
            assertThatThrownBy(guest::awaitExit).isInstanceOf(AssertionError.class).hasMessageContaining("out of time");
        }
    }
}
