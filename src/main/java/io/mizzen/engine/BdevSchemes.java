package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.FaultBdev;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.bdev.NullBdev;
import io.mizzen.memory.PageUse;
import io.mizzen.nvme.pcie.NvmeBdev;
import io.mizzen.pci.PciAddress;
import io.mizzen.uring.UringBdev;
import io.mizzen.uring.UringFile;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * The one place that knows the schemes of bdev URIs and their parameters. Control reactor only.
 *
 * <pre>
 * uring:///path?blk_size=512&amp;name=...&amp;uuid=...      a disk, partition or file through io_uring
 *       &amp;create=true&amp;size_mb=N                      create the file; size_mb alone grows it: on request only
 * pcie:///0000:01:00.0?ns=1&amp;uuid=                 a namespace of an NVMe controller taken from the kernel; also pci:///
 * malloc:///name?size_mb=N | num_blocks=N &amp;blk_size= &amp;uuid=     memory, for tests
 * null:///name?size_mb=N | num_blocks=N &amp;blk_size= &amp;uuid=       keeps nothing, for tests
 * fault:///name?base=uri-or-name&amp;uuid=                          injects faults, for tests
 * bdev:///name, loopback:///name                              a bdev that exists
 * lvol:///pool/name                                           a replica
 * </pre>
 */
final class BdevSchemes {
    private static final List<String> KNOWN = List.of("uring", "pcie", "pci", "malloc", "null", "fault", "lvol", "bdev", "loopback");
    /** Parameters of bdevs that are as large as they are told to be. */
    private static final Set<String> SIZED = Set.of("size_mb", "num_blocks", "blk_size", "uuid");
    private static final int MEBIBYTE = 1 << 20;
    private static final long MALLOC_MB_MAX = 1 << 16;
    private static final long FILE_MB_MAX = 1L << 34;
    private static final long SIZE_MB_MAX = 1L << 40;

    /** Makes a bdev that is not registered yet. */
    interface Scheme {
        Set<String> parameters();

        /** The bdev's name; two URIs with one name mean one bdev. */
        default String name(BdevUri uri) {
            return uri.name();
        }

        void open(String name, BdevUri uri, Completion<Bdev> done);
    }

    /** Finds or makes the bdev of a URI or name: how a scheme reaches the bdev below it. */
    interface BaseResolver {
        void resolve(String uriOrName, String forWhom, Completion<Bdev> done);
    }

    private final Map<String, Scheme> schemes = new LinkedHashMap<>();
    private final BdevRegistry registry;
    private final NvmeControllers controllers;

    BdevSchemes(BdevRegistry registry, Offload offload, PageUse pages, NvmeControllers controllers, BaseResolver bases) {
        this.registry = registry;
        this.controllers = controllers;
        schemes.put("pcie", new Pcie(controllers));
        schemes.put("uring", new Uring(offload));
        schemes.put("malloc", new Malloc(offload, pages));
        schemes.put("null", new Null());
        schemes.put("fault", new Fault(registry, bases));
    }

    /** Refuses a scheme that there is not, before the rest of the URI is looked at: it may have another form. */
    static void requireKnown(String scheme, String text) {
        if (!KNOWN.contains(scheme)) {
            throw OperationException.invalid("unknown-uri-scheme", "scheme " + scheme + " of '" + text + "' is not supported; use "
                    + String.join(", ", KNOWN) + (scheme.equals("nvmf")
                    ? ": children of a nexus are bdevs of this engine, not of others" : ""));
        }
    }

    /** The scheme of a URI that is no alias, its parameters checked by name. */
    Scheme of(BdevUri uri) {
        Scheme scheme = schemes.get(uri.scheme());
        assert scheme != null;
        uri.allowOnly(scheme.parameters());
        return scheme;
    }

    /** A URI that opens what is there and creates nothing. */
    static BdevUri withoutCreation(BdevUri uri) {
        return uri.scheme().equals("uring") ? uri.without("create").without("size_mb") : uri;
    }

    /** A bdev that a scheme made is destroyed: what it alone used goes too. */
    void onDestroyed(Bdev bdev, Completion<Void> done) {
        if (bdev instanceof NvmeBdev namespace) {
            controllers.release(namespace.controller(), done);
        } else {
            done.ok(null);
        }
    }

    /** The bdev that an alias scheme names, or null when the URI's scheme makes a bdev of its own. */
    Bdev alias(BdevUri uri) {
        switch (uri.scheme()) {
            case "bdev", "loopback" -> {
                uri.allowOnly(Set.of());
                return existing(uri, uri.path().substring(1));
            }
            case "lvol" -> {
                uri.allowOnly(Set.of());
                String key = uri.path().substring(1);
                if (!key.matches("[^/]+/[^/]+") && !Uuids.isUuid(key)) {
                    throw uri.bad("lvol:///pool/name or lvol:///uuid is expected");
                }
                Bdev bdev = existing(uri, key);
                if (!bdev.product().equals(PlaneNames.PRODUCT_LVOL)) {
                    throw uri.bad(bdev.name() + " is not a replica");
                }
                return bdev;
            }
            default -> {
                return null;
            }
        }
    }

    private Bdev existing(BdevUri uri, String key) {
        Bdev bdev = registry.find(key);
        if (bdev == null) {
            throw new OperationException(ErrorKind.NOT_FOUND, "bdev-not-found", "there is no bdev " + key + " ('" + uri.text()
                    + "'); GET /v1/bdevs lists them, and a replica is there when its pool is imported");
        }
        return bdev;
    }

