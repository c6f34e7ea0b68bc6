/**
 * The io_uring of a reactor. Owns: the ring, registered buffers and files, sockets, watched descriptors, sleep and
 * wake-up. Implements the reactor's ports. Thread: the reactor's own, but for the wake-up. May use: reactor, memory,
 * ffi, util.
 */
package io.mizzen.ring;
