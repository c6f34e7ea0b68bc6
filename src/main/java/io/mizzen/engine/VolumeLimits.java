package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoLimit;
import io.mizzen.bdev.IoLimits;
import io.mizzen.bdev.IoStats;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.RateSpec;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;

/** Limits of nexuses and replicas. Control reactor only. */
final class VolumeLimits {
    private VolumeLimits() { }

    /** Sets the limits of a volume, all of them anew; {@link LimitsSpec#NONE} removes them. */
    static void set(PlaneContext plane, ObjectKind kind, Bdev bdev, String name, LimitsSpec spec, Completion<LimitsView> done) {
        IoLimits limits = limits(spec);
        if (limits.equals(bdev.limits())) {
            done.ok(view(bdev));
            return;
        }
        String before = text(bdev.limits());
        bdev.setLimits(limits, plane.control(), (nothing, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            plane.event(kind, bdev.uuid(), name, limits.isNone() ? "limits-removed" : "limits-set", name + (limits.isNone()
                    ? " has no limits any more" : " is limited to " + text(limits)) + ", before: " + before, "limits", text(limits),
                    "before", before);
            done.ok(view(bdev));
        });
    }

    static LimitsView view(Bdev bdev) {
        IoStats stats = bdev.stats();
        return new LimitsView(spec(bdev), stats.delayed(), stats.delayedNs());
    }

    static LimitsSpec spec(Bdev bdev) {
        IoLimits limits = bdev.limits();
        return limits.isNone() ? LimitsSpec.NONE : new LimitsSpec(rate(limits.readOperations()), rate(limits.writeOperations()),
                rate(limits.totalOperations()), rate(limits.readBytes()), rate(limits.writeBytes()), rate(limits.totalBytes()));
    }

    private static RateSpec rate(IoLimit limit) {
        return limit.isNone() ? null : new RateSpec(limit.perSecond(), limit.burst());
    }

    private static IoLimits limits(LimitsSpec spec) {
        return new IoLimits(limit("readOperations", spec.readOperations()), limit("writeOperations", spec.writeOperations()),
                limit("totalOperations", spec.totalOperations()), limit("readBytes", spec.readBytes()),
                limit("writeBytes", spec.writeBytes()), limit("totalBytes", spec.totalBytes()));
    }

    private static IoLimit limit(String name, RateSpec rate) {
        if (rate == null) {
            return IoLimit.NONE;
        }
        if (rate.perSecond() == 0) {
            throw OperationException.invalid("invalid-limit", name + ": perSecond is 0; leave " + name + " out for no limit");
        }
        try {
            return new IoLimit(rate.perSecond(), rate.burst());
        } catch (OperationException wrong) {
            throw OperationException.invalid(wrong.code(), name + ": " + wrong.getMessage());
        }
    }

    private static String text(IoLimits limits) {
        StringBuilder text = new StringBuilder();
        add(text, "readOperations", limits.readOperations());
        add(text, "writeOperations", limits.writeOperations());
        add(text, "totalOperations", limits.totalOperations());
        add(text, "readBytes", limits.readBytes());
        add(text, "writeBytes", limits.writeBytes());
        add(text, "totalBytes", limits.totalBytes());
        return text.isEmpty() ? "none" : text.toString();
    }

    private static void add(StringBuilder text, String name, IoLimit limit) {
        if (!limit.isNone()) {
            text.append(text.isEmpty() ? "" : ", ").append(limit.perSecond()).append(' ').append(name).append("/s");
        }
    }
}
