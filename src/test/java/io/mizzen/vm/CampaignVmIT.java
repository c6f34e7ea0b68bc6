package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.VmRig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * A host writes, trims and verifies with fio for ten minutes on a nexus over three children while a {@link Campaign} goes on,
 * which kills the engine twenty times and more: no wrong byte, no failed I/O, and in the end all healthy children are equal.
 *
 * <p>{@code -Dcampaign.seconds=60} makes it shorter, {@code -Dtests.long=true} an hour;
 * {@code -Dcampaign.seed=N} repeats the choices of an earlier one. A failure prints what happened and keeps the
 * directory with the engine's log and the pools.
 */
class CampaignVmIT {
    private static final Duration DEFAULT = Duration.ofMinutes(10);
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration BEFORE_AND_AFTER = Duration.ofMinutes(25);
    private static final long VOLUME_BYTES = 64L << 20;
    private static final int SECONDS_PER_KILL_MAX = 30;

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    private Path directory;

    @Test
    void noByteIsLostWhateverHappensToChildrenAndEngine() throws IOException {
        Duration duration = Duration.ofSeconds(Long.getLong("campaign.seconds",
                (Boolean.getBoolean("tests.long") ? LONG : DEFAULT).toSeconds()));
        long seed = Long.getLong("campaign.seed", System.nanoTime() % 1_000_000);
        try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.cores", "0,1").start()) {
            CampaignVolume volume = new CampaignVolume(engine, directory, VOLUME_BYTES);
            Campaign campaign = new Campaign(engine, volume, seed);
            try {
                run(engine, volume, campaign, duration);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("campaign in " + directory + ", " + campaign.story() + "\n" + e.getMessage(), e);
            }
            assertThat(campaign.kills()).isGreaterThanOrEqualTo(killsMin(duration));
            assertThat(campaign.done()).containsAll(kinds(duration));
            System.out.println(campaign.story());
        }
    }

    private static int killsMin(Duration duration) {
        return (int) (duration.toSeconds() / SECONDS_PER_KILL_MAX);
    }

    /** Steps that one of this length comes to. */
    private static Set<String> kinds(Duration duration) {
        return duration.compareTo(DEFAULT) < 0 ? Set.of()
                : Set.of("fault", "offline", "online", "remove", "add", "await", "fail-writes", "fail-reads");
    }

    private void run(EngineProcess engine, CampaignVolume volume, Campaign campaign, Duration duration) throws IOException {
        Path shared = HostRun.directory(directory, "shared");
        String script = String.join(" ", "volume-campaign", VmRig.HOST_ADDRESS, "" + engine.nvmfPort(), volume.nqn(),
                shared.toString());
        HostRun.run(engine, shared, duration.multipliedBy(Campaign.TIMES_MAX).plus(BEFORE_AND_AFTER), script, guest -> {
            guest.awaitOutput("campaign: writing");
            volume.awaitWrites(1);
            campaign.run(duration, killsMin(duration), kinds(duration));
            campaign.heal();
            Files.createFile(shared.resolve("stop"));
            guest.succeed();
        });
        List<String> healthy = CampaignVolume.legs(volume.view(), CampaignVolume::isHealthy);
        assertThat(healthy).hasSize(CampaignVolume.CHILDREN);
        engine.stopCleanly();
        assertThat(volume.difference(healthy)).isNull();
    }
}
