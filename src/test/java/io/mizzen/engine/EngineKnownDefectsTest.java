package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.util.ErrorKind;
import org.junit.jupiter.api.Test;

/** Defects that other engines of this kind are known to have, as far as they lie above the nexus; see its own test. */
class EngineKnownDefectsTest {
    /** Sizes in MiB do not overflow 32 bits of bytes. */
    @Test
    void sizesOfFourGibibytesAndMoreAreWhatTheySay() {
        try (EngineHarness h = new EngineHarness(1)) {
            assertEquals(4096L << 20, h.get(h.engine.createBdev(new BdevSpec("null:///n0?size_mb=4096"))).sizeBytes());
            assertEquals(1048577L << 20, h.get(h.engine.createBdev(new BdevSpec("null:///n1?size_mb=1048577"))).sizeBytes());
        }
    }

    /** What exists already is a conflict, not an internal error: by name and by UUID. */
    @Test
    void whatExistsAlreadyIsAConflict() {
        String uuid = "12345678-1111-4111-8111-111111111111";
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createBdev(new BdevSpec("null:///n0?size_mb=8&uuid=" + uuid)));
            h.refused(ErrorKind.ALREADY_EXISTS, "bdev-exists",
                    h.engine.createBdev(new BdevSpec("malloc:///n0?size_mb=1")), "n0");
            h.refused(ErrorKind.ALREADY_EXISTS, "bdev-exists",
                    h.engine.createBdev(new BdevSpec("null:///n1?size_mb=8&uuid=" + uuid)), uuid);
        }
    }
}
