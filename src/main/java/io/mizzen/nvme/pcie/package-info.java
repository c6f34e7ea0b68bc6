/**
 * NVMe controllers owned in user space (PCIe transport 1.0). Owns: a controller's registers, admin queue and I/O queue
 * pairs, its start, reset, recovery and shutdown, its namespaces as bdevs. Thread: the controller on its admin mthread; a
 * queue pair on the reactor that owns it; bdevs as every bdev. May use: pci, nvme, bdev, reactor, memory, ffi, util.
 *
 * <p>No wait is without a deadline: each ends in progress, an abort, a reset, or a controller that is given up.
 */
package io.mizzen.nvme.pcie;
