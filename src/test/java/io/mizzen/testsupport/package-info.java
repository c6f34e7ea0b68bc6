/**
 * What several tests stand on.
 *
 * <p>Owns: reactors turned by hand under a clock set by hand; child processes of a test (the packaged engine, the
 * guest machine), their logs and deadlines. Thread: the test's own. May use: {@code reactor} and below; the classes
 * that deal with processes use the JDK and Jackson only and see the program from outside.
 */
package io.mizzen.testsupport;
