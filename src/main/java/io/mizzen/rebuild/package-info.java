/**
 * Copying from one leg to others while hosts write. Owns: the copy job, its tasks and their order (lock, read, compare,
 * write, unlock). Thread: the job belongs to the control reactor, its I/O to the mthread that it was placed on. May use:
 * bdev, reactor, memory, ffi (raw memory only), util. Knows nothing of nexuses: what to copy and what follows from it is
 * the plan's and the listener's business.
 */
package io.mizzen.rebuild;
