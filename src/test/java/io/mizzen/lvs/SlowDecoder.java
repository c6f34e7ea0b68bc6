package io.mizzen.lvs;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A plain, slow reader of the on-disk format that shares no code with the production codec: what it sees on a disk is
 * compared with what the pool says. Throws an AssertionError at the first thing that SPDK would not accept.
 */
public final class SlowDecoder {
    /** Where the disk's bytes come from. */
    public interface Source {
        byte[] read(long atBytes, int sizeBytes);
    }

    private static final int[] CRC_OF_BYTE = crcOfEachByte();

    /** One volume. */
    public static final class Volume {
        String name;
        String uuid;
        long root;
        long flags;
        boolean thin;
        boolean readOnly;
        /** The snapshot that it is a clone of, or null. */
        Volume parent;
        public final List<Integer> clusters = new ArrayList<>();
        final Map<String, byte[]> xattrs = new TreeMap<>();
        final Map<String, byte[]> internal = new TreeMap<>();

        /** Whether it was deleted and stays for its clones. */
        boolean discarded() {
            byte[] mark = xattrs.get("io-engine.discarded_snapshot");
            return mark != null && text(mark).equals("true");
        }
    }

    private final Source disk;
    public final boolean clean;
    public final long clusterBytes;
    final int metadataPages;
    final long metadataStart;
    final int totalClusters;
    /** By name. */
    public final Map<String, Volume> volumes = new TreeMap<>();
    final Set<Integer> usedClusters = new TreeSet<>();
    final Set<Integer> usedPages = new TreeSet<>();
    final Set<Integer> roots = new TreeSet<>();
    String poolName;

    public SlowDecoder(Source disk) {
        this.disk = disk;
        ByteBuffer s = page(0);
        expect(new String(s.array(), 0, 8, StandardCharsets.US_ASCII).equals("SPDKBLOB"), "signature");
        expect(crc(s.array()) == s.getInt(4092), "super block CRC");
        expect(s.getInt(8) == 3, "version");
        clean = s.getInt(16) == 1;
        long superBlob = s.getLong(20);
        clusterBytes = s.getInt(28) & 0xffffffffL;
        metadataStart = s.getInt(48);
        metadataPages = s.getInt(52);
        totalClusters = (int) (s.getLong(80) / clusterBytes);
        long metadataEnd = (metadataStart + metadataPages) * 4096;
        for (int c = 0; c * clusterBytes < metadataEnd; c++) {
            usedClusters.add(c);
        }
        for (int p = 0; p < metadataPages; p++) {
            ByteBuffer page = page(metadataStart + p);
            if (page.getLong(0) == (1L << 32 | p) && page.getInt(8) == 0 && crc(page.array()) == page.getInt(4092)) {
                blob(p, superBlob);
            }
        }
        relations();
        if (clean) {
            expect(mask(s.getInt(32), 0, metadataPages).equals(usedPages), "used page mask");
            expect(mask(s.getInt(40), 1, totalClusters).equals(usedClusters), "used cluster mask");
            expect(mask(s.getInt(72), 2, metadataPages).equals(roots), "used blob id mask");
        }
    }

    /** Where the metadata ends on the disk. */
    public long metadataEndBytes() {
        return (metadataStart + metadataPages) * 4096;
    }

    int freeClusters() {
        return totalClusters - usedClusters.size();
    }

    /** Contents of one cluster of a volume, of its own or of the nearest snapshot above that has it; else zeroes. */
    public byte[] read(Volume v, int cluster) {
        for (Volume at = v; at != null && cluster < at.clusters.size(); at = at.parent) {
            int c = at.clusters.get(cluster);
            if (c != 0) {
                return disk.read(c * clusterBytes, (int) clusterBytes);
            }
        }
        return new byte[(int) clusterBytes];
    }

    /** Follows the attribute that names a clone's snapshot; nothing of a change that was cut short may be left. */
    private void relations() {
        for (Volume v : volumes.values()) {
            expect(!v.internal.containsKey("SNAPTMP"), v.name + " is still being made");
            expect(!v.internal.containsKey("SNAPRM"), v.name + " is still being removed");
            byte[] snap = v.internal.get("SNAP");
            if (snap == null) {
                continue;
            }
            expect((v.flags & 2) != 0, "a clone, " + v.name + ", without the flag for internal attributes");
            long id = ByteBuffer.wrap(snap).order(ByteOrder.LITTLE_ENDIAN).getLong();
            for (Volume other : volumes.values()) {
                if ((1L << 32 | other.root) == id) {
                    v.parent = other;
                }
            }
            expect(v.parent != null, "the snapshot of " + v.name + " is missing");
            expect(v.thin, v.name + " is a clone but thick");
            expect(v.parent.readOnly, v.parent.name + " has clones but can be written");
        }
        for (Volume v : volumes.values()) {
            int depth = 0;
            for (Volume at = v; at != null; at = at.parent) {
                expect(depth++ <= volumes.size(), v.name + " is a clone of itself");
            }
        }
    }

