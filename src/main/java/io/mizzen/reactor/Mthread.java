package io.mizzen.reactor;

import io.mizzen.util.HotPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jctools.queues.atomic.MpscAtomicArrayQueue;

/**
 * A unit of work of one reactor: its messages, its pollers and, where it serves sockets, its poll group. Any thread may
 * post; everything else is for the reactor's own thread. I/O channels belong to an mthread.
 */
public final class Mthread {
    /** Messages that may wait in a ring. */
    public static final int RING_CAPACITY = 8192;
    /** Messages run in one turn, so that one sender cannot starve the pollers. */
    static final int MESSAGE_BATCH_MAX = 64;

    private final int id;
    private final String name;
    private final Reactor reactor;
    private final MpscAtomicArrayQueue<Message> ring = new MpscAtomicArrayQueue<>(RING_CAPACITY);
    private Poller[] pollers = new Poller[8];
    private int pollerCount;
    private boolean pollersRemoved;
    private long messageCount;
    private long messageBatchMax;
    private volatile boolean destroyed;

    Mthread(int id, String name, Reactor reactor) {
        this.id = id;
        this.name = name;
        this.reactor = reactor;
    }

    /** Number unique among the living mthreads of the process, below {@link Reactors#MTHREAD_MAX}. */
    @HotPath
    public int id() {
        return id;
    }

    public String name() {
        return name;
    }

    @HotPath
    public Reactor reactor() {
        return reactor;
    }

    /** Posts from any thread. False when the ring is full or the mthread is gone: the caller answers for that. */
    @HotPath
    public boolean post(Message message) {
        assert !message.posted;
        message.posted = true;
        if (destroyed || !ring.offer(message)) {
            message.posted = false;
            return false;
        }
        reactor.wakeIfSleeping();
        return true;
    }

    /** Posts a piece of cold work; allocates. False as for {@link #post(Message)}. */
    public boolean post(Runnable work) {
        return post(new Message() {
            @Override
            public void run() {
                work.run();
            }
        });
    }

    /**
     * Posts from a reactor, whatever happens: a full ring makes the message wait on the sender and be offered again
     * every turn. Order between two messages of one sender to one target holds.
     */
    @HotPath
    public void send(Message message, Reactor sender) {
        assert sender.isCurrent();
        if (sender.outboxIsEmpty() && post(message)) {
            return;
        }
        message.posted = true;
        message.target = this;
        sender.addToOutbox(message);
    }

    /** Sends a piece of cold work from the current reactor; allocates. */
    public void send(Runnable work) {
        send(new Message() {
            @Override
            public void run() {
                work.run();
            }
        }, Reactor.current());
    }

    /** Offers again what waited in an outbox; {@code posted} is already set. */
    @HotPath
    boolean offerAgain(Message message) {
        assert !destroyed;
        message.target = null;
        if (!ring.offer(message)) {
            message.target = this;
            return false;
        }
        reactor.wakeIfSleeping();
        return true;
    }

    /** Adds a poller. {@code periodNs} 0: every turn. A poller without a period relies on an event source to be woken. */
    public Poller addPoller(String pollerName, long periodNs, Poller.Function function) {
        assert reactor.isCurrent();
        if (periodNs < 0) {
            throw new IllegalArgumentException("negative period");
        }
        if (pollerCount == pollers.length) {
            pollers = Arrays.copyOf(pollers, pollerCount * 2);
        }
        Poller poller = new Poller(pollerName, periodNs, function, reactor.nowNs());
        pollers[pollerCount++] = poller;
        return poller;
    }

    /** Removes a poller; it is not called afterwards. */
    public void removePoller(Poller poller) {
        assert reactor.isCurrent();
        poller.removed = true;
        pollersRemoved = true;
    }

    @HotPath
    int poll(long nowNs) {
        int work = drain();
        for (int i = 0; i < pollerCount; i++) {
            Poller poller = pollers[i];
            if (!poller.removed) {
                work += poller.poll(nowNs);
            }
        }
        if (pollersRemoved) {
            compactPollers();
        }
        return work;
    }

    @HotPath
    private int drain() {
        int count = 0;
        while (count < MESSAGE_BATCH_MAX) {
            Message message = ring.relaxedPoll();
            if (message == null) {
                break;
            }
            message.posted = false;
            message.run();
            count++;
        }
        if (count != 0) {
            messageCount += count;
            messageBatchMax = Math.max(messageBatchMax, count);
        }
        return count;
    }

    private void compactPollers() {
        int kept = 0;
        for (int i = 0; i < pollerCount; i++) {
            if (!pollers[i].removed) {
                pollers[kept++] = pollers[i];
            }
        }
        Arrays.fill(pollers, kept, pollerCount, null);
        pollerCount = kept;
        pollersRemoved = false;
    }

    @HotPath
    boolean hasMessages() {
        return !ring.isEmpty();
    }

    /** When the next periodic poller is due, or Long.MAX_VALUE. */
    @HotPath
    long nextDueNs() {
        long next = Long.MAX_VALUE;
        for (int i = 0; i < pollerCount; i++) {
            Poller poller = pollers[i];
            if (poller.periodNs() != 0) {
                next = Math.min(next, poller.nextDueNs());
            }
        }
        return next;
    }

    void markDestroyed() {
        destroyed = true;
    }

    /** Messages run so far. Any thread. */
    public long messageCount() {
        return messageCount;
    }

    /** Most messages run in one turn. Any thread. */
    public long messageBatchMax() {
        return messageBatchMax;
    }

    /** The pollers, a copy. Any thread, approximate. */
    public List<Poller> pollers() {
        List<Poller> copy = new ArrayList<>();
        Poller[] array = pollers;
        for (Poller poller : array) {
            if (poller != null && !poller.removed) {
                copy.add(poller);
            }
        }
        return copy;
    }

    @Override
    public String toString() {
        return name + "@" + reactor.core();
    }
}
