/**
 * PCI functions that this process drives itself. Owns: the port through which a driver sees its device. Thread: opening
 * and closing on ordinary threads; what the port says of itself. May use: memory, ffi, util.
 */
package io.mizzen.pci;
