package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.lvs.SlowDecoder;
import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.VerifyingHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The packaged engine, killed again and again while a host writes to a thin replica, unmaps and zeroes it, and an operator
 * makes, resizes and deletes others: nothing acknowledged is lost, the pool's metadata is whole each time, on the disk and
 * for the engine. {@code -Dkills=N} says how often, {@code -Dkill.seed=N} repeats a host's choices.
 */
class KilledEngineIT {
    private static final int KILLS = Integer.getInteger("kills", 20);
    private static final int COMMANDS_MAX = 1500;
    private static final long MIB = 1 << 20;
    private static final long VOLUME_BYTES = 96 * MIB;
    private static final String POOL = "/v1/pools/11111111-1111-4111-8111-1111111111c1";
    private static final String UUID_TEXT = "22222222-2222-4222-8222-2222222222c1";
    private static final String REPLICA = "/v1/replicas/" + UUID_TEXT;

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    private Path directory;

    @Test
    void nothingAcknowledgedIsLostHoweverOftenTheEngineIsKilled() throws InterruptedException {
        long seed = Long.getLong("kill.seed", System.nanoTime() % 1_000_000);
        Random random = new Random(seed);
        Path disk = directory.resolve("pool.img");
        try (EngineProcess engine = EngineProcess.in(directory).start();
                VerifyingHost host = new VerifyingHost("nqn.2026-11.io.mizzen:" + UUID_TEXT, VOLUME_BYTES, MIB, seed)) {
            engine.http().put(POOL, "{\"name\": \"c\", \"clusterSizeBytes\": \"1MiB\", \"disks\": [\"uring://" + disk
                    + "?create=true&size_mb=192\"]}").expect(201);
            engine.http().put(REPLICA, "{\"name\": \"thin\", \"pool\": \"c\", \"thin\": true, \"sizeBytes\": " + VOLUME_BYTES + "}")
                    .expect(201);
            engine.http().put(REPLICA + "/share", "{\"allowedHosts\": [\"any\"]}").expect(200);
            for (int kill = 1; kill <= KILLS; kill++) {
                try {
                    live(engine, host, random);
                    check(engine, disk);
                    engine.start();
                } catch (AssertionError e) {
                    throw new AssertionError("kill " + kill + " of seed " + seed + ", in " + directory + ": " + e.getMessage(), e);
                }
            }
            host.connect(engine.nvmfPort());
            host.verify();
            host.close();
            assertThat(host.acknowledged()).isGreaterThan(KILLS * 10L);
            engine.stopCleanly();
            assertThat(decode(disk).clean).isTrue();
        }
    }

    /** Ends by a kill in the midst of it all. */
    private void live(EngineProcess engine, VerifyingHost host, Random random) throws InterruptedException {
        host.connect(engine.nvmfPort());
        host.verify();
        AtomicReference<Throwable> wrong = new AtomicReference<>();
        Thread operator = Thread.ofPlatform().name("operator").start(() -> operate(engine, random.nextLong(), wrong));
        host.send(100 + random.nextInt(COMMANDS_MAX));
        engine.killHard();
        host.onKilled();
        operator.join();
        if (wrong.get() != null) {
            throw new AssertionError("operator: " + wrong.get().getMessage(), wrong.get());
        }
    }

    /** Makes, resizes and deletes replicas, until nobody answers. */
    private static void operate(EngineProcess engine, long seed, AtomicReference<Throwable> wrong) {
        Random random = new Random(seed);
        EngineHttp http = engine.http();
        try {
            while (true) {
                String replica = "/v1/replicas/" + new UUID(0x4000, 0x8000_0000_0000_0000L | random.nextInt(6));
                int status = switch (random.nextInt(3)) {
                    case 0 -> http.put(replica, "{\"pool\": \"c\", \"thin\": " + random.nextBoolean() + ", \"sizeBytes\": \""
                            + (1 + random.nextInt(9)) + "MiB\"}").status();
                    case 1 -> http.put(replica + "/size", "{\"sizeBytes\": \"" + (1 + random.nextInt(9))
                            + "MiB\", \"shrink\": true}").status();
                    default -> http.delete(replica).status();
                };
                if (status >= 500 && status != 507) {
                    throw new AssertionError("status " + status);
                }
            }
        } catch (UncheckedIOException killed) {
            return;
        } catch (AssertionError | RuntimeException e) {
            wrong.set(e);
        }
    }

    /** What the independent decoder finds on the disk of a killed engine. */
    private static void check(EngineProcess engine, Path disk) {
        assertThat(engine.isAlive()).isFalse();
        SlowDecoder decoder = decode(disk);
        assertThat(decoder.clean).isFalse();
        assertThat(decoder.volumes).containsKey("thin");
        assertThat(decoder.volumes.get("thin").clusters).hasSize((int) (VOLUME_BYTES / MIB));
    }

    static SlowDecoder decode(Path disk) {
        return new SlowDecoder((atBytes, sizeBytes) -> {
            ByteBuffer data = ByteBuffer.allocate(sizeBytes);
            try (FileChannel file = FileChannel.open(disk)) {
                while (data.hasRemaining()) {
                    if (file.read(data, atBytes + data.position()) < 0) {
                        throw new IOException(disk + " ends at " + file.size());
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return data.array();
        });
    }
}
