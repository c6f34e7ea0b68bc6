package io.mizzen.lvs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;

/**
 * What the volumes of a pool may hold, as a host knows it: of each range the versions written since the last one that
 * must survive a power cut. Sectors of 512 bytes, whatever the disk's blocks are. One thread.
 */
final class CrashModel {
    static final int SECTOR = 512;
    /** A value that stands for any contents. */
    static final long ANY = -1;
    static final int SECTOR_BITS = 24;

    final Map<String, Volume> volumes = new TreeMap<>();
    /** The pool's limit for committed bytes, and what it may be as well. */
    int commitLimit;
    int otherCommitLimit;
    /** Clusters of the whole pool, and how many there may be as well. */
    int poolClusters;
    int otherPoolClusters;
    /** The disk has lost what was not durable: readers may see it until the power fails, in snapshots as well. */
    private boolean lost;
    private long now = 1;
    private long lastValue;

    /** One write, as all ranges that it covers know it. */
    static final class Version {
        final long value;
        private long acknowledgedAt = Long.MAX_VALUE;
        /** Another one to the same place was under way with it: nobody knows which came last. */
        boolean overlapped;

        private Version(long value) {
            this.value = value;
        }

        boolean acknowledgedBefore(long time) {
            return acknowledgedAt < time;
        }
    }

    /** An I/O under way; a read has no version. */
    private record Flight(long from, long end, Version version) {
        boolean overlaps(long otherFrom, long otherEnd) {
            return otherFrom < end && from < otherEnd;
        }
    }

    /** A volume that is there, may be there, or may still be there. */
    static final class Volume {
        final String name;
        final UUID uuid;
        /** A snapshot: read only. */
        final boolean frozen;
        boolean thin;
        /** Perhaps by now: a change that makes it thin or thick is under way. */
        boolean otherThin;
        /** What it was taken or cloned from, or became a clone of; null: it stands alone. */
        Volume parent;
        boolean mayBeAbsent = true;
        /** A change of the volume itself is under way. */
        boolean changing;
        int openCount;
        long sizeBytes;
        /** Size that it may have as well; else the same. */
        long otherSizeBytes;
        private final TreeMap<Long, CrashExtent> extents = new TreeMap<>();
        private final List<Flight> inFlight = new ArrayList<>();
        /** The snapshot of it that is being taken; null: none. */
        private Volume snapshot;
        /** What may be its parent as well by now; null among them: none. */
        private final List<Volume> otherParents = new ArrayList<>();
        /** It was deleted while several stood on it: it goes by itself when one is left. */
        boolean discarded;
        /** Perhaps by now. */
        boolean otherDiscarded;
        /** It is going by itself, and this one gets what it holds; null: not now. */
        private Volume heir;
        /** The snapshot that it is being taken back to, as a volume of its own; null: none. No I/O meanwhile. */
        private Volume back;

        Volume(String name, UUID uuid, boolean frozen, boolean thin, long sizeBytes) {
            this.name = name;
            this.uuid = uuid;
            this.frozen = frozen;
            this.thin = thin;
            this.otherThin = thin;
            this.sizeBytes = sizeBytes;
            this.otherSizeBytes = sizeBytes;
        }

        /** Whether no other I/O to that range is under way; or no read, where others may be. */
        boolean isQuiet(long from, long end, boolean ofReads) {
            for (Flight other : inFlight) {
                if (other.overlaps(from, end) && (!ofReads || other.version == null)) {
                    return false;
                }
            }
            return true;
        }

        void reading(long from, long end) {
            inFlight.add(new Flight(from, end, null));
        }

        void read(long from, long end) {
            inFlight.remove(new Flight(from, end, null));
        }

        /** Whether the parent that was found, or none, may be it: those that are being removed leave it theirs. */
        boolean mayHaveParent(String found) {
            Volume above = parent;
            while (above != null && above.mayBeAbsent && !above.name.equals(found)) {
                above = above.parent;
            }
            return isNamed(above, found) || otherParents.stream().anyMatch(other -> isNamed(other, found));
        }

        private static boolean isNamed(Volume volume, String found) {
            return Objects.equals(found, volume == null ? null : volume.name);
        }

        /** Whether it is thin, reads from no snapshot, and nobody fills it. */
        boolean standsAlone() {
            return thin && !changing && parent == null;
        }

        /** Whether zeroes may need a cluster, to hide what a snapshot holds. */
        boolean mayHaveParent() {
            return parent != null || !otherParents.isEmpty();
        }

        boolean isBeingTakenBack() {
            return back != null;
        }

