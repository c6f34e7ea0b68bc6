package io.mizzen.engine;

import io.mizzen.util.OperationException;
import java.util.Collection;

/** The refusal of what needs a thing for itself that others use: who they are, and how each lets go. Any thread. */
final class InUse {
    private InUse() { }

    /** @param what the thing, with its kind */
    static OperationException by(Collection<String> users, String code, String what) {
        return OperationException.precondition(code, what + " is in use by " + String.join(", ", users)
                + "; end that first: a share by DELETE /v1/replicas/{uuid}/share, a nexus's child by DELETE "
                + "/v1/nexuses/{uuid}/children/{memberUuid}, a pool by POST /v1/pools/{uuid}/export, a job by DELETE /v1/jobs/{id}");
    }
}
