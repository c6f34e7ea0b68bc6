/**
 * NVMe over TCP: the PDUs of the TCP transport specification 1.0 as static accessors over {@code (segment, offset)}. Owns:
 * nothing. Thread: any. May use: nvme, bdev, reactor, memory, ffi (raw memory only), util; sockets through the reactor's
 * port.
 */
package io.mizzen.nvmf;
