/**
 * The uring bdev. Owns: open block devices and files, what is written on a disk already ({@code DiskSignature}). Thread:
 * opening on ordinary threads, I/O on each channel's reactor. May use: ring, bdev, reactor, memory, ffi, util.
 */
package io.mizzen.uring;