    /** A UUID that is the same whenever the same URI is opened again. */
    private static UUID uuid(BdevUri uri, String name) {
        UUID given = uri.uuid("uuid");
        return given != null ? given
                : UUID.nameUUIDFromBytes((uri.scheme() + ":" + name).getBytes(StandardCharsets.UTF_8));
    }

    private static int blockSize(BdevUri uri) {
        int size = uri.blockSize("blk_size");
        if (size > Bdev.BLOCK_SIZE_MAX) {
            throw uri.bad("parameter blk_size is " + size + "; it must be 512 to " + Bdev.BLOCK_SIZE_MAX);
        }
        return size == 0 ? Bdev.BLOCK_SIZE_MIN : size;
    }

    private static long blockCount(BdevUri uri, int blockSize, long sizeMbMax) {
        boolean byBlocks = uri.parameter("num_blocks") != null;
        if (byBlocks == (uri.parameter("size_mb") != null)) {
            throw byBlocks ? uri.bad("give parameter size_mb or num_blocks, not both") : uri.missing("size_mb");
        }
        return byBlocks ? uri.number("num_blocks", 0, 1, sizeMbMax * (MEBIBYTE / blockSize))
                : uri.number("size_mb", 0, 1, sizeMbMax) * (MEBIBYTE / blockSize);
    }

    private record Uring(Offload offload) implements Scheme {
        @Override
        public Set<String> parameters() {
            return Set.of("blk_size", "name", "uuid", "create", "size_mb");
        }

        /** The path with dashes, unless a name is given: names are path segments of REST. */
        @Override
        public String name(BdevUri uri) {
            String name = uri.parameter("name") != null ? uri.parameter("name")
                    : uri.path().substring(1).replaceAll("[^A-Za-z0-9._:-]+", "-");
            if (!name.matches("[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")) {
                throw uri.bad("'" + name + "' is not a name for the bdev; give one with parameter name");
            }
            return name;
        }

        @Override
        public void open(String name, BdevUri uri, Completion<Bdev> done) {
            Path path;
            try {
                path = Path.of(uri.path());
            } catch (InvalidPathException bad) {
                throw uri.bad("'" + uri.path() + "' is not a path");
            }
            int blockSize = uri.blockSize("blk_size") == 0 ? 0 : blockSize(uri);
            boolean create = uri.flag("create", false);
            long sizeMb = uri.number("size_mb", 0, 1, FILE_MB_MAX);
            if (create && sizeMb == 0) {
                throw uri.missing("size_mb");
            }
            UUID uuid = uuid(uri, name);
            UringFile.Options options = new UringFile.Options(blockSize, create, sizeMb * MEBIBYTE);
            offload.run(() -> {
                UringFile file = UringFile.open(path, options);
                try {
                    return new UringBdev(name, uuid, file);
                } catch (OperationException refused) {
                    file.discard();
                    file.close();
                    throw refused;
                }
            }, done);
        }
    }

    private record Pcie(NvmeControllers controllers) implements Scheme {
        @Override
        public Set<String> parameters() {
            return Set.of("ns", "uuid");
        }

        @Override
        public String name(BdevUri uri) {
            return address(uri) + "n" + namespace(uri);
        }

        @Override
        public void open(String name, BdevUri uri, Completion<Bdev> done) {
            UUID uuid = uri.uuid("uuid");
            controllers.acquire(address(uri), (controller, failure) -> {
                if (failure != null) {
                    done.fail(failure);
                    return;
                }
                try {
                    done.ok(controller.createBdev(namespace(uri), name, uuid));
                } catch (OperationException refused) {
                    controllers.release(controller, (nothing, closeFailure) -> done.fail(refused));
                }
            });
        }

        private static PciAddress address(BdevUri uri) {
            return PciAddress.parse(uri.path().substring(1));
        }

        private static int namespace(BdevUri uri) {
            return (int) uri.number("ns", 1, 1, Integer.MAX_VALUE);
        }
    }

    private record Malloc(Offload offload, PageUse pages) implements Scheme {
        @Override
        public Set<String> parameters() {
            return SIZED;
        }

        @Override
        public void open(String name, BdevUri uri, Completion<Bdev> done) {
            int blockSize = blockSize(uri);
            long blocks = blockCount(uri, blockSize, MALLOC_MB_MAX);
            UUID uuid = uuid(uri, name);
            offload.run(() -> new MallocBdev(name, uuid, blockSize, blocks, pages), done);
        }
    }

    private record Null() implements Scheme {
        @Override
        public Set<String> parameters() {
            return SIZED;
        }

        @Override
        public void open(String name, BdevUri uri, Completion<Bdev> done) {
            int blockSize = blockSize(uri);
            done.ok(new NullBdev(name, uuid(uri, name), blockSize, blockCount(uri, blockSize, SIZE_MB_MAX)));
        }
    }

    private record Fault(BdevRegistry registry, BaseResolver bases) implements Scheme {
        @Override
        public Set<String> parameters() {
            return Set.of("base", "uuid");
        }

        @Override
        public void open(String name, BdevUri uri, Completion<Bdev> done) {
            String base = uri.parameter("base");
            if (base == null) {
                throw uri.missing("base");
            }
            UUID uuid = uuid(uri, name);
            bases.resolve(base, name, (bdev, failure) -> {
                if (failure != null) {
                    done.fail(failure);
                    return;
                }
                try {
                    done.ok(FaultBdev.open(name, uuid, bdev, registry));
                } catch (OperationException refused) {
                    done.fail(refused);
                }
            });
        }
    }
}
