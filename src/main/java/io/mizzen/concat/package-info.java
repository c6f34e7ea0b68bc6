/**
 * Several devices joined to one, end to end. Owns: SPDK's RAID superblock (version 1.0, level concat) on every member, so
 * that SPDK assembles what this joins and the other way round, and a label of ours that says which member a disk is.
 * Thread: everything but the I/O path runs on the control reactor; I/O runs on each mthread through its own channels. May
 * use: bdev reactor memory ffi (raw memory) util.
 */
package io.mizzen.concat;
