/**
 * REST under {@code /v1}: controllers, request records, problem documents (RFC 9457), security and the OpenAPI document.
 *
 * <p>Owns: paths, status codes, the wire form of requests. Thread: the web server's bounded worker threads, which wait
 * for the control plane with a deadline. May use: control, util, and of the engine only the records of
 * {@code engine.model}.
 */
package io.mizzen.api;
