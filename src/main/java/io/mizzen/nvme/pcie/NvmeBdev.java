package io.mizzen.nvme.pcie;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.nvme.IdentifyController;
import io.mizzen.nvme.Opcodes;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;
import java.util.UUID;

/**
 * A namespace of a controller that this process owns. Reads and writes are single commands up to the controller's limits
 * and split above; a write with FUA carries the bit; unmap is write zeroes with deallocation where blocks then read as
 * zeroes, else dataset management.
 */
public final class NvmeBdev extends Bdev {
    private final NvmeController controller;
    private final NvmeNamespace namespace;
    private final ControllerInfo info;
    private final int nsid;
    private final boolean usesSgls;
    private final int zeroesControl;
    private final boolean unmapsByZeroes;
    private final long[] commandBlocksMax = new long[IoType.COUNT];

    NvmeBdev(String name, UUID uuid, NvmeController controller, NvmeNamespace namespace, ControllerInfo info) {
        super(name, uuid, "nvme", namespace.blockSizeBytes(), namespace.blockCount());
        this.controller = controller;
        this.namespace = namespace;
        this.info = info;
        this.nsid = namespace.nsid();
        this.usesSgls = info.sgls();
        boolean deallocates = info.has(IdentifyController.ONCS_WRITE_ZEROES) && namespace.zeroesDeallocate()
                && namespace.readsZeroes();
        this.zeroesControl = deallocates ? Opcodes.CDW12_DEALLOCATE : 0;
        this.unmapsByZeroes = deallocates;
        long transfer = Math.max(1, info.transferBytesMax() >>> blockShift());
        long zeroes = Math.max(1, Math.min(IoCommand.BLOCKS_MAX, info.zeroesBytesMax() >>> blockShift()));
        for (int type = 0; type < IoType.COUNT; type++) {
            commandBlocksMax[type] = switch (type) {
                case IoType.READ, IoType.WRITE, IoType.COMPARE -> Math.min(IoCommand.BLOCKS_MAX, transfer);
                case IoType.WRITE_ZEROES -> zeroes;
                case IoType.VERIFY -> Math.max(1, Math.min(IoCommand.BLOCKS_MAX, info.verifyBytesMax() >>> blockShift()));
                case IoType.UNMAP -> deallocates ? zeroes : info.deallocateBlocksMax();
                default -> 1;
            };
        }
    }

    /** The controller that has the namespace. */
    public NvmeController controller() {
        return controller;
    }

    /** As it was when the bdev was made; {@link #blockCount} follows the drive. */
    public NvmeNamespace namespace() {
        return namespace;
    }

    @HotPath
    int nsid() {
        return nsid;
    }

    /** Most blocks of one command. */
    @HotPath
    long commandBlocksMax(int ioType) {
        return commandBlocksMax[ioType];
    }

    @HotPath
    boolean usesSgls() {
        return usesSgls;
    }

    /** Bits of CDW12 that every write zeroes has. */
    @HotPath
    int zeroesControl() {
        return zeroesControl;
    }

    @HotPath
    boolean unmapsByZeroes() {
        return unmapsByZeroes;
    }

    @Override
    public boolean supports(int ioType) {
        return switch (ioType) {
            case IoType.READ, IoType.WRITE -> true;
            case IoType.FLUSH -> info.volatileCache();
            case IoType.UNMAP -> unmapsByZeroes || info.has(IdentifyController.ONCS_DATASET_MANAGEMENT);
            case IoType.WRITE_ZEROES -> info.has(IdentifyController.ONCS_WRITE_ZEROES);
            case IoType.COMPARE -> info.has(IdentifyController.ONCS_COMPARE);
            case IoType.VERIFY -> info.has(IdentifyController.ONCS_VERIFY);
            default -> false;
        };
    }

    @Override
    public boolean hasVolatileCache() {
        return info.volatileCache();
    }

    @Override
    public boolean unmapReadsZeroes() {
        return unmapsByZeroes;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new NvmeChannel(this, mthread, controller.pairFor(mthread.reactor()));
    }

    @Override
    protected void onDestroy(Completion<Void> done) {
        controller.forget(this, done);
    }

    /** The controller has looked at the namespace again. Control reactor. */
    void onNamespace(NvmeNamespace now) {
        if (isRemoved()) {
            return;
        }
        if (now == null || !now.isUsable() || !now.isSameFormat(namespace)) {
            notifyRemoved();
        } else {
            setBlockCount(now.blockCount());
        }
    }
}
