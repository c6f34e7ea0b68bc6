package io.mizzen.sim;

import io.mizzen.bdev.Status;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Properties;
import io.mizzen.testsupport.FakeSockets;
import io.mizzen.testsupport.NvmeTcpClient;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

/**
 * A model of a Linux host with one volume: an admin queue and several I/O queues, commands in flight on each. When a
 * connection ends, all are given up, the host connects again a while later and sends what was not answered once more. A
 * command that fails with leave to retry is retried a few times. Never waits: {@link #poll} does what can be done now.
 *
 * <pre>
 * AWAY → ADMIN_INIT → ADMIN_CONNECT → ENABLING → IDENTIFYING → (QUEUE_INIT → QUEUE_CONNECT) per queue → READY
 *   ↑ a connection ended, or a step was refused: all over again after a while
 * </pre>
 */
final class SimHost {
    /** Where the host finds the target now; null while there is none. */
    interface Route {
        FakeSockets network();

        long nowNs();
    }

    private enum State {
        AWAY, ADMIN_INIT, ADMIN_CONNECT, ENABLING, IDENTIFYING, QUEUE_INIT, QUEUE_CONNECT, READY
    }

    /** A connection with what is in flight on it. */
    private static final class Queue {
        private final FakeSockets.Peer peer;
        private final NvmeTcpClient client;
        private final Map<Integer, HostCommand> sent = new HashMap<>();

        Queue(FakeSockets.Peer peer) {
            this.peer = peer;
            this.client = new NvmeTcpClient(peer);
        }
    }

    static final InetSocketAddress TARGET = new InetSocketAddress("127.0.0.1", 4420);
    private static final int QUEUE_ENTRIES = 16;
    private static final int RETRIES_MAX = 5;
    private static final long RECONNECT_NS = 300_000_000L;
    private static final long RETRY_NS = 20_000_000L;

    private final String name;
    private final UUID id;
    private final String subsystem;
    private final int queueCount;
    private final int digests;
    private final Route route;
    private final Random random;
    private final Trace trace;
    private final List<Queue> queues = new ArrayList<>();
    /** Commands that are to be sent, again or for the first time. */
    private final List<HostCommand> waiting = new ArrayList<>();
    private State state = State.AWAY;
    private Queue admin;
    private Queue joining;
    private int stepCid;
    private int controllerId;
    private long nextTryNs;
    private int reconnects;

    SimHost(int number, String subsystem, int queueCount, Route route, Random random, Trace trace) {
        this.name = "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-00000000000" + number;
        this.id = new UUID(0x1234, number);
        this.subsystem = subsystem;
        this.queueCount = queueCount;
        this.digests = random.nextInt(4);
        this.route = route;
        this.random = random;
        this.trace = trace;
    }

    String name() {
        return name;
    }

    boolean isReady() {
        return state == State.READY;
    }

    int reconnects() {
        return reconnects;
    }

    /** Commands not ended. */
    int outstanding() {
        int sum = waiting.size();
        for (Queue queue : queues) {
            sum += queue.sent.size();
        }
        return sum;
    }

    void submit(HostCommand command) {
        waiting.add(command);
    }

    /** A connection breaks. */
    void breakOne() {
        if (admin != null) {
            int which = random.nextInt(queues.size() + 1);
            Queue victim = which == 0 ? admin : queues.get(which - 1);
            victim.peer.reset();
            trace.event("host " + id.getLeastSignificantBits() + " loses a connection");
        }
    }

    /** A connection passes nothing for a while. */
    void stallOne(long untilNs) {
        if (!queues.isEmpty()) {
            queues.get(random.nextInt(queues.size())).peer.stalledUntilNs = untilNs;
        }
    }

    /** The machine is gone, with every connection. */
    void onMachineGone() {
        giveUpConnections("machine gone");
        nextTryNs = route.nowNs() + random.nextLong(RETRY_NS);
    }

    /** How long until the host has something to do by itself. */
    long patienceNs() {
        long nowNs = route.nowNs();
        if (state == State.AWAY) {
            return route.network() == null ? Long.MAX_VALUE : Math.max(0, nextTryNs - nowNs);
        }
        long patience = Long.MAX_VALUE;
        boolean maySend = queues.stream().anyMatch(queue -> queue.sent.size() < QUEUE_ENTRIES - 1);
        for (int i = 0; i < waiting.size() && state == State.READY && maySend; i++) {
            patience = Math.min(patience, Math.max(0, waiting.get(i).notBeforeNs - nowNs));
        }
        return patience;
    }

    /** Does what can be done now. */
    void poll() {
        long nowNs = route.nowNs();
        if (state == State.AWAY) {
            if (nowNs >= nextTryNs && route.network() != null && route.network().isListening(TARGET)) {
                admin = connection();
                setState(State.ADMIN_INIT);
            }
            return;
        }
        if (state != State.READY && (route.network() == null || !route.network().isListening(TARGET))) {
            giveUpConnections("nobody listens any more");     // The target stops while this is connecting.
            return;
        }
        try {
            step();
            for (int i = 0; i < queues.size(); i++) {
                receive(queues.get(i), nowNs);
            }
        } catch (NvmeTcpClient.EndedException ended) {
            giveUpConnections("connection ended");
            return;
        }
        if (state == State.READY) {
            send(nowNs);
        }
    }

    private void setState(State next) {
        assert next == State.AWAY || next.ordinal() == state.ordinal() + 1
                || state == State.QUEUE_CONNECT && next == State.QUEUE_INIT;
        state = next;
    }

