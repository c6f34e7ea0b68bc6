package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.concat.ConcatBdev;
import io.mizzen.concat.DiskHead;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolDiskView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.lvs.LvStore;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * What lies under a pool: the bdevs that its request names, and, where there are several or may be later, the one that joins
 * them. Found or made for a pool, given back when it closes. Control reactor only.
 */
final class PoolDisks {
    private static final int METADATA_PAGE_BYTES = 4096;
    private static final int PROBLEMS_MAX = 100;

    private final PlaneContext plane;
    private final BdevService bdevs;
    private final NexusService nexuses;

    PoolDisks(PlaneContext plane, BdevService bdevs, NexusService nexuses) {
        this.plane = plane;
        this.nexuses = nexuses;
        this.bdevs = bdevs;
    }

    /**
     * What a pool stands on.
     *
     * @param base what carries the lvstore
     * @param disks in their order; the base alone where nothing is joined
     * @param uris as named, by disk
     */
    record Stack(Bdev base, List<Bdev> disks, List<String> uris) {
        /** Null for a bare lvstore on one disk. */
        ConcatBdev concat() {
            return base instanceof ConcatBdev concat ? concat : null;
        }

        /** So large the disk must be to hold what the pool has on it. */
        long neededBytes(LvStore store, Bdev disk) {
            return concat() == null ? store.sizeBytes() : concat().neededBytes(disk);
        }

        /** What the disk has gained and the pool cannot use. */
        long unusableBytes(Bdev disk) {
            return concat() == null || disk.isRemoved() ? 0 : concat().unusableBytes(disk);
        }

        /** Refuses when a disk has become smaller than that. */
        void checkNotShrunk(LvStore store) {
            for (Bdev disk : disks) {
                if (!disk.isRemoved() && disk.sizeBytes() < neededBytes(store, disk)) {
                    throw OperationException.precondition("pool-device-shrunk", "disk " + disk + " of pool " + store.name() + ": "
                            + DiskWatch.shrunk(disk, neededBytes(store, disk)));
                }
            }
        }
    }

    /** Finds or makes the disks of a new pool, refuses those that somebody else uses, and joins them; nothing is written. */
    void forCreation(PoolSpec spec, Completion<Stack> done) {
        resolve(spec, false, (disks, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            Completion<Stack> end = releasing(disks, done);
            SignatureCheck.runAll(plane, disks, spec.overwrite(), (nothing, refused) -> {
                if (refused != null) {
                    end.fail(refused);
                } else if (disks.size() == 1 && !spec.room().expandable()) {
                    end.ok(new Stack(disks.getFirst(), disks, spec.disks()));
                } else {
                    joined(ConcatBdev.create(spec.name(), newDisks(spec.disks(), disks), plane.registry(), plane.control()), disks,
                            spec.disks(), end);
                }
            });
        });
    }

    /** SPDK finds members by the UUIDs of bdevs: of a disk that has one of its own, that. */
    private static List<ConcatBdev.NewDisk> newDisks(List<String> uris, List<Bdev> disks) {
        List<ConcatBdev.NewDisk> all = new ArrayList<>();
        for (int i = 0; i < disks.size(); i++) {
            all.add(newDisk(uris.get(i), disks.get(i)));
        }
        return all;
    }

    static ConcatBdev.NewDisk newDisk(String uri, Bdev disk) {
        boolean own = BdevUri.isUri(uri) && (uri.startsWith("pci") || BdevUri.parse(uri).parameter("uuid") != null);
        return new ConcatBdev.NewDisk(disk, own ? disk.uuid() : null);
    }

