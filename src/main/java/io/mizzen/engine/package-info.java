/**
 * The data plane's facade: what the control plane may know of it.
 *
 * <p>Owns: the start and stop order of everything below, the bdev URI schemes, and the translation of commands into
 * operations on the control reactor. Joins the parts that do not see each other: pools, nexuses and the NVMe/TCP target meet here as bdevs.
 * Thread: {@link io.mizzen.engine.Engine} from any thread that is not a reactor; operations run on the control
 * reactor; replies are completed by one control thread. May use: every package of the data plane. No Spring.
 */
package io.mizzen.engine;
