package io.mizzen.api.request;

import io.mizzen.engine.model.ShareSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import java.util.List;

/** Who may connect. */
public record ShareRequest(
    @Schema(description = "NQNs of the hosts that may connect, or the single word \"any\"", example = "[\"any\"]")
    @NotEmpty List<@NotBlank String> allowedHosts) {

    /** As a command. */
    public ShareSpec toSpec() {
        return new ShareSpec(allowedHosts);
    }
}
