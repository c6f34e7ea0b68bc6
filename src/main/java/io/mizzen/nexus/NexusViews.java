package io.mizzen.nexus;

import io.mizzen.bdev.IoChannel;
import java.util.ArrayList;
import java.util.List;

/** Sums over channels and children. Any thread, approximate. */
final class NexusViews {
    private NexusViews() {
    }

    static List<ChildStatus> children(Nexus nexus) {
        List<ChildStatus> list = new ArrayList<>();
        boolean suspects = nexus.dirtyMap().suspectCount() != 0;
        for (NexusChild child : nexus.children()) {
            ChildCounters sum = new ChildCounters();
            child.sumCounters(sum);
            for (IoChannel channel : nexus.channels()) {
                ((NexusChannel) channel).sumCounters(child, sum);
            }
            boolean resyncing = child.isUsable() && suspects && child.index() != nexus.source();
            list.add(new ChildStatus(child.index(), child.name(), child.memberUuid(), child.state(), child.reason(),
                    resyncing, child.isAttached(), child.isLocal(), child.changedAtMs(), sum.reads, sum.readErrors,
                    sum.readRetries, sum.writes, sum.writeErrors));
        }
        return list;
    }

    static int frozenIos(Nexus nexus) {
        int sum = 0;
        for (IoChannel channel : nexus.channels()) {
            sum += ((NexusChannel) channel).frozenCount();
        }
        return sum;
    }
}
