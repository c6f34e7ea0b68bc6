package io.mizzen.lvs;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.uring.UringBdev;
import io.mizzen.uring.UringFile;
import io.mizzen.util.Completion;
import java.nio.file.Path;
import java.util.UUID;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A pool on a real file through real rings. */
abstract class UringPoolTestBase {
    static final long MIB = 1 << 20;

    @TempDir
    Path directory;
    final RealReactors real = new RealReactors(2, 50_000);
    final BdevRegistry registry = new BdevRegistry();
    final LvStores stores = new LvStores(registry, real.reactor(0).mthread());
    UringBdev disk;
    LvStore store;

    @BeforeEach
    final void makePool() {
        disk = new UringBdev("u0", UUID.randomUUID(), UringFile.open(directory.resolve("disk"),
                new UringFile.Options(0, true, 256 * MIB)));
        real.run(0, () -> {
            registry.register(disk);
            disk.watch(real.reactor(0).mthread());
        });
        store = ok(done -> stores.create(disk, new LvStores.Options("pool", null, MIB, 100), done));
    }

    @AfterEach
    final void stopReactors() {
        real.close();
    }

    final <T> T ok(Consumer<Completion<T>> operation) {
        return real.ok(operation);
    }
}
