package io.mizzen.sim;

import java.util.Random;

/**
 * What a seed's machine looks like.
 *
 * @param poolDisks the first so many disks carry pools, the others are bare
 * @param legs children of each volume
 * @param lives how often the engine starts: each life but the last ends by a power cut
 * @param turns turns of a life under load, at most
 */
record SimPlan(int reactors, int blockBytes, boolean volatileCache, int disks, int poolDisks, int volumes, int legs,
        long volumeBytes, int hostsPerVolume, int queuesPerHost, int lives, int turns) {
    static SimPlan of(Random random) {
        int legs = 2 + random.nextInt(2);
        int disks = legs + random.nextInt(2);
        int volumes = 1 + random.nextInt(2);
        int bareAllowed = Math.max(0, disks - random.nextInt(disks + 1));
        int poolDisks = volumes > 1 ? disks : disks - Math.min(bareAllowed, disks);
        return new SimPlan(1 + random.nextInt(3), random.nextBoolean() ? 512 : 4096, random.nextBoolean(), disks, poolDisks,
                volumes, legs, (1L + random.nextInt(2)) << 20, 1 + random.nextInt(2), 1 + random.nextInt(2),
                1 + random.nextInt(3), 4000 + random.nextInt(4000));
    }
}
