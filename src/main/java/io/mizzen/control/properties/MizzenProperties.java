package io.mizzen.control.properties;

import jakarta.validation.Valid;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * Everything under {@code mizzen.*}.
 *
 * @param cores CPUs that get a reactor: a mask ({@code 0x5}) or a list ({@code 0,2-3}); empty: chosen from the
 *        process's cpuset
 */
@Validated
@ConfigurationProperties("mizzen")
public record MizzenProperties(@DefaultValue("") String cores,
                               @Valid @DefaultValue MemoryProperties memory,
                               @Valid @DefaultValue ReactorProperties reactor,
                               @Valid @DefaultValue PlacementProperties placement,
                               @Valid @DefaultValue NvmfProperties nvmf,
                               @Valid @DefaultValue NexusProperties nexus,
                               @Valid @DefaultValue RebuildProperties rebuild,
                               @Valid @DefaultValue HealthProperties health,
                               @Valid @DefaultValue StateProperties state,
                               @Valid @DefaultValue RestProperties rest,
                               @Valid @DefaultValue ShutdownProperties shutdown,
                               @Valid @DefaultValue DemoProperties demo) {
}
