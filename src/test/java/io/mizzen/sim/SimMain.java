package io.mizzen.sim;

import io.mizzen.lvs.CrashRun;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Runs seeds of the simulator: {@code --seeds N [--first M] [--jobs J]}, or one of them with all that happens printed:
 * {@code --seed S --trace}. With {@code --pools} the seeds are those of pools alone under power cuts; with {@code --everywhere}
 * the power fails at every moment of the disk. Exit status 1: something was found; the command that replays it is printed.
 */
public final class SimMain {
    private long first = 1;
    private long seeds = 100;
    private int jobs = 1;
    private boolean prints;
    private boolean pools;
    private boolean everywhere;
    private final AtomicLong next = new AtomicLong();
    private final List<Long> found = new ArrayList<>();
    private long acknowledged;

    private SimMain() {
    }

    public static void main(String[] arguments) throws InterruptedException {
        SimMain main = new SimMain();
        if (!main.parse(arguments)) {
            System.err.println("usage: sim [--pools [--everywhere]] [--seeds N] [--first M] [--jobs J] | --seed S [--trace]");
            System.exit(2);
        }
        System.exit(main.run());
    }

    private boolean parse(String[] arguments) {
        try {
            for (int i = 0; i < arguments.length; i++) {
                switch (arguments[i]) {
                    case "--seeds" -> seeds = Long.parseLong(arguments[++i]);
                    case "--first" -> first = Long.parseLong(arguments[++i]);
                    case "--jobs" -> jobs = Integer.parseInt(arguments[++i]);
                    case "--seed" -> {
                        first = Long.parseLong(arguments[++i]);
                        seeds = 1;
                    }
                    case "--trace" -> prints = true;
                    case "--pools" -> pools = true;
                    case "--everywhere" -> everywhere = true;
                    default -> {
                        return false;
                    }
                }
            }
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException wrong) {
            return false;
        }
        return jobs > 0 && seeds > 0 && (pools || !everywhere);
    }

    private int run() throws InterruptedException {
        long startNs = System.nanoTime();
        next.set(first);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < jobs; i++) {
            threads.add(Thread.ofPlatform().name("sim-" + i).start(pools ? this::workOnPools : this::work));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.printf("%d seeds from %d in %.1f s, %d commands acknowledged, %d seeds with findings%n", seeds, first,
                (System.nanoTime() - startNs) / 1e9, acknowledged, found.size());
        String kind = pools ? everywhere ? "--pools --everywhere " : "--pools " : "";
        found.stream().sorted().limit(20).forEach(seed -> System.out.println("replay: ./mizzen sim " + kind + "--seed " + seed
                + " --trace"));
        return found.isEmpty() ? 0 : 1;
    }

    private void work() {
        SimMemory memory = new SimMemory();
        for (long seed = next.getAndIncrement(); seed < first + seeds; seed = next.getAndIncrement()) {
            Trace trace = new Trace(prints);
            try {
                Scenario.Result result = new Scenario(seed, memory, trace).run();
                synchronized (this) {
                    acknowledged += result.acknowledged();
                }
                if (seeds == 1) {
                    System.out.println(result);
                }
            } catch (Throwable finding) {
                report(seed, trace, finding);
            }
        }
    }

    private void workOnPools() {
        CrashRun run = new CrashRun();
        for (long seed = next.getAndIncrement(); seed < first + seeds; seed = next.getAndIncrement()) {
            String finding = run.apply(seed, everywhere);
            synchronized (this) {
                acknowledged = run.acknowledged() + acknowledged;
                if (finding != null) {
                    found.add(seed);
                    System.out.println("seed " + seed + ": " + finding);
                }
                if (seeds == 1) {
                    run.replay(seed, everywhere, prints).forEach(System.out::println);
                }
            }
        }
    }

    private synchronized void report(long seed, Trace trace, Throwable finding) {
        found.add(seed);
        System.out.println("seed " + seed + ": " + finding);
        if (seeds == 1) {
            if (!prints) {
                trace.last().forEach(System.out::println);
            }
            finding.printStackTrace(System.out);
        }
    }
}
