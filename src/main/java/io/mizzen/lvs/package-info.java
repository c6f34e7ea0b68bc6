/**
 * Pools and logical volumes: an lvstore on one bdev, its lvols, snapshots and clones as bdevs. The on-disk
 * format, SPDK's blobstore version 3 under an lvstore, is private here. Owns: the metadata of every open pool and the cluster maps of its volumes. Thread:
 * everything but the I/O path runs on the control reactor; I/O runs on each mthread through its own channels and reads
 * the cluster maps with acquire. May use: bdev reactor memory ffi (raw memory) util.
 */
package io.mizzen.lvs;
