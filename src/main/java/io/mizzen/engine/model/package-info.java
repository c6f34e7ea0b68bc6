/**
 * Commands and views of the data plane's facade: immutable records and enums, nothing else.
 *
 * <p>Owns: no state. Thread: any. May use: the JDK only, so that REST and the control plane may use these types
 * without seeing a data-plane object. Names of components are the JSON names of REST; sizes are bytes, times are
 * nanoseconds unless the type is {@link java.time.Instant}. A component that may be null says so.
 */
package io.mizzen.engine.model;
