/**
 * NVM Express: the structures of the base specification 2.0 and the NVM command set 1.0, as static accessors over
 * {@code (segment, offset)}. Owns: nothing; every value lives in the caller's memory. Thread: any. May use: bdev,
 * reactor, memory, ffi (raw memory only), util.
 */
package io.mizzen.nvme;