        /** The change that was under way is over. */
        private void changed() {
            changing = false;
            snapshot = null;
            back = null;
            heir = null;
            otherThin = thin;
            otherDiscarded = discarded;
            otherParents.clear();
        }

        private void split(long at) {
            Map.Entry<Long, CrashExtent> entry = extents.lowerEntry(at);
            if (entry != null && entry.getValue().end() > at) {
                extents.put(entry.getKey(), new CrashExtent(at, entry.getValue().versions()));
                extents.put(at, new CrashExtent(entry.getValue().end(), entry.getValue().versions()));
            }
        }

        private Map<Long, CrashExtent> range(long from, long end) {
            split(from);
            split(end);
            return extents.subMap(from, end);
        }

        /** Sets a range to one durable version. */
        private void set(long from, long end, Version version) {
            if (from < end) {
                range(from, end).clear();
                extents.put(from, new CrashExtent(end, new Version[] {version}));
            }
        }

        private void forgetFrom(long from) {
            split(from);
            extents.tailMap(from).clear();
        }
    }

    private static Version durable(long value) {
        Version version = new Version(value);
        version.acknowledgedAt = 0;
        return version;
    }

    /** The number that fills a sector which holds that value. */
    static long tag(long value, long sector) {
        return value == 0 ? 0 : value << SECTOR_BITS | sector;
    }

    // --- volumes ------------------------------------------------------------------------------------

    /** A volume is being created. @param zeroBytes what reads as zeroes at first */
    Volume creating(String name, UUID uuid, boolean thin, long sizeBytes, long zeroBytes) {
        Volume v = new Volume(name, uuid, false, thin, sizeBytes);
        v.changing = true;
        v.set(0, Math.min(sizeBytes, zeroBytes) / SECTOR, durable(0));
        v.set(Math.min(sizeBytes, zeroBytes) / SECTOR, sizeBytes / SECTOR, durable(ANY));
        volumes.put(name, v);
        return v;
    }

    void created(Volume v) {
        v.changing = false;
        v.mayBeAbsent = false;
    }

    /** A snapshot is being taken: it holds what was acknowledged, and of what is written until it is there any part. */
    Volume snapshotting(Volume v, String name, UUID uuid) {
        Volume snapshot = copy(v, name, uuid, true);
        snapshot.parent = v.parent;
        v.snapshot = snapshot;
        v.otherParents.add(snapshot);
        v.changing = true;
        v.otherThin = true;
        return snapshot;
    }

    void snapshotted(Volume v, Volume snapshot) {
        v.thin = true;
        v.parent = snapshot;
        v.changed();
        created(snapshot);
    }

    /** It was not taken. */
    void notSnapshotted(Volume v, Volume snapshot) {
        v.changed();
        gone(snapshot);
    }

    /** A clone is being made. */
    Volume cloning(Volume snapshot, String name, UUID uuid) {
        Volume clone = copy(snapshot, name, uuid, false);
        clone.parent = snapshot;
        return clone;
    }

    private Volume copy(Volume of, String name, UUID uuid, boolean frozen) {
        Volume copy = detached(of, name, uuid, frozen);
        volumes.put(name, copy);
        return copy;
    }

    private Volume detached(Volume of, String name, UUID uuid, boolean frozen) {
        Volume copy = new Volume(name, uuid, frozen, !frozen || of.thin, of.sizeBytes);
        copy.changing = true;
        of.extents.forEach((from, extent) -> {
            int oldest = lost ? 0 : extent.lastAcknowledged(Long.MAX_VALUE);
            Version[] versions = new Version[extent.versions().length - oldest];
            versions[0] = durable(extent.versions()[oldest].value);
            for (int i = 1; i < versions.length; i++) {
                versions[i] = new Version(extent.versions()[oldest + i].value);
            }
            copy.extents.put(from, new CrashExtent(extent.end(), versions));
        });
        return copy;
    }

    /** What stands on it. */
    List<Volume> clones(Volume v) {
        return volumes.values().stream().filter(other -> other.parent == v).toList();
    }

    /** A snapshot with one clone goes: that keeps what it reads. */
    void removing(Volume snapshot) {
        destroying(snapshot);
        clones(snapshot).forEach(clone -> clone.changing = true);
    }

    void removed(Volume snapshot) {
        for (Volume clone : clones(snapshot)) {
            clone.parent = snapshot.parent;
            clone.changed();
        }
        gone(snapshot);
    }

    void notRemoved(Volume snapshot) {
        snapshot.mayBeAbsent = snapshot.discarded;
        snapshot.changed();
        clones(snapshot).forEach(Volume::changed);
    }

