/**
 * Bodies of REST requests: validated records, turned into the engine's command records by the controllers.
 *
 * <p>Owns: the wire form of requests. Thread: any; immutable. May use: control, engine.model.
 */
package io.mizzen.api.request;
