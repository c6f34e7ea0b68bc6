/**
 * The properties under {@code mizzen.*}: one validated record an area, read once at start. Unknown names are refused.
 *
 * <p>Owns: names, defaults and limits of properties. Thread: the main thread at start; the records are immutable. May
 * use: util, Spring.
 */
package io.mizzen.control.properties;
