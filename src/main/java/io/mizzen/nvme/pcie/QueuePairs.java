package io.mizzen.nvme.pcie;

import io.mizzen.nvme.Properties;
import io.mizzen.pci.PciDevice;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The I/O queue pairs of a controller: pair {@code n} belongs to reactor {@code n}; where there are fewer pairs than
 * reactors, they are shared. Admin reactor, unless a method says otherwise.
 */
final class QueuePairs {
    private final PciDevice device;
    private final Reactors reactors;
    private final Mthread admin;
    private final NvmeOptions options;
    private volatile IoQueuePair[] pairs = {};

    QueuePairs(PciDevice device, Reactors reactors, Mthread admin, NvmeOptions options) {
        this.device = device;
        this.reactors = reactors;
        this.admin = admin;
        this.options = options;
    }

    /** A snapshot. Any thread. */
    IoQueuePair[] all() {
        return pairs;
    }

    int count() {
        return pairs.length;
    }

    /** How many there should be: one per reactor, as far as there are doorbells. */
    int wanted(ControllerRegisters registers) {
        return Math.min(reactors.all().size(), doorbellsThatFit(registers));
    }

    /** Queue pairs, the admin queue aside, whose doorbells lie within BAR 0. */
    int doorbellsThatFit(ControllerRegisters registers) {
        long bytes = device.barSizeBytes() - Properties.DOORBELLS;
        return (int) Math.min(Integer.MAX_VALUE, bytes / (2L * registers.doorbellStrideBytes())) - 1;
    }

    /**
     * Takes the memory of so many pairs.
     *
     * @throws io.mizzen.util.OperationException RESOURCE_EXHAUSTED; what there is by then is freed by {@link #free}
     */
    void make(int count, IoQueuePair.Owner owner, QueueMemory memory, ControllerRegisters registers, WireInterrupt wire) {
        assert pairs.length == 0;
        int entries = Math.min(options.queueEntries(), Integer.highestOneBit(Properties.capEntriesMax(registers.cap())));
        for (int i = 0; i < count; i++) {
            Reactor reactor = reactors.all().get(i);
            IoQueuePair pair = new IoQueuePair(owner, i + 1, entries, reactor, memory, registers, options,
                    wakerFor(i + 1, reactor, wire));
            IoQueuePair[] grown = Arrays.copyOf(pairs, i + 1);
            grown[i] = pair;
            pairs = grown;
        }
    }

    /** What wakes the reactor, if it ever sleeps: a vector of the queue's own, or the wire; else null. */
    private PairWaker wakerFor(int queueId, Reactor reactor, WireInterrupt wire) {
        if (!options.interrupts() || reactor.spinNs() < 0) {
            return null;
        }
        if (reactor.fdWatcher() != null && queueId < device.interruptVectors()) {
            return new VectorWaker(reactor, queueId, device.interruptFd(queueId));
        }
        return wire.works() ? wire.waker(reactor) : null;
    }

    /** Frees all but the first so many: the controller did not make the others, and nobody knows them. */
    void keep(int count) {
        for (int i = count; i < pairs.length; i++) {
            pairs[i].free();
        }
        pairs = Arrays.copyOf(pairs, count);
    }

    /** Gives the memory back: the device reaches it no more. The counters stay. */
    void free() {
        for (IoQueuePair pair : pairs) {
            pair.free();
        }
    }

    /** The pair that serves a reactor. Any thread. */
    IoQueuePair of(Reactor reactor) {
        IoQueuePair[] some = pairs;
        return some[reactor.index() % some.length];
    }

    /** Runs something on the reactor of every pair, then something here. */
    void forEach(Consumer<IoQueuePair> action, Runnable done) {
        IoQueuePair[] some = pairs;
        if (some.length == 0) {
            done.run();
            return;
        }
        int[] left = {some.length};
        for (IoQueuePair pair : some) {
            pair.reactor().mthread().send(() -> {
                action.accept(pair);
                admin.send(() -> {
                    if (--left[0] == 0) {
                        done.run();
                    }
                });
            });
        }
    }
}
