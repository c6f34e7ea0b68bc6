/**
 * The program's entry.
 *
 * <p>Owns: the order of start. Thread: main. May use: control.
 */
package io.mizzen;
