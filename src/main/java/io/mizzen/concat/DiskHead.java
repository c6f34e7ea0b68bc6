package io.mizzen.concat;

import io.mizzen.bdev.Bdev;
import io.mizzen.util.OperationException;

/**
 * What the beginning of one disk says of a set that it belongs to. Immutable.
 */
public final class DiskHead {
    /** So much of every disk is read. */
    static final int SIZE_BYTES = 128 << 10;

    private final Bdev disk;
    private final byte[] bytes;
    private final MemberLabel label;
    private final RaidSuperBlock superBlock;
    private final OperationException damage;

    DiskHead(Bdev disk, byte[] bytes) {
        this.disk = disk;
        this.bytes = bytes;
        this.label = MemberLabel.read(bytes);
        RaidSuperBlock read = null;
        OperationException refused = null;
        if (RaidSuperBlock.hasSignature(bytes)) {
            try {
                read = RaidSuperBlock.read(bytes);
            } catch (OperationException e) {
                refused = e;
            }
        }
        this.superBlock = read;
        this.damage = refused;
    }

    /** Whether the disk is, or was, one of several joined to one: it carries a superblock, sound or not, or a label. */
    public boolean isMember() {
        return superBlock != null || damage != null || label != null;
    }

    /** Whether its superblock has made room for something that is no superblock: the disk may be in another use. */
    boolean isOverwritten() {
        for (int i = 0; superBlock == null && damage == null && i < Math.min(bytes.length, Bdev.BLOCK_SIZE_MAX); i++) {
            if (bytes[i] != 0) {
                return true;
            }
        }
        return false;
    }

    Bdev disk() {
        return disk;
    }

    /** Null when there is none that can be read. */
    RaidSuperBlock superBlock() {
        return superBlock;
    }

    /** Why the superblock that is there cannot be read; null when it can, or when there is none. */
    OperationException damage() {
        return damage;
    }

    /** Null when there is none. */
    MemberLabel label() {
        return label;
    }
}
