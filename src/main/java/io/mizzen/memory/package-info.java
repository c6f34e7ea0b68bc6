/**
 * The engine's memory. Owns: huge pages, DMA regions, the allocator over them, named buffer pools with per-core caches.
 * Thread: set-up on any; a cache belongs to its reactor. May use: ffi, util.
 */
package io.mizzen.memory;
