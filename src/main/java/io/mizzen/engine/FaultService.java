package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.FaultBdev;
import io.mizzen.bdev.FaultRule;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.FaultView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;

/** Rules of fault bdevs. Control reactor only. */
final class FaultService {
    private static final long DELAY_MAX_NS = 3_600_000_000_000L;

    private final PlaneContext plane;

    FaultService(PlaneContext plane) {
        this.plane = plane;
    }

    List<FaultView> list(String bdevName) {
        FaultBdev bdev = faultBdev(bdevName);
        return bdev.rules().stream().map(rule -> view(bdev, rule)).toList();
    }

    FaultView put(String bdevName, FaultSpec spec) {
        FaultBdev bdev = faultBdev(bdevName);
        FaultRule rule = rule(spec);
        int limit = plane.config().limits().faultsPerBdev();
        boolean known = bdev.rules().stream().anyMatch(other -> other.id().equals(spec.id()));
        if (!known && bdev.rules().size() >= limit) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "too-many-faults", "the limit of " + limit + " faults a bdev is reached; remove some first");
        }
        List<FaultView> before = list(bdevName);
        bdev.putRule(rule);
        FaultView after = view(bdev, rule);
        if (!before.contains(after)) {      // Else it was set already and has hit nothing yet.
            plane.event(ObjectKind.BDEV, bdev.uuid(), bdev.name(), "fault-set", "fault " + spec.id() + " is set: " + spec.action()
                    + " on " + spec.operation(), "fault", spec.id(), "action", spec.action(), "operation", spec.operation());
        }
        return after;
    }

    void delete(String bdevName, String id) {
        FaultBdev bdev = faultBdev(bdevName);
        if (!bdev.removeRule(id)) {
            throw OperationException.notFound("fault-not-found", "bdev " + bdev.name() + " has no fault " + id);
        }
        plane.event(ObjectKind.BDEV, bdev.uuid(), bdev.name(), "fault-cleared", "fault " + id + " is cleared", "fault", id);
    }

    private FaultBdev faultBdev(String name) {
        Bdev bdev = plane.registry().get(name);
        if (bdev instanceof FaultBdev fault) {
            return fault;
        }
        throw OperationException.precondition("not-a-fault-bdev", "bdev " + bdev.name() + " is a " + bdev.product()
                + " bdev; faults need a fault bdev around it (fault:///name?base=...)");
    }

    private static FaultRule rule(FaultSpec spec) {
        if (spec.id() == null || !spec.id().matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
            throw OperationException.invalid("invalid-fault", "id is '" + spec.id()
                    + "'; it must be up to 64 letters, digits, '.', '_' and '-'");
        }
        require(spec.operation() != null, "operation is missing");
        require(spec.stage() != null, "stage is missing");
        require(spec.action() != null, "action is missing");
        require(spec.startBlock() >= 0, "startBlock must not be negative");
        require(spec.blockCount() >= 0, "blockCount must not be negative");
        require(spec.count() >= 0, "count must not be negative");
        require(spec.delayNs() >= 0 && spec.delayNs() <= DELAY_MAX_NS, "delayNs must be 0 to " + DELAY_MAX_NS);
        require(spec.action() == FaultSpec.Action.DELAY || spec.delayNs() == 0, "delayNs is for action DELAY only");
        require(spec.action() == FaultSpec.Action.ERROR || spec.status() == 0, "status is for action ERROR only");
        require((spec.status() & ~0x7fff) == 0, "status must be 0 to 32767");
        int status = spec.action() == FaultSpec.Action.ERROR && spec.status() == 0 ? Status.INTERNAL_ERROR : spec.status();
        return new FaultRule(spec.id(), ioType(spec.operation()),
                spec.stage() == FaultSpec.Stage.SUBMISSION ? FaultRule.Stage.SUBMIT : FaultRule.Stage.COMPLETION,
                FaultRule.Kind.valueOf(spec.action().name()), status, spec.delayNs(), spec.startBlock(),
                spec.blockCount() == 0 ? Long.MAX_VALUE : spec.blockCount(), spec.count() == 0 ? Long.MAX_VALUE : spec.count());
    }

    private static void require(boolean condition, String problem) {
        if (!condition) {
            throw OperationException.invalid("invalid-fault", problem);
        }
    }

    private static int ioType(FaultSpec.Operation operation) {
        return switch (operation) {
            case ANY -> FaultRule.ANY_TYPE;
            case READ -> IoType.READ;
            case WRITE -> IoType.WRITE;
            case FLUSH -> IoType.FLUSH;
            case UNMAP -> IoType.UNMAP;
            case WRITE_ZEROES -> IoType.WRITE_ZEROES;
            case COMPARE -> IoType.COMPARE;
            case RESET -> IoType.RESET;
        };
    }

    private static FaultSpec.Operation operation(int ioType) {
        for (FaultSpec.Operation operation : FaultSpec.Operation.values()) {
            if (ioType(operation) == ioType) {
                return operation;
            }
        }
        throw new IllegalStateException("I/O type " + ioType);
    }

    private static FaultView view(FaultBdev bdev, FaultRule rule) {
        FaultSpec spec = new FaultSpec(rule.id(), operation(rule.ioType()),
                rule.stage() == FaultRule.Stage.SUBMIT ? FaultSpec.Stage.SUBMISSION : FaultSpec.Stage.COMPLETION,
                FaultSpec.Action.valueOf(rule.kind().name()), rule.offsetBlocks(),
                rule.blockCount() == Long.MAX_VALUE ? 0 : rule.blockCount(),
                rule.hitLimit() == Long.MAX_VALUE ? 0 : rule.hitLimit(), rule.delayNs(), rule.status());
        return new FaultView(bdev.name(), spec, rule.hitCount());
    }
}