    /** A snapshot with several clones is deleted: it stays for them, until but one is left. */
    void discarding(Volume snapshot) {
        snapshot.changing = true;
        snapshot.mayBeAbsent = true;
        snapshot.otherDiscarded = true;
    }

    void discarded(Volume snapshot) {
        snapshot.discarded = true;
        snapshot.changed();
    }

    /** One that was deleted is going by itself, and leaves what it holds to its clone; null: it could not go. */
    void leaving(Volume snapshot, Volume heir) {
        if (heir != null) {
            heir.changing = true;
        } else if (snapshot.heir != null) {
            snapshot.heir.changed();
        }
        snapshot.heir = heir;
    }

    /** It has gone; who stood on it and is becoming independent of it does not yet know. */
    void left(Volume snapshot) {
        if (snapshot.heir != null) {
            snapshot.heir.parent = snapshot.parent;
        }
        leaving(snapshot, null);
        gone(snapshot);
    }

    /** A volume that nobody has open is taken back to a snapshot: all of it, or nothing. */
    void takingBack(Volume v, Volume to) {
        v.changing = true;
        v.back = detached(to, v.name, v.uuid, false);
        v.otherSizeBytes = to.sizeBytes;
        v.otherThin = true;
        v.otherParents.add(to);
        to.changing = true;
    }

    void takenBack(Volume v, Volume to) {
        adoptBack(v);
        v.parent = to;
        v.changed();
        to.changing = false;
    }

    void notTakenBack(Volume v, Volume to) {
        v.otherSizeBytes = v.sizeBytes;
        v.changed();
        to.changing = false;
    }

    private static void adoptBack(Volume v) {
        v.extents.clear();
        v.extents.putAll(v.back.extents);
        v.sizeBytes = v.back.sizeBytes;
        v.otherSizeBytes = v.sizeBytes;
        v.thin = true;
    }

    /** A volume gets what it reads from its snapshot, and loses that. @param entirely it becomes thick and stands alone */
    void inflating(Volume v, boolean entirely) {
        v.changing = true;
        v.otherThin = !entirely;
        v.otherParents.add(entirely ? null : v.parent.parent);
        if (v.parent != null) {
            v.parent.changing = true;
        }
    }

    void inflated(Volume v, boolean entirely) {
        Volume before = v.parent;
        v.thin = !entirely;
        v.parent = entirely ? null : before.parent;
        v.changed();
        if (before != null) {
            before.changing = false;
        }
    }

    void notInflated(Volume v) {
        v.changed();
        if (v.parent != null) {
            v.parent.changing = false;
        }
    }

    void destroying(Volume v) {
        v.changing = true;
        v.mayBeAbsent = true;
    }

    void gone(Volume v) {
        volumes.remove(v.name);
    }

    /** What it gains reads as zeroes if it is thin; what it loses is there until the change is acknowledged. */
    void resizing(Volume v, long sizeBytes) {
        v.changing = true;
        v.otherSizeBytes = sizeBytes;
        v.set(v.sizeBytes / SECTOR, sizeBytes / SECTOR, durable(v.thin ? 0 : ANY));
    }

    void resized(Volume v, long sizeBytes) {
        v.changing = false;
        v.sizeBytes = sizeBytes;
        v.otherSizeBytes = sizeBytes;
        v.forgetFrom(sizeBytes / SECTOR);
    }

    long nextValue() {
        return ++lastValue;
    }

    /** A write arrives: from here on its range may hold it. Zeroes and unmaps write 0, or {@link #ANY}. */
    Version write(Volume v, long from, long end, long value) {
        Version version = new Version(value);
        for (Flight other : v.inFlight) {
            if (other.overlaps(from, end)) {
                other.version.overlapped = true;
                version.overlapped = true;
            }
        }
        v.inFlight.add(new Flight(from, end, version));
        add(v, from, end, version);
        if (v.snapshot != null) {
            add(v.snapshot, from, Math.min(end, v.snapshot.sizeBytes / SECTOR), new Version(value));
        }
        return version;
    }

    private static void add(Volume v, long from, long end, Version version) {
        for (Map.Entry<Long, CrashExtent> entry : v.range(from, end).entrySet()) {
            Version[] before = entry.getValue().versions();
            Version[] after = Arrays.copyOf(before, before.length + 1);
            after[before.length] = version;
            entry.setValue(new CrashExtent(entry.getValue().end(), after));
        }
    }