    private void blob(int root, long superBlob) {
        Volume v = new Volume();
        v.root = root;
        roots.add(root);
        long tableClusters = -1;
        List<int[]> table = new ArrayList<>();
        int next = root;
        for (int sequence = 0; next != -1; sequence++) {
            ByteBuffer p = usePage(next);
            expect(p.getLong(0) == (1L << 32 | root), "blob id of page " + next);
            expect(p.getInt(8) == sequence, "sequence of page " + next);
            for (int at = 16; at + 5 <= 4088;) {
                int type = p.get(at);
                int length = p.getInt(at + 1);
                if (type == 0 && length == 0) {
                    break;
                }
                int q = at + 5;
                if (type == 2 || type == 4) {
                    int nameLength = p.getShort(q);
                    int valueLength = p.getShort(q + 2);
                    byte[] value = new byte[valueLength];
                    p.get(q + 4 + nameLength, value);
                    (type == 2 ? v.xattrs : v.internal).put(new String(p.array(), q + 4, nameLength,
                            StandardCharsets.US_ASCII), value);
                } else if (type == 3) {
                    v.flags = p.getLong(q);
                    v.thin = (v.flags & 1) != 0;
                    v.readOnly = (p.getLong(q + 8) & 1) != 0;
                } else if (type == 5) {
                    tableClusters = p.getLong(q);
                    for (int e = q + 8; e < q + length; e += 8) {
                        table.add(new int[] {p.getInt(e), p.getInt(e + 4)});
                    }
                } else if (type == 1) {
                    for (int e = q; e < q + length; e += 8) {
                        for (int i = 0; i < p.getInt(e + 4); i++) {
                            v.clusters.add(p.getInt(e) == 0 ? 0 : p.getInt(e) + i);
                        }
                    }
                } else {
                    throw new AssertionError("descriptor type " + type);
                }
                at = q + length;
            }
            next = p.getInt(4088);
        }
        extentPages(v, table, tableClusters);
        expect(tableClusters < 0 || v.clusters.size() == tableClusters, "cluster count " + v.clusters.size());
        for (int c : v.clusters) {
            expect(c != 0 || v.thin, "thick volume with a hole");
            expect(c == 0 || usedClusters.add(c), "cluster " + c + " owned twice");
            expect(c >= 0 && c < totalClusters, "cluster " + c + " out of range");
        }
        v.name = text(v.xattrs.get("name"));
        v.uuid = text(v.xattrs.get("uuid"));
        if (superBlob == (1L << 32 | root)) {
            poolName = v.name;
        } else {
            expect(volumes.put(v.name, v) == null, "name " + v.name + " twice");
        }
    }

    private void extentPages(Volume v, List<int[]> table, long tableClusters) {
        for (int[] entry : table) {
            if (entry[0] == 0) {
                for (int i = 0; i < entry[1] * 512 && v.clusters.size() < tableClusters; i++) {
                    v.clusters.add(0);
                }
                continue;
            }
            expect(entry[1] == 1, "run of extent pages");
            ByteBuffer p = usePage(entry[0]);
            expect(p.get(16) == 6, "extent page type");
            expect(p.getInt(21) == v.clusters.size(), "extent page start");
            for (int i = 0; i < (p.getInt(17) - 4) / 4; i++) {
                v.clusters.add(p.getInt(25 + 4 * i));
            }
            long end = Math.min(tableClusters, p.getInt(21) + 512L);
            while (v.thin && v.clusters.size() < end) {
                v.clusters.add(0);      // SPDK leaves pages that end before a volume that has grown.
            }
        }
    }

    private ByteBuffer usePage(int index) {
        expect(index >= 0 && index < metadataPages, "page " + index + " out of range");
        expect(usedPages.add(index), "page " + index + " used twice");
        ByteBuffer p = page(metadataStart + index);
        expect(crc(p.array()) == p.getInt(4092), "CRC of page " + index);
        return p;
    }

    private Set<Integer> mask(int startPage, int type, int bits) {
        byte[] raw = disk.read(startPage * 4096L, 5 + (bits + 7) / 8);
        expect(raw[0] == type, "mask type");
        expect(ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).getInt(1) == bits, "mask length");
        Set<Integer> set = new TreeSet<>();
        for (int i = 0; i < bits; i++) {
            if ((raw[5 + i / 8] >> i % 8 & 1) != 0) {
                set.add(i);
            }
        }
        return set;
    }

    private ByteBuffer page(long index) {
        return ByteBuffer.wrap(disk.read(index * 4096, 4096)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static String text(byte[] raw) {
        String s = new String(raw, StandardCharsets.UTF_8);
        return s.indexOf('\0') < 0 ? s : s.substring(0, s.indexOf('\0'));
    }

    static int crc(byte[] page) {
        int crc = -1;
        for (int i = 0; i < 4092; i++) {
            crc = crc >>> 8 ^ CRC_OF_BYTE[(crc ^ page[i]) & 0xff];
        }
        return ~crc;
    }

    private static int[] crcOfEachByte() {
        int[] table = new int[256];
        for (int i = 0; i < 256; i++) {
            table[i] = i;
            for (int b = 0; b < 8; b++) {
                table[i] = (table[i] & 1) != 0 ? table[i] >>> 1 ^ 0x82f63b78 : table[i] >>> 1;
            }
        }
        return table;
    }

    private static void expect(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError("the slow decoder does not accept: " + what);
        }
    }

    /** Contents of every cluster that these volumes hold. */
    Map<Integer, byte[]> clustersOf(Set<String> names) {
        Map<Integer, byte[]> contents = new HashMap<>();
        for (String name : new HashSet<>(names)) {
            for (int c : volumes.get(name).clusters) {
                if (c != 0) {
                    contents.put(c, disk.read(c * clusterBytes, (int) clusterBytes));
                }
            }
        }
        return contents;
    }
}
