package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.util.ErrorKind;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A disk that somebody else seems to use becomes no child by mistake. On this machine's rings. */
@Timeout(300)
class NexusDisksTest {
    private static final String N = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String R = "11111111-1111-4111-8111-111111111111";
    private static final String LEG = "malloc:///leg?size_mb=32";
    private static final int SIZE_BYTES = 32 << 20;
    private static final int GPT_AT = 512;

    @TempDir
    Path directory;
    private Path file;
    private String disk;

    @BeforeEach
    void makeADiskWithAPartitionTable() throws IOException {
        file = directory.resolve("disk");
        disk = "uring://" + file + "?name=disk";
        try (RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw")) {
            content.setLength(SIZE_BYTES);
        }
        putPartitionTable();
    }

    private void putPartitionTable() throws IOException {
        try (RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw")) {
            content.seek(GPT_AT);
            content.write("EFI PART".getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static NexusSpec nexus(List<String> overwrite, String... children) {
        return new NexusSpec(N, "vol", List.of(children), 0, null, overwrite);
    }

    private static List<String> bdevs(RunningEngine r) {
        return r.ask.get(r.engine.bdevs()).stream().map(BdevView::name).toList();
    }

    @Test
    void aNewNexusTakesADiskThatIsNotEmptyOnRequestOnly() throws IOException {
        byte[] before = Files.readAllBytes(file);
        try (RunningEngine r = new RunningEngine()) {
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "disk-not-empty", r.engine.createNexus(nexus(List.of(), LEG, disk)), "disk",
                    "[gpt]", "overwrite");
            assertThat(bdevs(r)).isEmpty();
            assertThat(Files.readAllBytes(file)).isEqualTo(before);
            String through = "fault:///f?base=" + BdevUri.encode(disk);
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "disk-not-empty", r.engine.createNexus(nexus(List.of("ext4"), through)), "[gpt]");
            r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-overwrite", r.engine.createNexus(nexus(List.of("all"), LEG)), "all");
            r.ask.get(r.engine.createNexus(nexus(List.of("gpt"), LEG, disk)));
        }
    }

    /** It is the nexus's own, whatever lies before its metadata. */
    @Test
    void aNexusThatIsThereIsAssembledWithoutAWord() throws IOException {
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createNexus(nexus(List.of("any"), disk)));
            r.ask.get(r.engine.shutdownNexus(N));
            putPartitionTable();
            assertThat(r.ask.get(r.engine.assembleNexus(nexus(List.of(), disk), false)).state()).isEqualTo("ONLINE");
            r.ask.get(r.engine.shutdownNexus(N));
            r.ask.get(r.engine.destroyNexus(N));
            NexusView again = r.ask.get(r.engine.createNexus(nexus(List.of(), disk)));
            assertThat(again.state()).isEqualTo("ONLINE");
            assertThat(again.generation()).isGreaterThan(2);
        }
    }

    /** Nobody has it open, and the signatures before its metadata are nobody's: it is the nexus's all the same. */
    @Test
    void aDiskThatANexusThatIsShutDownIsAssembledFromIsNotMadeAPool() throws IOException {
        byte[] before = null;
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createNexus(nexus(List.of("any"), disk)));
            r.ask.get(r.engine.shutdownNexus(N));
            before = Files.readAllBytes(file);
            for (String named : List.of(disk, "fault:///f?base=" + BdevUri.encode(disk))) {
                r.ask.refused(ErrorKind.FAILED_PRECONDITION, "bdev-in-use", r.engine.createPool(new PoolSpec("p", null, List.of(named),
                        1 << 20, List.of("any"), true)), "shut down", "/v1/nexuses/" + N + "/assembly", "DELETE");
            }
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "bdev-in-use", r.engine.importPool(new PoolSpec("p", null, List.of(disk), 0,
                    List.of(), true), PoolImport.NORMAL), "shut down");
            assertThat(Files.readAllBytes(file)).isEqualTo(before);
            r.ask.get(r.engine.destroyNexus(N));
            r.ask.get(r.engine.createPool(new PoolSpec("p", null, List.of(disk), 1 << 20, List.of("any"), true)));
        }
    }

    @Test
    void aNewChildIsADiskThatIsNotEmptyOnRequestOnly() throws IOException {
        byte[] before = Files.readAllBytes(file);
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createNexus(new NexusSpec(N, "vol", List.of(LEG), 16 << 20, null)));
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "disk-not-empty", r.engine.addNexusChild(N, disk), "[gpt]", "overwrite");
            r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-overwrite", r.engine.addNexusChild(N, disk, List.of("all")), "all");
            assertThat(r.ask.get(r.engine.nexus(N)).children()).hasSize(1);
            assertThat(bdevs(r)).doesNotContain("disk");
            assertThat(Files.readAllBytes(file)).isEqualTo(before);
            assertThat(r.ask.get(r.engine.addNexusChild(N, disk, List.of("gpt"))).children()).hasSize(2);
            r.ask.get(r.engine.offlineNexusChild(N, disk));
            r.ask.get(r.engine.onlineNexusChild(N, disk));
        }
    }

    /** What a disk is worth to its own pool, and what a replica holds, which may be a file system of its host. */
    @Test
    void aPoolsDiskIsRefusedAndAReplicaIsNotLookedAt() throws IOException {
        Path store = directory.resolve("store");
        String uri = "uring://" + store + "?name=store";
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createPool(new PoolSpec("p0", null, List.of(uri + "&create=true&size_mb=64"), 1 << 20, List.of(), false)));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(R, "r", "p0", 16 << 20, false)));
            r.ask.get(r.engine.exportPool("p0"));
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "disk-not-empty", r.engine.createNexus(nexus(List.of(), uri)), "lvstore", "import");
            r.ask.get(r.engine.importPool(new PoolSpec("p0", null, List.of(uri), 0, List.of(), false)));
            String nqn = r.ask.get(r.engine.shareReplica(R, new ShareSpec(List.of("any")))).share().nqn();
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                byte[] header = Arrays.copyOf("EFI PART".getBytes(StandardCharsets.US_ASCII), 512);
                assertThat(io.write(1, 1, header, 512, true).status()).isZero();
            }
            r.ask.get(r.engine.unshareReplica(R));
            r.ask.get(r.engine.createNexus(nexus(List.of(), "lvol:///p0/r")));
        }
    }
}
