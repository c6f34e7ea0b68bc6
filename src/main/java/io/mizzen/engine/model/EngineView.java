package io.mizzen.engine.model;

import java.time.Instant;
import java.util.List;

/**
 * The engine as a whole.
 *
 * @param state INIT, RUNNING, STOPPING or STOPPED
 * @param startedAt null before the start
 * @param cores CPUs that have a reactor, ascending; the first is the control reactor
 * @param memoryKind what the reservation got: the page kind, as in {@link MemoryView#kind()}
 * @param nqnPrefix subsystems are named prefix + ':' + uuid
 * @param listeners where hosts connect and discover
 * @param mailboxDepth commands waiting for the control reactor now
 * @param mailboxCapacity above this, commands are refused with UNAVAILABLE
 * @param ioRing features of io_uring found at start, one word each
 */
public record EngineView(String version, String state, Instant startedAt, List<Integer> cores, String memoryKind,
                         String nqnPrefix, List<ListenerView> listeners, int mailboxDepth, int mailboxCapacity,
                         List<String> ioRing) { }
