/**
 * Native functions and structures through the JDK's foreign function interface, one class per C library or header, with
 * the C names; raw memory; and the files of sysfs.
 *
 * <p>Owns: no state but method handles. Thread: any; each caller brings its own errno segment. May use: util. The only
 * package that uses {@link java.lang.foreign.Linker}.
 */
package io.mizzen.ffi;
