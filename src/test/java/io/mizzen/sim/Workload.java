package io.mizzen.sim;

import io.mizzen.nvme.Opcodes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The hosts of all volumes and what they do: random commands, never two changes of one block at a time. */
final class Workload {
    private static final int DEPTH = 10;
    private static final int TRANSFER_MAX_BYTES = 64 << 10;

    private final Scenario scenario;
    private final Random random;
    private final Trace trace;
    private final List<List<SimHost>> hosts = new ArrayList<>();
    /** New commands that may still be made up: an operation that takes its time under full load would take ours. */
    private int budget;
    private long acknowledged;
    private long failed;

    Workload(Scenario scenario) {
        this.scenario = scenario;
        this.random = scenario.random;
        this.trace = scenario.trace;
        int number = 1;
        for (SimVolume volume : scenario.volumes) {
            List<SimHost> its = new ArrayList<>();
            for (int i = 0; i < scenario.plan.hostsPerVolume(); i++) {
                its.add(new SimHost(number++, volume.nqn(), scenario.plan.queuesPerHost(), scenario.route, random, trace));
            }
            hosts.add(its);
        }
    }

    /** So many new commands are made up from now on. */
    void setLoad(int commands) {
        budget = commands;
    }

    void turn() {
        for (int v = 0; v < hosts.size(); v++) {
            for (int h = 0; h < hosts.get(v).size(); h++) {
                SimHost host = hosts.get(v).get(h);
                host.poll();
                if (budget > 0 && random.nextInt(8) == 0 && host.outstanding() < DEPTH) {
                    oneCommand(scenario.volumes.get(v), host);
                }
            }
        }
    }

    /** How far time may jump when no reactor has anything to do. */
    long patienceNs() {
        long patience = Long.MAX_VALUE;
        for (List<SimHost> its : hosts) {
            for (SimHost host : its) {
                patience = Math.min(patience, host.patienceNs());
            }
        }
        return patience;
    }

    boolean isConnected() {
        return hosts.stream().allMatch(its -> its.stream().allMatch(SimHost::isReady));
    }

    private void oneCommand(SimVolume volume, SimHost host) {
        int blocks = volume.history().blocks();
        int most = random.nextInt(8) == 0 ? TRANSFER_MAX_BYTES / volume.blockBytes() : 8;
        int count = 1 + random.nextInt(most);
        long lba = random.nextInt(3) == 0 ? random.nextInt(32) : random.nextInt(blocks - count + 1);
        int dice = random.nextInt(21);
        int kind = dice < 10 ? Opcodes.NVM_WRITE : dice == 10 ? Opcodes.NVM_WRITE_ZEROES
                : dice == 11 ? Opcodes.NVM_DATASET_MANAGEMENT : (dice == 12 || dice == 13) && scenario.plan.flushes() ? Opcodes.NVM_FLUSH : Opcodes.NVM_READ;
        boolean changes = dice < 12;
        budget--;
        if (!changes || !volume.history().isWriting(lba, count)) {
            host.submit(new HostCommand(volume, kind, lba, count, changes && kind != Opcodes.NVM_DATASET_MANAGEMENT
                    && scenario.plan.flushes() && random.nextInt(5) == 0, this::onEnd));
        }
    }

    private void onEnd(HostCommand command, int status) {
        if (status == 0) {
            acknowledged++;
        } else {
            failed++;
            trace.event(command + " failed, status " + Integer.toHexString(status));
        }
    }

    /** Hosts read every block of every volume, and are answered. */
    void readEverything() {
        long failedBefore = failed;
        startReadingEverything();
        scenario.await("everything to be read", () -> outstanding() == 0);
        Checks.require(failed == failedBefore, "progress: reads fail though everything is healed");
    }

    /** Hosts read every block of every volume, as soon as they can. */
    void startReadingEverything() {
        for (int v = 0; v < hosts.size(); v++) {
            SimVolume volume = scenario.volumes.get(v);
            int piece = TRANSFER_MAX_BYTES / volume.blockBytes();
            SimHost host = hosts.get(v).getFirst();
            for (int lba = 0; lba < volume.history().blocks(); lba += piece) {
                host.submit(new HostCommand(volume, Opcodes.NVM_READ, lba,
                        Math.min(piece, volume.history().blocks() - lba), false, this::onEnd));
            }
        }
    }

    void onMachineGone() {
        hosts.forEach(its -> its.forEach(SimHost::onMachineGone));
    }

    int outstanding() {
        int sum = 0;
        for (List<SimHost> its : hosts) {
            for (SimHost host : its) {
                sum += host.outstanding();
            }
        }
        return sum;
    }

    SimHost anyHost() {
        List<SimHost> its = hosts.get(random.nextInt(hosts.size()));
        return its.get(random.nextInt(its.size()));
    }

    long acknowledged() {
        return acknowledged;
    }

    long failed() {
        return failed;
    }

    int reconnects() {
        int sum = 0;
        for (List<SimHost> its : hosts) {
            for (SimHost host : its) {
                sum += host.reconnects();
            }
        }
        return sum;
    }

    @Override
    public String toString() {
        return outstanding() + " commands outstanding, " + acknowledged + " answered, " + failed + " failed";
    }
}
