package io.mizzen.control.properties;

import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.nexus.*}: mirrors.
 *
 * @param autoOnline whether children and pools whose device was gone come back by themselves when it is there again
 */
public record NexusProperties(@DefaultValue("true") boolean autoOnline) {
}