    /** The write ended; if it failed, or overlapped another, any part of it may be there. */
    void written(Volume v, long from, long end, Version version, boolean succeeded, boolean isDurable) {
        v.inFlight.remove(new Flight(from, end, version));
        if (succeeded && !version.overlapped) {
            version.acknowledgedAt = now++;
            if (isDurable) {
                forgetBefore(v.range(from, end), now);
            }
        }
    }

    /** When a flush arrives: it covers what was acknowledged by then. */
    long flushing() {
        return now++;
    }

    void flushed(Volume v, long since) {
        forgetBefore(v.extents, since);
    }

    /** The disk has lost what was not durable: of that, a snapshot that is being taken may have what was there before. */
    void lost() {
        for (Volume v : volumes.values()) {
            if (!lost && v.frozen && v.mayBeAbsent) {
                v.set(0, v.sizeBytes / SECTOR, durable(ANY));
            }
        }
        lost = true;
    }

    /** A flush has failed: its host does not know of what was not durable whether it ever will be. */
    void flushFailed(Volume v) {
        for (CrashExtent extent : v.extents.values()) {
            for (int i = 1; i < extent.versions().length; i++) {
                extent.versions()[i].acknowledgedAt = Long.MAX_VALUE;
            }
        }
    }

    private static void forgetBefore(Map<Long, CrashExtent> extents, long time) {
        for (Map.Entry<Long, CrashExtent> entry : extents.entrySet()) {
            CrashExtent extent = entry.getValue();
            int oldest = extent.lastAcknowledged(time);
            if (oldest > 0) {
                entry.setValue(new CrashExtent(extent.end(), Arrays.copyOfRange(extent.versions(), oldest, extent.versions().length)));
            }
        }
    }

    // --- checks -------------------------------------------------------------------------------------

    /** Where a sector's contents come from: eight bytes that fill it, or a value that nothing has if they differ. */
    interface Contents {
        /** The first sector from there on, below the end, that is not all zeroes; else the end. */
        long nextNonZero(long sector, long end);

        long tagAt(long sector);
    }

    /**
     * What is wrong with a range of a volume; null: nothing.
     *
     * @param afterCut what was not durable may be lost; else the last write that was acknowledged is there, or a later one
     */
    String wrong(Volume v, long from, long end, Contents contents, boolean afterCut) {
        String wrong = wrongInItself(v, from, end, contents, afterCut);
        return wrong != null && v.back != null && wrongInItself(v.back, from, end, contents, true) == null ? null : wrong;
    }

    private static String wrongInItself(Volume v, long from, long end, Contents contents, boolean afterCut) {
        Map.Entry<Long, CrashExtent> entry = v.extents.floorEntry(from);
        for (long sector = from; sector < end;) {
            if (entry == null || entry.getValue().end() <= sector) {
                return v.name + ": the model has nothing at sector " + sector;
            }
            CrashExtent extent = entry.getValue();
            int oldest = afterCut ? 0 : extent.lastAcknowledged(Long.MAX_VALUE);
            String wrong = extent.wrong(v, sector, Math.min(end, extent.end()), oldest, contents);
            if (wrong != null) {
                return wrong;
            }
            sector = extent.end();
            entry = v.extents.floorEntry(sector);
        }
        return null;
    }

    /** The power has failed: what was lost is gone, and what is there is durable. */
    void restarted() {
        lost = false;
    }

    /** After a start: this is there. @param afterCut what it holds is durable, and all that it may hold from here on */
    void settle(Volume v, long sizeBytes, Contents contents, boolean afterCut) {
        v.mayBeAbsent = v.discarded;
        v.openCount = 0;
        v.inFlight.clear();
        if (v.back != null && (sizeBytes != v.sizeBytes || wrongInItself(v, 0, sizeBytes / SECTOR, contents, afterCut) != null)) {
            adoptBack(v);
        }
        v.changed();
        resized(v, sizeBytes);
        if (!afterCut) {
            return;
        }
        hold(v, v.extents, contents);
    }

    /** A snapshot was acknowledged, or read: what it holds there it holds for ever. */
    void seen(Volume snapshot, long from, long end, Contents contents) {
        if (!lost) {
            hold(snapshot, snapshot.range(from, end), contents);
        }
    }

    private static void hold(Volume v, Map<Long, CrashExtent> extents, Contents contents) {
        List<long[]> found = new ArrayList<>();
        for (Map.Entry<Long, CrashExtent> entry : extents.entrySet()) {
            if (entry.getValue().versions().length > 1) {
                entry.getValue().collect(entry.getKey(), contents, found);
            }
        }
        for (long[] range : found) {
            v.set(range[0], range[1], durable(range[2]));
        }
    }
}
