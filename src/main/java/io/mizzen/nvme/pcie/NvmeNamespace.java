package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.bdev.Bdev;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.IdentifyNamespace;
import io.mizzen.nvme.NamespaceDescriptors;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * A namespace as the controller describes it (NVM command set 1.0, section 4.1.5).
 *
 * @param nsid from 1
 * @param uuid its UUID, else its NGUID or EUI64 as one, else made from the controller's serial number
 * @param blockSizeBytes of the format in use, without metadata
 * @param blockCount size
 * @param metadataBytes metadata of a block
 * @param readsZeroes whether deallocated blocks read as zeroes
 * @param zeroesDeallocate whether write zeroes may deallocate
 * @param refusal why it cannot be a bdev and what to do, or null
 */
public record NvmeNamespace(int nsid, UUID uuid, int blockSizeBytes, long blockCount, int metadataBytes,
        boolean readsZeroes, boolean zeroesDeallocate, String refusal) {

    /** Whether it can be a bdev. */
    public boolean isUsable() {
        return refusal == null;
    }

    /** Whether blocks lie where they lay in another description of the same namespace; the size may differ. */
    boolean isSameFormat(NvmeNamespace other) {
        return nsid == other.nsid && uuid.equals(other.uuid) && blockSizeBytes == other.blockSizeBytes
                && metadataBytes == other.metadataBytes;
    }

    /**
     * Reads both structures.
     *
     * @param identifyAddress identify namespace, CNS 00h
     * @param descriptorsAddress descriptor list, CNS 03h, or 0 when the controller has none
     * @param serial of the controller, for a namespace without an identity
     */
    static NvmeNamespace parse(int nsid, long identifyAddress, long descriptorsAddress, String serial) {
        int format = IdentifyNamespace.formatInUse(ALL, identifyAddress);
        int shift = IdentifyNamespace.formatBlockShift(ALL, identifyAddress, format);
        int metadata = IdentifyNamespace.formatMetadataBytes(ALL, identifyAddress, format);
        int dlfeat = IdentifyNamespace.dlfeat(ALL, identifyAddress);
        long blocks = IdentifyNamespace.sizeBlocks(ALL, identifyAddress);
        int commandSet = Identify.CSI_NVM;
        if (descriptorsAddress != 0) {
            long entry = NamespaceDescriptors.find(ALL, descriptorsAddress, NamespaceDescriptors.TYPE_COMMAND_SET);
            commandSet = entry < 0 ? Identify.CSI_NVM : NamespaceDescriptors.commandSet(ALL, entry);
        }
        String refusal = refusal(shift, metadata, IdentifyNamespace.protection(ALL, identifyAddress), blocks, commandSet);
        return new NvmeNamespace(nsid, identity(nsid, identifyAddress, descriptorsAddress, serial),
                shift < 31 ? 1 << shift : 0, blocks, metadata,
                (dlfeat & 7) == IdentifyNamespace.DLFEAT_READS_ZEROS,
                (dlfeat & IdentifyNamespace.DLFEAT_WRITE_ZEROES_DEALLOCATES) != 0, refusal);
    }

    private static String refusal(int shift, int metadata, int protection, long blocks, int commandSet) {
        if (commandSet != Identify.CSI_NVM) {
            return "it has command set " + commandSet + " (zoned or key-value), not the NVM command set";
        }
        if (metadata != 0 || protection != 0) {
            return "its format has " + metadata + " bytes of metadata a block" + (protection != 0 ? " and protection information" : "")
                    + "; format it with one that has none (nvme format --lbaf)";
        }
        if (shift < 9 || 1L << shift > Bdev.BLOCK_SIZE_MAX) {
            return "its block size is 2^" + shift + " bytes; format it with blocks of 512 or 4096 bytes (nvme format --lbaf)";
        }
        if (blocks <= 0 || blocks > Long.MAX_VALUE >>> shift) {
            return "its size is " + Long.toUnsignedString(blocks) + " blocks";
        }
        return null;
    }

    private static UUID identity(int nsid, long identify, long descriptors, String serial) {
        if (descriptors != 0) {
            for (int type : new int[] {NamespaceDescriptors.TYPE_UUID, NamespaceDescriptors.TYPE_NGUID}) {
                long entry = NamespaceDescriptors.find(ALL, descriptors, type);
                if (entry >= 0 && (NamespaceDescriptors.high(ALL, entry) | NamespaceDescriptors.low(ALL, entry)) != 0) {
                    return new UUID(NamespaceDescriptors.high(ALL, entry), NamespaceDescriptors.low(ALL, entry));
                }
            }
        }
        long high = IdentifyNamespace.nguidHigh(ALL, identify);
        long low = IdentifyNamespace.nguidLow(ALL, identify);
        if ((high | low) != 0) {
            return new UUID(high, low);
        }
        long eui64 = IdentifyNamespace.eui64(ALL, identify);
        String name = eui64 != 0 ? "eui64:" + Long.toHexString(eui64) : "nvme:" + serial + ":" + nsid;
        return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8));
    }
}
