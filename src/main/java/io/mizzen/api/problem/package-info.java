/**
 * Errors as RFC 9457 problem documents with a stable {@code code}, from every layer: controllers, filters, the web server.
 *
 * <p>Owns: codes of request errors, the map from error kinds to HTTP. Thread: web server workers. May use: util, Spring.
 */
package io.mizzen.api.problem;
