package io.mizzen.lvs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * What the independent decoder finds on a disk, compared with what the pool says and with the model. Throws an
 * AssertionError that says what differs.
 */
final class CrashImage {
    /** Stands for a sector that is not filled by one number. */
    static final long MIXED = Long.MIN_VALUE;

    private final CrashMedia media;
    private final SlowDecoder decoder;

    CrashImage(CrashMedia media) {
        this.media = media;
        this.decoder = new SlowDecoder(media);
    }

    boolean isClean() {
        return decoder.clean;
    }

    /** Whether a snapshot is there that was deleted while several read from it, and could go since at most one does. */
    boolean keepsWhatCanGo() {
        for (SlowDecoder.Volume v : decoder.volumes.values()) {
            List<SlowDecoder.Volume> readers = decoder.volumes.values().stream().filter(other -> other.parent == v).toList();
            boolean hides = readers.size() == 1 && v.parent != null && v.parent.clusters.size() > v.clusters.size()
                    && readers.getFirst().clusters.size() > v.clusters.size();
            if (v.discarded() && readers.size() <= 1 && !hides) {
                return true;
            }
        }
        return false;
    }

    /** The pool counts as used what volumes hold, no more and no less. */
    void compareSpace(LvStore store) {
        require(store.freeClusterCount() == decoder.freeClusters(), "the pool has " + store.freeClusterCount()
                + " free clusters, on the disk are " + decoder.freeClusters());
        require(store.usedMetadataPageCount() == decoder.usedPages.size(), "the pool has " + store.usedMetadataPageCount()
                + " metadata pages in use, on the disk are " + decoder.usedPages.size());
    }

    /** All volumes that must be there are, with what they must hold. */
    void compare(LvStore store, CrashModel model, boolean afterCut) {
        for (SlowDecoder.Volume found : decoder.volumes.values()) {
            require(model.volumes.containsKey(found.name), "nobody made the volume " + found.name);
        }
        require(store.lvols().size() == decoder.volumes.size(), "the pool has " + store.lvols().size() + " volumes, the disk "
                + decoder.volumes.size());
        int clusters = store.geometry().totalClusterCount();
        require(clusters == decoder.totalClusters && (clusters == model.poolClusters || clusters == model.otherPoolClusters),
                "the pool has " + clusters + " clusters, not " + model.poolClusters + " or " + model.otherPoolClusters);
        int limit = store.commitLimitPercent();
        require(limit == model.commitLimit || limit == model.otherCommitLimit, "the pool's limit is " + limit + ", not "
                + model.commitLimit + " or " + model.otherCommitLimit);
        for (CrashModel.Volume v : model.volumes.values()) {
            SlowDecoder.Volume found = decoder.volumes.get(v.name);
            Lvol lvol = store.findLvol(v.name);
            require((found == null) == (lvol == null), v.name + " is on the disk or in the pool, not both");
            if (found == null) {
                require(v.mayBeAbsent, v.name + " is lost");
                continue;
            }
            require(lvol.usable(), v.name + " is not served: " + lvol.unusableReason());
            require(lvol.uuid().equals(v.uuid) && found.uuid.equals(v.uuid.toString()), v.name + " has another uuid");
            require(lvol.thin() == found.thin && (found.thin == v.thin || found.thin == v.otherThin), v.name
                    + " is thin or thick, unlike before");
            require(lvol.snapshot() == v.frozen && found.readOnly == v.frozen, v.name + " is a snapshot, or is none, unlike before");
            boolean discarded = lvol.snapshotInfo().discarded();
            require(discarded == found.discarded() && (discarded == v.discarded || discarded == v.otherDiscarded), v.name
                    + " is deleted for when its clones are gone, or is not, unlike before");
            String parent = found.parent == null ? null : found.parent.name;
            require(Objects.equals(lvol.parentName(), parent), v.name + " has another parent in the pool");
            require(v.mayHaveParent(parent), v.name + " is a clone of " + parent);
            long sizeBytes = found.clusters.size() * decoder.clusterBytes;
            long held = found.clusters.stream().filter(cluster -> cluster != 0).count();
            require(lvol.allocatedClusterCount() == held, v.name + " has " + lvol.allocatedClusterCount() + " clusters, on the disk "
                    + held);
            require(lvol.sizeBytes() == sizeBytes, v.name + " has " + lvol.sizeBytes() + " bytes, on the disk " + sizeBytes);
            require(sizeBytes == v.sizeBytes || sizeBytes == v.otherSizeBytes, v.name + " has " + sizeBytes + " bytes, not "
                    + v.sizeBytes + " or " + v.otherSizeBytes);
            String lost = model.wrong(v, 0, sizeBytes / CrashModel.SECTOR, contents(found), afterCut);
            require(lost == null, lost);
        }
    }

