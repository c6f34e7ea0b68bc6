/**
 * The embedded store of the desired state: one JSON document per object, replaced atomically and synced.
 *
 * <p>Owns: the state directory and its lock. Thread: any control thread; a store serialises its own writers. May use:
 * util and the JSON library.
 */
package io.mizzen.control.store;
