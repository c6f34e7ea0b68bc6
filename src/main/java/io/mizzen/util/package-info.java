/**
 * Small things every package uses. Owns: annotations, failure types, units. No storage words. Thread: any. May use: the
 * JDK only.
 */
package io.mizzen.util;
