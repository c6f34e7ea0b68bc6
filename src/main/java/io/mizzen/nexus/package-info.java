/**
 * The mirror over children. Owns: the label and metadata on children, children and their health, who joins, leaves and
 * comes back and what they lack, the per-mthread channel with its readers and writers, fan-out, fault and retire, repair
 * of what cannot be read, the dirty-region map and the resynchronisation after an unclean stop, growth and shutdown.
 * Thread: a nexus belongs to the mthread that created it (its home), on the first reactor in production, which alone
 * changes members and metadata; I/O runs on any mthread, through its channel. May use: rebuild, bdev, reactor, memory,
 * ffi (raw memory only), util.
 */
package io.mizzen.nexus;
