package io.mizzen.lvs;

import java.util.Random;

/**
 * What a seed's pool and its lives look like.
 *
 * @param clusters of the disk, 1 MiB each, with the one that holds the metadata
 * @param pagesPerHundredClusters metadata pages: few, so that they run out
 * @param volumes that there may be at one time
 * @param steps changes and I/Os that may be under way at one time
 * @param lives each but the last ends by a power cut
 * @param turns of one life
 * @param checkOneIn at one in so many moments of the disk the power fails for a twin of the machine, which is checked
 * @param fails whether writes fail now and then
 */
record CrashPlan(int blockBytes, boolean volatileCache, boolean unmapsToZeroes, int clusters, int pagesPerHundredClusters,
        int volumes, int steps, int lives, int turns, int checkOneIn, boolean fails) {
    static final long CLUSTER_BYTES = 1 << 20;

    static CrashPlan of(Random random) {
        boolean isLarge = random.nextInt(24) == 0;      // Volumes of more than one extent page.
        int clusters = isLarge ? 560 + random.nextInt(600) : 6 + random.nextInt(34);
        return new CrashPlan(random.nextBoolean() ? 512 : 4096, random.nextInt(4) > 0, random.nextBoolean(), clusters,
                isLarge ? 4 : 60 + random.nextInt(60), 1 + random.nextInt(5), 1 + random.nextInt(5), 1 + random.nextInt(3),
                150 + random.nextInt(700), isLarge ? 64 : 24, random.nextInt(6) == 0);
    }

    /** How far the disk can grow. */
    long diskBytesMax() {
        return (clusters + clusters / 3) * CLUSTER_BYTES;
    }

    /** The same, with a cut at every single moment of the disk. */
    CrashPlan cutEverywhere() {
        return new CrashPlan(blockBytes, volatileCache, unmapsToZeroes, clusters, pagesPerHundredClusters, volumes, steps, lives,
                turns, 1, fails);
    }
}
