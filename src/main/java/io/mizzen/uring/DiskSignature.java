package io.mizzen.uring;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds out what a disk holds already, by the marks that partition tables, file systems and volume managers leave at its
 * beginning and end. Reads only. Blocking: never on a reactor.
 */
public final class DiskSignature {
    private static final int HEAD_BYTES = 1 << 20;
    private static final int TAIL_BYTES = 1 << 20;

    /** What the disk holds: a word for requests that overwrite it, and where it was found. */
    public record Finding(String word, String description) {
    }

    /** A mark: the word, what it means, where, and the bytes. */
    private record Magic(String word, String description, int offset, byte[] bytes) {
    }

    private static final List<Magic> HEAD = List.of(
            text("spdk-blobstore", "an lvstore (SPDK blobstore)", 0, "SPDKBLOB"),
            text("spdk-raid", "a member of an SPDK RAID set, or of a pool of several disks", 0, "SPDKRAID"),
            text("ext", "an ext2, ext3 or ext4 file system", 1080, "\u0053\u00EF"),
            text("xfs", "an XFS file system", 0, "XFSB"),
            text("btrfs", "a Btrfs file system", 0x10040, "_BHRfS_M"),
            text("bcachefs", "a bcache or bcachefs device", 4120, "\u00C6\u0085\u0073\u00F6\u004E\u001A\u0045\u00CA"),
            text("f2fs", "an F2FS file system", 1024, "\u0010\u0020\u00F5\u00F2"),
            text("ntfs", "an NTFS file system", 3, "NTFS    "),
            text("exfat", "an exFAT file system", 3, "EXFAT   "),
            text("vfat", "a FAT file system", 82, "FAT32   "),
            text("vfat", "a FAT file system", 54, "FAT1"),
            text("iso9660", "an ISO 9660 image", 32769, "CD001"),
            text("swap", "Linux swap space", 4086, "SWAPSPACE2"),
            text("luks", "a LUKS encrypted volume", 0, "LUKS\u00BA\u00BE"),
            text("lvm2", "an LVM physical volume", 512, "LABELONE"),
            text("lvm2", "an LVM physical volume", 0, "LABELONE"),
            text("lvm2", "an LVM physical volume", 1024, "LABELONE"),
            text("lvm2", "an LVM physical volume", 1536, "LABELONE"),
            text("md", "a Linux software RAID member", 4096, "\u00FC\u004E\u002B\u00A9"),
            text("md", "a Linux software RAID member", 0, "\u00FC\u004E\u002B\u00A9"),
            text("ceph", "a Ceph BlueStore device", 0, "bluestore block device"),
            text("drbd", "a DRBD device", 4, "DRBD"),
            text("gpt", "a GUID partition table", 512, "EFI PART"),
            text("gpt", "a GUID partition table", 4096, "EFI PART"),
            text("reiserfs", "a ReiserFS file system", 65588, "ReIsEr"),
            text("jfs", "a JFS file system", 32768, "JFS1"),
            text("nilfs2", "a NILFS2 file system", 1030, "\u0034\u0034"),
            text("ocfs2", "an OCFS2 file system", 8192, "OCFSV2"),
            text("gfs2", "a GFS2 file system", 65536, "\u0001\u0016\u0019\u0070"),
            text("squashfs", "a SquashFS image", 0, "hsqs"),
            text("erofs", "an EROFS image", 1024, "\u00E2\u00E1\u00F5\u00E0"),
            text("apfs", "an APFS container", 32, "NXSB"),
            text("hfsplus", "an HFS+ file system", 1024, "H+\u0000\u0004"),
            text("vdo", "a VDO volume", 0, "dmvdo001"),
            text("stratis", "a Stratis pool member", 528, "!Stra0tis\u0086\u00FF\u0002^Arh"));
    /** A ZFS label has a ring of uberblocks, of which any may be in use. */
    private static final int ZFS_UBERBLOCKS_FIRST = 0x20000;
    private static final int ZFS_UBERBLOCKS_END = 0x40000;
    private static final int ZFS_UBERBLOCK_BYTES = 1024;
    private static final byte[] ZFS_MAGIC = {0x0C, (byte) 0xB1, (byte) 0xBA, 0, 0, 0, 0, 0};

    private DiskSignature() {
    }

    private static Magic text(String word, String description, int offset, String bytes) {
        return new Magic(word, description, offset, bytes.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Everything found, most telling first; empty for a blank disk. */
    public static List<Finding> inspect(UringFile file) {
        int headBytes = (int) Math.min(HEAD_BYTES, file.sizeBytes());
        int tailBytes = (int) Math.min(TAIL_BYTES, file.sizeBytes());
        byte[] head = file.read(0, headBytes);
        byte[] tail = file.read((file.sizeBytes() - tailBytes) & -4096L, tailBytes);
        return inspect(head, tail);
    }

    /** The words that a finding may have. */
    public static Set<String> words() {
        Set<String> words = new TreeSet<>(Set.of("mbr", "zfs"));
        HEAD.forEach(magic -> words.add(magic.word));
        return words;
    }

    /**
     * As above, of bytes read already.
     *
     * @param head from the first byte on
     * @param tail to the last byte
     */
    public static List<Finding> inspect(byte[] head, byte[] tail) {
        List<Finding> findings = new ArrayList<>();
        for (Magic magic : HEAD) {
            if (matches(head, magic.offset, magic.bytes)) {
                add(findings, magic.word, magic.description + " (at byte " + magic.offset + ")");
            }
        }
        for (int at = ZFS_UBERBLOCKS_FIRST; at < ZFS_UBERBLOCKS_END; at += ZFS_UBERBLOCK_BYTES) {
            if (matches(head, at, ZFS_MAGIC)) {
                add(findings, "zfs", "a ZFS pool member (at byte " + at + ")");
            }
        }
        inspectMbr(head, findings);
        inspectTail(tail, findings);
        return findings;
    }

    /** An MBR is only two bytes of mark, so its entries have to make sense. */
    private static void inspectMbr(byte[] head, List<Finding> findings) {
        if (head.length < 512 || head[510] != 0x55 || head[511] != (byte) 0xAA) {
            return;
        }
        boolean used = false;
        for (int entry = 446; entry < 510; entry += 16) {
            if (head[entry] != 0 && head[entry] != (byte) 0x80) {
                return;
            }
            used |= head[entry + 4] != 0;
        }
        if (used || findings.isEmpty()) {
            add(findings, "mbr", "an MBR partition table or boot sector (at byte 510)");
        }
    }

    private static void inspectTail(byte[] tail, List<Finding> findings) {
        byte[] gpt = "EFI PART".getBytes(StandardCharsets.ISO_8859_1);
        if (matches(tail, tail.length - 512, gpt) || matches(tail, tail.length - 4096, gpt)) {
            add(findings, "gpt", "a backup GUID partition table (in the last block)");
        }
        byte[] md = "\u00FC\u004E\u002B\u00A9".getBytes(StandardCharsets.ISO_8859_1);
        if (matches(tail, (tail.length & -65536) - 65536, md) || matches(tail, tail.length - 8192, md)) {
            add(findings, "md", "a Linux software RAID member (at the end)");
        }
    }

    private static void add(List<Finding> findings, String word, String description) {
        if (findings.stream().noneMatch(finding -> finding.word.equals(word))) {
            findings.add(new Finding(word, description));
        }
    }

    private static boolean matches(byte[] bytes, int offset, byte[] magic) {
        return offset >= 0 && offset + magic.length <= bytes.length
                && Arrays.equals(bytes, offset, offset + magic.length, magic, 0, magic.length);
    }
}
