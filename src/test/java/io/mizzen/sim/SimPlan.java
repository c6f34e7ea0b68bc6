package io.mizzen.sim;

import java.util.Random;

/**
 * What a seed's machine looks like.
 *
 * @param poolDisks the first so many disks carry pools, the others are bare
 * @param legs children of each volume
 * @param sweepNs how soon idle regions become clean
 * @param flushes whether hosts flush, and force units
 * @param lives how often the engine starts: each life but the last ends by a power cut
 * @param turns turns of a life under load, at most
 */
record SimPlan(Profile profile, int reactors, int blockBytes, boolean volatileCache, int disks, int poolDisks, int volumes,
        int legs, long volumeBytes, long sweepNs, boolean flushes, int hostsPerVolume, int queuesPerHost,
        int lives, int turns) {
    /** What goes wrong, besides connections. */
    enum Profile {
        /** The power, several times. */
        POWER_CUTS,
        /** Disks and children. */
        FAULTS,
        /** All of it. */
        BOTH
    }

    static SimPlan of(Random random) {
        Profile profile = Profile.values()[random.nextInt(3)];
        int legs = 2 + random.nextInt(2);
        int disks = legs + random.nextInt(2);
        int volumes = random.nextInt(3) == 0 ? 2 : 1;
        int poolDisks = volumes > 1 ? disks : random.nextInt(disks + 1);
        int lives = switch (profile) {
            case POWER_CUTS -> 3 + random.nextInt(3);
            case FAULTS -> 1;
            case BOTH -> 2 + random.nextInt(2);
        };
        long sweepNs = random.nextBoolean() ? 2_000_000 : 1_000_000_000;
        return new SimPlan(profile, 1 + random.nextInt(3), random.nextBoolean() ? 512 : 4096, random.nextInt(3) > 0, disks,
                poolDisks, volumes, legs, (1L + random.nextInt(2)) << 20, sweepNs, random.nextInt(4) > 0, 1 + random.nextInt(2),
                1 + random.nextInt(2), lives, (profile == Profile.FAULTS ? 4000 : 1500) + random.nextInt(3000));
    }
}
