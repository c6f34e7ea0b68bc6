/**
 * PCI functions that this process drives itself. Owns: sysfs binding, VFIO containers and devices, UIO devices, BARs, the
 * mapping of the engine's memory for devices, interrupts as eventfds, and the port through which a driver sees its device.
 * Thread: opening, closing and binding block, on ordinary threads; what the port says of itself. May use: memory, ffi, util.
 */
package io.mizzen.pci;
