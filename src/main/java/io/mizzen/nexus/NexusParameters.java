package io.mizzen.nexus;

import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * How to bring up a nexus.
 *
 * @param sizeBytes 0: what the smallest child allows; when assembling, 0 or the size that it has
 * @param allowMissing assemble although a member is absent that was healthy in the newest generation found: writes that
 *     only it holds are given up
 * @param initialCopy on creation, what becomes of differences between the children
 * @param regionShiftMin log2 of the smallest dirty region, bytes; {@link #REGION_SHIFT_DEFAULT}
 * @param sweepPeriodNs dirty regions that were idle for this long become clean; {@link #SWEEP_PERIOD_DEFAULT_NS}
 * @param freezeTimeoutNs how long hosts wait while no healthy child is there; {@link #FREEZE_TIMEOUT_DEFAULT_NS}
 * @param rebuild how copying goes about it, until it is told otherwise
 * @param creationCheck asked before a nexus is created on children that carry none: a failure refuses it, and nothing has been
 *     written. Home mthread
 * @param replacesOthers a nexus is created on children that carry another nexus, too, whose metadata goes: on clones of its
 *     children, say. What hosts wrote stays
 */
public record NexusParameters(UUID uuid, String name, Mode mode, Label label, long sizeBytes, boolean allowMissing,
        InitialCopy initialCopy, int regionShiftMin, long sweepPeriodNs, long freezeTimeoutNs, RebuildSettings rebuild,
        Consumer<Completion<Void>> creationCheck, boolean replacesOthers) {
    public static final int REGION_SHIFT_DEFAULT = DirtyGeometry.DEFAULT_SHIFT_MIN;
    public static final long SWEEP_PERIOD_DEFAULT_NS = 5_000_000_000L;
    /** 25 s: below the 30 s after which the Linux host gives a command up and tears its connection down. */
    public static final long FREEZE_TIMEOUT_DEFAULT_NS = 25_000_000_000L;

    /** What may be found on the children. */
    public enum Mode {
        /** No nexus; one is created. */
        CREATE,
        /** This nexus; after a restart nothing else will do. */
        ASSEMBLE,
        /** Whichever is the case. */
        CREATE_OR_ASSEMBLE
    }

    /** Whether the children of a new nexus are made equal. */
    public enum InitialCopy {
        /** They are equal where it matters (fresh thin replicas, a file system to be made). */
        ASSUME_EQUAL,
        /** The first child's data is copied to the others where they differ; reads go to it until then. */
        FROM_FIRST
    }

    public NexusParameters {
        if (name.isEmpty() || name.getBytes(StandardCharsets.UTF_8).length > NexusMetadata.NAME_BYTES_MAX) {
            throw OperationException.invalid("nexus-name-invalid",
                    "a nexus name has 1 to " + NexusMetadata.NAME_BYTES_MAX + " bytes");
        }
        if (sizeBytes < 0) {
            throw OperationException.invalid("nexus-size-invalid", "size " + sizeBytes + " is negative");
        }
        if (regionShiftMin < DirtyGeometry.SHIFT_MIN || regionShiftMin > DirtyGeometry.SHIFT_MAX) {
            throw OperationException.invalid("nexus-region-invalid", "region shift " + regionShiftMin + " is not within "
                    + DirtyGeometry.SHIFT_MIN + " to " + DirtyGeometry.SHIFT_MAX);
        }
        if (sweepPeriodNs <= 0) {
            throw OperationException.invalid("nexus-sweep-invalid", "the sweep period has to be above 0");
        }
        if (freezeTimeoutNs <= 0) {
            throw OperationException.invalid("nexus-freeze-timeout-invalid", "the freeze timeout has to be above 0");
        }
    }

    /** Create or assemble with label V2, the largest size and the usual regions. */
    public static NexusParameters of(UUID uuid, String name) {
        return new NexusParameters(uuid, name, Mode.CREATE_OR_ASSEMBLE, Label.V2, 0, false, InitialCopy.ASSUME_EQUAL,
                REGION_SHIFT_DEFAULT, SWEEP_PERIOD_DEFAULT_NS, FREEZE_TIMEOUT_DEFAULT_NS, RebuildSettings.DEFAULTS,
                done -> done.ok(null), false);
    }

    public NexusParameters withMode(Mode value) {
        return new NexusParameters(uuid, name, value, label, sizeBytes, allowMissing, initialCopy, regionShiftMin,
                sweepPeriodNs, freezeTimeoutNs, rebuild, creationCheck, replacesOthers);
    }

    public NexusParameters withLabel(Label value) {
        return new NexusParameters(uuid, name, mode, value, sizeBytes, allowMissing, initialCopy, regionShiftMin,
                sweepPeriodNs, freezeTimeoutNs, rebuild, creationCheck, replacesOthers);
    }

    public NexusParameters withSizeBytes(long value) {
        return new NexusParameters(uuid, name, mode, label, value, allowMissing, initialCopy, regionShiftMin,
                sweepPeriodNs, freezeTimeoutNs, rebuild, creationCheck, replacesOthers);
    }

    public NexusParameters withAllowMissing(boolean value) {
        return new NexusParameters(uuid, name, mode, label, sizeBytes, value, initialCopy, regionShiftMin,
                sweepPeriodNs, freezeTimeoutNs, rebuild, creationCheck, replacesOthers);
    }

    public NexusParameters withInitialCopy(InitialCopy value) {
        return new NexusParameters(uuid, name, mode, label, sizeBytes, allowMissing, value, regionShiftMin,
                sweepPeriodNs, freezeTimeoutNs, rebuild, creationCheck, replacesOthers);
    }

    public NexusParameters withRegions(int shiftMin, long periodNs) {
        return new NexusParameters(uuid, name, mode, label, sizeBytes, allowMissing, initialCopy, shiftMin, periodNs,
                freezeTimeoutNs, rebuild, creationCheck, replacesOthers);
    }

    public NexusParameters withFreezeTimeoutNs(long value) {
        return new NexusParameters(uuid, name, mode, label, sizeBytes, allowMissing, initialCopy, regionShiftMin,
                sweepPeriodNs, value, rebuild, creationCheck, replacesOthers);
    }

    public NexusParameters withRebuild(RebuildSettings value) {
        return new NexusParameters(uuid, name, mode, label, sizeBytes, allowMissing, initialCopy, regionShiftMin,
                sweepPeriodNs, freezeTimeoutNs, value, creationCheck, replacesOthers);
    }

    public NexusParameters withCreationCheck(Consumer<Completion<Void>> value) {
        return new NexusParameters(uuid, name, mode, label, sizeBytes, allowMissing, initialCopy, regionShiftMin,
                sweepPeriodNs, freezeTimeoutNs, rebuild, value, replacesOthers);
    }

    public NexusParameters withReplacesOthers(boolean value) {
        return new NexusParameters(uuid, name, mode, label, sizeBytes, allowMissing, initialCopy, regionShiftMin,
                sweepPeriodNs, freezeTimeoutNs, rebuild, creationCheck, value);
    }
}