    /** Finds the disks of a pool that exists, reads which belong together, and puts them together. */
    void forImport(PoolSpec spec, boolean readOnly, Completion<Stack> done) {
        resolve(spec, true, (disks, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            Completion<Stack> end = releasing(disks, done);
            readHeads(disks, new ArrayList<>(), (heads, unread) -> guarded(end, () -> {
                if (unread != null) {
                    end.fail(unread);
                } else if (heads.size() == 1 && !heads.getFirst().isMember()) {
                    end.ok(new Stack(disks.getFirst(), disks, spec.disks()));
                } else {
                    ConcatBdev.assemble(heads, readOnly, plane.registry(), plane.control(), (concat, refused) -> {
                        if (refused != null) {
                            end.fail(refused);
                        } else {
                            joined(concat, disks, spec.disks(), end);
                        }
                    });
                }
            }));
        });
    }

    private void readHeads(List<Bdev> disks, List<DiskHead> heads, Completion<List<DiskHead>> done) {
        if (heads.size() == disks.size()) {
            done.ok(heads);
            return;
        }
        guarded(done, () -> ConcatBdev.inspect(disks.get(heads.size()), plane.registry(), plane.control(), (head, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                heads.add(head);
                readHeads(disks, heads, done);
            }
        }));
    }

    private void joined(ConcatBdev concat, List<Bdev> named, List<String> uris, Completion<Stack> end) {
        try {
            plane.registry().register(concat);
        } catch (OperationException taken) {
            plane.registry().discard(concat, (nothing, failure) -> end.fail(taken));
            return;
        }
        List<String> inOrder = concat.disks().stream().map(disk -> uris.get(named.indexOf(disk))).toList();
        end.ok(new Stack(concat, concat.disks(), inOrder));
    }

    private void resolve(PoolSpec spec, boolean existing, Completion<List<Bdev>> done) {
        resolve(spec, existing, new ArrayList<>(), done);
    }

    private void resolve(PoolSpec spec, boolean existing, List<Bdev> disks, Completion<List<Bdev>> done) {
        if (disks.size() == spec.disks().size()) {
            done.ok(disks);
            return;
        }
        Completion<Bdev> found = (disk, failure) -> {
            if (failure != null) {
                releaseRefused(disks);
                done.fail(named(spec, disks.size(), failure));
                return;
            }
            try {
                if (disks.contains(disk)) {
                    throw OperationException.invalid("invalid-disks", "disk " + disk + " is named twice");
                }
                disks.add(disk);
                checkFree(disk, spec.allowTest());
                nexuses.refuseWaiting(spec.disks().get(disks.size() - 1), disk);
                resolve(spec, existing, disks, done);
            } catch (OperationException refused) {
                releaseRefused(disks);
                done.fail(refused);
            }
        };
        try {
            if (existing) {
                bdevs.resolveExisting(spec.disks().get(disks.size()), found);
            } else {
                bdevs.resolve(spec.disks().get(disks.size()), found);
            }
        } catch (OperationException refused) {
            found.fail(refused);
        }
    }

    /** Of several disks, which one. */
    private static OperationException named(PoolSpec spec, int disk, OperationException failure) {
        return spec.disks().size() == 1 ? failure : new OperationException(failure.kind(), failure.code(), "disk "
                + spec.disks().get(disk) + " of pool " + spec.nameOrUuid() + ": " + failure.getMessage()
                + "; a pool is opened only with all its disks", failure);
    }

    static void checkFree(Bdev disk, boolean allowTest) {
        if (disk.isTestOnly() && !allowTest) {
            throw OperationException.precondition("test-bdev", "bdev " + disk.name()
                    + " is for tests only: data on it is not safe; say allowTest to make a pool on it all the same");
        }
        if (disk.isOpen()) {
            throw InUse.by(disk.openedBy(), "bdev-in-use", "bdev " + disk.name());
        }
    }

    /** The pool has closed: what joined the disks goes, then what was made of the disks for the pool. */
    void release(Stack stack, Completion<Void> done) {
        release(stack, bdevs::release, done);
    }

    /** The pool was refused: what was made for it goes, files too. */
    void releaseRefused(Stack stack, Completion<Void> done) {
        release(stack, bdevs::releaseRefused, done);
    }

    private static void letGo(List<Bdev> disks, Consumer<Bdev> way) {
        List.copyOf(disks).forEach(way);
    }

    private void release(Stack stack, Consumer<Bdev> way, Completion<Void> done) {
        ConcatBdev concat = stack.concat();
        if (concat == null) {
            letGo(stack.disks(), way);
            done.ok(null);
            return;
        }
        plane.registry().unregister(concat, (nothing, failure) -> {
            letGo(stack.disks(), way);
            done.complete(null, failure);
        });
    }

    /** Adds a disk to those of an open pool; the lvstore takes it in afterwards. */
    void add(Stack stack, LvStore store, PoolDiskSpec spec, boolean test, Completion<Stack> done) {
        PoolSpec one = new PoolSpec(store.name(), null, List.of(spec.disk()), 0, spec.overwrite(), spec.allowTest() || test);
        resolve(one, false, (found, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            Completion<Stack> end = releasing(found, done);
            Bdev disk = found.getFirst();
            guarded(end, () -> {
                ConcatBdev.NewDisk added = newDisk(spec.disk(), disk);
                store.checkGrowth(stack.concat().sizeBytes() + stack.concat().dataBytes(added));
                SignatureCheck.runAll(plane, found, one.overwrite(), (nothing, refused) -> {
                    if (refused != null) {
                        end.fail(refused);
                        return;
                    }
                    guarded(end, () -> stack.concat().add(added, (written, unwritten) -> {
                        List<String> uris = new ArrayList<>(stack.uris());
                        uris.add(spec.disk());
                        end.complete(unwritten == null ? new Stack(stack.base(), stack.concat().disks(), uris) : null, unwritten);
                    }));
                });
            });
        });
    }

    /** Superblocks go with the pool that they were for. */
    void wipe(Stack stack, Completion<Void> done) {
        if (stack.concat() == null) {
            done.ok(null);
        } else {
            stack.concat().wipe(done);
        }
    }

    private void releaseRefused(List<Bdev> disks) {
        letGo(disks, bdevs::releaseRefused);
    }

    private <T> Completion<T> releasing(List<Bdev> disks, Completion<T> done) {
        return (value, failure) -> {
            if (failure != null) {
                releaseRefused(disks);
            }
            done.complete(value, failure);
        };
    }

    private static void guarded(Completion<?> done, Runnable step) {
        try {
            step.run();
        } catch (OperationException refused) {
            done.fail(refused);
        }
    }

    /** What is wrong with a pool that is read-only: disks that are missing, then what its metadata lacks; the first hundred. */
    static List<String> problems(Stack stack, LvStore store) {
        List<String> all = new ArrayList<>(stack.concat() == null ? List.of() : stack.concat().missing());
        all.addAll(store.problems());
        return List.copyOf(all.subList(0, Math.min(all.size(), PROBLEMS_MAX)));
    }

    static PoolView.Storage view(Stack stack, LvStore store, PoolHealth health) {
        ConcatBdev concat = stack.concat();
        List<PoolDiskView> disks = new ArrayList<>();
        for (int i = 0; i < stack.disks().size(); i++) {
            Bdev disk = stack.disks().get(i);
            PoolHealth.DiskHealth known = health.of(store, disk);
            disks.add(new PoolDiskView(stack.uris().get(i), disk.name(), concat == null ? null : concat.memberUuid(disk).toString(),
                    disk.sizeBytes(), concat == null ? disk.sizeBytes() : concat.dataBytes(disk), stack.unusableBytes(disk),
                    !disk.isRemoved(), known.state(), known.reason(), known.errors(), known.stalls(), known.stalled(), known.warnings()));
        }
        return new PoolView.Storage(concat != null, store.sizeBytes(), concat == null ? stack.base().sizeBytes()
                : concat.growableToBytes(), store.growableToBytes(), (long) store.metadataPageCount() * METADATA_PAGE_BYTES,
                (long) store.usedMetadataPageCount() * METADATA_PAGE_BYTES, disks,
                health.isFull(store), store.refusedAllocationCount());
    }
}
