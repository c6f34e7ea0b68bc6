/**
 * The NVMe/TCP target: base specification 2.0 (fabrics included), NVM command set 1.0, TCP transport 1.0.
 *
 * <p>Owns: listeners, subsystems and controllers (the control reactor), poll groups with their connections and requests
 * (one mthread per configured core). A connection and its requests belong to one poll group; a controller's state belongs
 * to the group of its admin connection; what concerns several is a message. Namespaces are bdevs: a group has one
 * channel for each.
 *
 * <p>Thread: {@link io.mizzen.nvmf.target.Target} and what it returns are for the control reactor; views may be read
 * there at any time. May use: nvmf, nvme, bdev, reactor, memory, ffi (raw memory only), util.
 */
package io.mizzen.nvmf.target;
