/**
 * The event loops. Owns: core masks, reactors, mthreads, messages, pollers, timers, event logs, and the ports through
 * which the data plane sleeps, watches descriptors and reaches the network. Thread: each reactor's own; {@code post},
 * {@code wakeIfSleeping} and the counters are for any. May use: memory, ffi, util.
 */
package io.mizzen.reactor;
