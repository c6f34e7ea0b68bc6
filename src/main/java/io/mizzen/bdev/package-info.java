/**
 * Block devices. Owns: the bdev layer (registry, claims, descriptors, channels, pause, range locks, limits, statistics,
 * emulation) and the malloc, null and fault bdevs. Thread: registry and events on the control reactor; a channel and its
 * I/O on its mthread's reactor. May use: reactor, memory, ffi (raw memory), util.
 *
 * <p>A new backend begins as a copy of {@link io.mizzen.bdev.NullBdev}.
 */
package io.mizzen.bdev;