    private Queue connection() {
        Queue queue = new Queue(route.network().connect(TARGET));
        queue.peer.pieceMax = 1 + random.nextInt(20_000);
        queue.client.startInitialize(random.nextInt(4), digests, 1 + random.nextInt(4));
        return queue;
    }

    private void giveUpConnections(String why) {
        trace.event("host " + id.getLeastSignificantBits() + " away: " + why);
        for (Queue queue : queues) {
            queue.sent.values().forEach(HostCommand::onLost);
            waiting.addAll(queue.sent.values());
            queue.sent.clear();
            queue.client.close();
        }
        queues.clear();
        if (joining != null) {
            joining.client.close();
        }
        if (admin != null) {
            admin.client.close();
        }
        joining = null;
        admin = null;
        reconnects++;
        nextTryNs = route.nowNs() + RECONNECT_NS / 2 + random.nextLong(RECONNECT_NS);
        setState(State.AWAY);
    }

    /** Goes on with connecting, if an answer is there; hears the admin queue's end. */
    private void step() {
        while (admin.client.poll()) {
            // Answers are looked at below.
        }
        if (joining != null) {
            while (joining.client.poll()) {
                // Likewise.
            }
        }
        switch (state) {
            case ADMIN_INIT -> {
                if (admin.client.isInitialized()) {
                    stepCid = admin.client.startConnect(0, 32, FabricsCommand.CNTLID_DYNAMIC, subsystem, name, id, 0, 0);
                    setState(State.ADMIN_CONNECT);
                }
            }
            case ADMIN_CONNECT -> onReply(admin, reply -> {
                controllerId = (int) reply.result();
                stepCid = admin.client.startSetProperty(Properties.CC, Properties.ccEnable(Properties.CC_CSS_NVM));
                setState(State.ENABLING);
            });
            case ENABLING -> onReply(admin, reply -> {
                // Who has not been told of a volatile cache gets none: writes would all be durable.
                stepCid = admin.client.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_IDENTIFY, 0, Identify.CNS_CONTROLLER), null, false,
                        Identify.SIZE_BYTES);
                setState(State.IDENTIFYING);
            });
            case IDENTIFYING -> onReply(admin, reply -> {
                joining = connection();
                setState(State.QUEUE_INIT);
            });
            case QUEUE_INIT -> {
                if (joining.client.isInitialized()) {
                    stepCid = joining.client.startConnect(queues.size() + 1, QUEUE_ENTRIES, controllerId, subsystem, name,
                            id, 0, 0);
                    setState(State.QUEUE_CONNECT);
                }
            }
            case QUEUE_CONNECT -> onReply(joining, reply -> {
                queues.add(joining);
                joining = null;
                if (queues.size() < queueCount) {
                    joining = connection();
                    setState(State.QUEUE_INIT);
                } else {
                    setState(State.READY);
                    trace.event("host " + id.getLeastSignificantBits() + " connected");
                }
            });
            default -> { }
        }
    }

    private void onReply(Queue queue, java.util.function.Consumer<NvmeTcpClient.Reply> next) {
        NvmeTcpClient.Reply reply = queue.client.takeReply(stepCid);
        if (reply == null) {
            return;
        }
        if (reply.status() != 0) {
            Checks.require(queue != admin || !reply.doNotRetry(), "host: told never to come back, status " + Integer.toHexString(reply.status()));
            giveUpConnections("refused, status " + Integer.toHexString(reply.status()));
            nextTryNs = route.nowNs() + random.nextLong(RETRY_NS);
            return;
        }
        next.accept(reply);
    }

    private void receive(Queue queue, long nowNs) {
        while (queue.client.poll()) {
            for (Integer cid : List.copyOf(queue.sent.keySet())) {
                NvmeTcpClient.Reply reply = queue.client.takeReply(cid);
                if (reply != null) {
                    onAnswer(queue.sent.remove(cid), reply, nowNs);
                }
            }
        }
    }

    private void onAnswer(HostCommand command, NvmeTcpClient.Reply reply, long nowNs) {
        trace.detail(reply.status() == 0 ? "done" : "failed", command);
        boolean mayRetry = reply.status() != Status.SUCCESS && !reply.doNotRetry() && command.retries < RETRIES_MAX;
        if (mayRetry) {
            trace.event(command + " to be retried, status " + Integer.toHexString(reply.status()));
            command.retries++;
            command.notBeforeNs = nowNs + RETRY_NS;
            command.onFailed(reply.status());
            command.onLost();
            waiting.add(command);
        } else {
            command.onEnd(reply.status(), reply.data());
        }
    }

    private void send(long nowNs) {
        for (int i = 0; i < waiting.size(); i++) {
            HostCommand command = waiting.get(i);
            Queue queue = queues.get(random.nextInt(queues.size()));
            if (command.notBeforeNs > nowNs || queue.sent.size() >= QUEUE_ENTRIES - 1) {
                continue;
            }
            waiting.remove(i--);
            command.onSend(nowNs);
            trace.detail("send", command);
            boolean inCapsule = command.data() != null && (command.opcode() == Opcodes.NVM_DATASET_MANAGEMENT
                    || command.data().length <= 8192 && random.nextBoolean());
            int cid = queue.client.submit(command.sqe(), command.data(), inCapsule, command.inBytes());
            queue.sent.put(cid, command);
        }
    }
}
