/**
 * Prometheus metrics of the data plane, read from the engine's counters at each scrape.
 *
 * <p>Owns: names and labels of metrics. Thread: the web server's worker that serves the scrape. May use: engine,
 * engine.model, util, the Prometheus client.
 */
package io.mizzen.control.metrics;
