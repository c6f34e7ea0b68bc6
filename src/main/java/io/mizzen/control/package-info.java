/**
 * The control plane's services: what a request means, the desired state and its store, properties, health and metrics.
 *
 * <p>Owns: the desired state and its directory, the order of start and stop. Thread: ordinary JVM threads, never a
 * reactor's; every call into the engine has a deadline. May use: engine, util, Spring. Data-plane objects stop at the
 * engine, so nothing here holds one.
 */
package io.mizzen.control;
