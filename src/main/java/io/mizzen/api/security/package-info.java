/**
 * Who may call: loopback without credentials, anything else with; no calls from foreign web pages.
 *
 * <p>Owns: the security filter chain. Thread: web server workers. May use: control (properties), api.problem, Spring.
 */
package io.mizzen.api.security;