    /** What is there now is what the model goes on from. */
    void settle(LvStore store, CrashModel model, boolean afterCut) {
        model.commitLimit = store.commitLimitPercent();
        model.otherCommitLimit = model.commitLimit;
        model.poolClusters = store.geometry().totalClusterCount();
        model.otherPoolClusters = model.poolClusters;
        for (CrashModel.Volume v : List.copyOf(model.volumes.values())) {
            SlowDecoder.Volume found = decoder.volumes.get(v.name);
            if (found == null) {
                model.gone(v);
            } else {
                boolean thin = found.thin;
                v.discarded = found.discarded();
                model.settle(v, found.clusters.size() * decoder.clusterBytes, contents(found), afterCut);
                v.thin = thin;
                v.otherThin = thin;
            }
        }
        for (CrashModel.Volume v : model.volumes.values()) {
            SlowDecoder.Volume parent = decoder.volumes.get(v.name).parent;
            v.parent = parent == null ? null : model.volumes.get(parent.name);
        }
    }

    /** What is read of a volume, through all that it stands on. */
    private CrashModel.Contents contents(SlowDecoder.Volume v) {
        List<Integer> clusters = new ArrayList<>(v.clusters);
        for (SlowDecoder.Volume above = v.parent; above != null; above = above.parent) {
            for (int i = 0; i < clusters.size(); i++) {
                if (i >= above.clusters.size()) {
                    break;
                }
                if (clusters.get(i) == 0) {
                    clusters.set(i, above.clusters.get(i));
                }
            }
        }
        return new Sectors(media, decoder.clusterBytes, clusters);
    }

    /** What a reader finds in an open volume now. */
    static CrashModel.Contents contents(CrashMedia media, Lvol lvol) {
        List<Integer> clusters = new ArrayList<>();
        for (int i = 0; i < lvol.clusterCount(); i++) {
            clusters.add(lvol.map().resolved(i));
        }
        return new Sectors(media, lvol.store().clusterSizeBytes(), clusters);
    }

    /** The sectors of a volume, through a map of its clusters. */
    private static final class Sectors implements CrashModel.Contents {
        private static final int PER_PAGE = CrashMedia.PAGE / CrashModel.SECTOR;

        private final CrashMedia media;
        private final List<Integer> clusters;
        private final long perCluster;

        private Sectors(CrashMedia media, long clusterBytes, List<Integer> clusters) {
            this.media = media;
            this.clusters = clusters;
            this.perCluster = clusterBytes / CrashModel.SECTOR;
        }

        private byte[] page(int cluster, long sector) {
            return media.page((cluster * perCluster + sector % perCluster) / PER_PAGE);
        }

        @Override
        public long nextNonZero(long from, long end) {
            long sector = from;
            while (sector < end) {
                int cluster = clusters.get((int) (sector / perCluster));
                if (cluster == 0) {
                    sector = (sector / perCluster + 1) * perCluster;
                } else if (page(cluster, sector) == null) {
                    sector = (sector / PER_PAGE + 1) * PER_PAGE;
                } else if (tagAt(sector) != 0) {
                    return sector;
                } else {
                    sector++;
                }
            }
            return end;
        }

        @Override
        public long tagAt(long sector) {
            int cluster = clusters.get((int) (sector / perCluster));
            byte[] page = cluster == 0 ? null : page(cluster, sector);
            return page == null ? 0 : tagOf(page, (int) (sector % PER_PAGE) * CrashModel.SECTOR);
        }
    }

    private static long tagOf(byte[] page, int from) {
        int end = from + CrashModel.SECTOR;
        if (!Arrays.equals(page, from, end - 8, page, from + 8, end)) {
            return MIXED;
        }
        long tag = 0;
        for (int i = 7; i >= 0; i--) {
            tag = tag << 8 | page[from + i] & 0xff;
        }
        return tag;
    }

    static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }
}
