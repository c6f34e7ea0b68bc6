package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.SortedMap;

/**
 * Children that go: by hand, by a fault, by removal of their device, for a while or for good; and the closing of those
 * that are out. Children that come are {@link ChildJoin}'s. Home mthread.
 */
final class ChildOperations {
    private final Nexus nexus;
    private int underWay;
    private int closing;
    private boolean resizing;
    private Runnable whenQuiet;

    ChildOperations(Nexus nexus) {
        this.nexus = nexus;
    }

    /** Counts an operation in; its end is told to the caller of {@link #whenQuiet} too. */
    <T> Completion<T> begin(Completion<T> done) {
        underWay++;
        return (value, failure) -> {
            done.complete(value, failure);
            underWay--;
            checkQuiet();
        };
    }

    private void checkQuiet() {
        if (underWay == 0 && closing == 0 && whenQuiet != null) {
            Runnable now = whenQuiet;
            whenQuiet = null;
            now.run();
        }
    }

    /** Runs it once no operation is under way and no child is being closed. The nexus is closing: none begins any more. */
    void whenQuiet(Runnable then) {
        assert whenQuiet == null;
        whenQuiet = then;
        checkQuiet();
    }

    private NexusChild get(String name) {
        NexusChild child = nexus.childrenTable().find(name);
        if (child == null) {
            throw OperationException.notFound("child-not-found", "nexus " + nexus.name() + " has no child " + name);
        }
        return child;
    }

    NexusChild find(String name) {
        return get(name);
    }

    private OperationException lastHealthy(NexusChild child) {
        return OperationException.precondition("last-healthy-child", "child " + describe(child)
                + " is the last healthy child of nexus " + nexus.name() + "; add or rebuild another one first");
    }

    private static String describe(NexusChild child) {
        return child.name() == null ? child.memberUuid().toString() : child.name();
    }

    // --- fault, offline -------------------------------------------------------------------------------

    /**
     * While legs may differ, hosts read from one of them: another one may show what they have seen otherwise, so that one
     * is not taken out for convenience.
     */
    private OperationException checkNotSource(NexusChild child) {
        boolean others = (nexus.usableMask() & ~(1 << child.index())) != 0;
        if (!others || child.index() != nexus.source() || nexus.dirtyMap().suspectCount() == 0) {
            return null;
        }
        return OperationException.precondition("child-is-source", "the children of nexus " + nexus.name()
                + " are being made equal to child " + describe(child) + " after an unclean end; wait until they are, or "
                + "fault it");
    }

    /** Takes a child out; {@code closed}: done only when its bdev is free. */
    void takeOut(String name, FaultReason reason, boolean closed, Completion<Void> done) {
        NexusChild child = get(name);
        OperationException refusal = reason == FaultReason.OFFLINE ? checkNotSource(child) : null;
        if (refusal != null) {
            throw refusal;
        }
        if (child.state() == MemberState.FAULTED) {
            keepOut(child, reason, done);
            return;
        }
        nexus.membership().requestByHand(child.index(), reason, () -> {
            if (child.state() == MemberState.FAULTED && closed) {
                child.whenClosed(() -> done.ok(null));
            } else if (child.state() == MemberState.FAULTED) {
                done.ok(null);
            } else if (nexus.membership().isBlocked()) {
                done.fail(OperationException.internal("nexus-metadata-not-stored",
                        "the fault of child " + name + " could not be stored on any other child"));
            } else {
                done.fail(lastHealthy(child));
            }
        });
    }

    /** A child is out already: it is stored that this is how it is to be, so that nobody brings it back by himself. */
    private void keepOut(NexusChild child, FaultReason reason, Completion<Void> done) {
        if (child.reason() == reason) {
            child.whenClosed(() -> done.ok(null));
            return;
        }
        nexus.membership().request(new MemberChange() {
            @Override
            OperationException check() {
                boolean out = nexus.childrenTable().isMember(child) && !nexus.childrenTable().isBeingReplaced(child);
                return !out ? OperationException.precondition("child-busy", "child " + describe(child)
                        + " is being brought online or removed; wait for that")
                        : nexus.usableMask() == 0 ? lastHealthyOrNone(child) : null;
            }

            @Override
            void edit(SortedMap<Integer, Member> members) {
                Member now = members.get(child.index());
                members.put(child.index(), new Member(now.uuid(), MemberState.FAULTED, reason, now.lastHealthyGeneration(),
                        nexus.wallClockMs()));
            }

            @Override
            void take() {
                child.setReason(reason, nexus.wallClockMs());
                nexus.event("child-faulted child=" + describe(child) + " reason=" + reason.word() + " generation="
                        + nexus.generation());
            }

            @Override
            void done(OperationException failure) {
                if (failure != null) {
                    done.fail(failure);
                } else {
                    child.whenClosed(() -> done.ok(null));
                }
            }
        });
    }

    /** A child's device is gone. */
    void onRemoved(Bdev bdev) {
        NexusChild child = findAttached(bdev);
        if (child == null) {
            return;
        }
        nexus.event("child-removed child=" + child.name());
        nexus.membership().onLost(child.index());
        nexus.membership().requestFault(child.index(), FaultReason.REMOVED, () -> {
            if (child.isAttached()) {
                // The last healthy one: the metadata keeps it healthy, but there is nothing to send I/O to.
                child.detach();
                nexus.event("child-lost child=" + child.name());
                nexus.publishConfig(nexus::onMembersChanged);
            }
        });
    }

    /** A child's size changed. */
    void onResized(Bdev bdev) {
        long needed = nexus.label().childBytesNeeded(nexus.sizeBytes(), nexus.blockSizeBytes());
        nexus.event("child-resized child=" + bdev.name() + " size=" + bdev.sizeBytes() + " needed=" + needed);
    }

    // --- told by channels, from any reactor -----------------------------------------------------------

    /** A channel met too many read errors of a child in a row. */
    void reportReadErrors(int place, Reactor reactor) {
        nexus.home().send(new Message() {
            @Override
            public void run() {
                NexusChild child = nexus.child(place);
                if (child != null && child.isUsable()) {
                    nexus.membership().requestFault(place, FaultReason.IO_ERROR, () -> { });
                }
            }
        }, reactor);
    }

    /** A channel marked regions as suspect. */
    void reportSuspect(Reactor reactor) {
        nexus.home().send(new Message() {
            @Override
            public void run() {
                if (nexus.isOpenNow()) {
                    nexus.resync().consider();
                }
            }
        }, reactor);
    }

    private NexusChild findAttached(Bdev bdev) {
        for (NexusChild child : nexus.children()) {
            if (child.isAttached() && child.bdev() == bdev) {
                return child;
            }
        }
        return null;
    }

    // --- remove ---------------------------------------------------------------------------------------

    /** Takes a child out for good. */
    void remove(String name, Completion<Void> done) {
        NexusChild child = get(name);
        nexus.membership().request(new MemberChange() {
            @Override
            OperationException check() {
                OperationException refusal = checkRemoval(child);
                child.setLeaving(refusal == null);
                return refusal;
            }

            @Override
            void edit(SortedMap<Integer, Member> members) {
                members.remove(child.index());
            }

            @Override
            int leaving() {
                return 1 << child.index();
            }

            @Override
            void take() {
                child.detach();
                child.eraseOnClose();
                nexus.childrenTable().leave(child);
                nexus.event("child-left child=" + describe(child));
            }

            @Override
            void done(OperationException failure) {
                if (failure != null) {
                    child.setLeaving(false);
                    done.fail(failure);
                } else {
                    child.whenClosed(() -> {
                        nexus.childrenTable().release(child, null);
                        done.ok(null);
                    });
                }
            }
        });
    }

    private OperationException checkRemoval(NexusChild child) {
        if (!nexus.childrenTable().isMember(child)) {
            return OperationException.notFound("child-not-found", "child " + describe(child)
                    + " is no member of nexus " + nexus.name() + " any more");
        }
        if (nexus.childrenTable().isBeingReplaced(child)) {
            return OperationException.precondition("child-busy", "child " + describe(child)
                    + " is being brought online; wait for that");
        }
        boolean othersHealthy = (nexus.usableMask() & ~(1 << child.index())) != 0;
        return othersHealthy ? checkNotSource(child) : lastHealthyOrNone(child);
    }

    private OperationException lastHealthyOrNone(NexusChild child) {
        return child.state() == MemberState.HEALTHY ? lastHealthy(child)
                : new OperationException(ErrorKind.UNAVAILABLE, "no-healthy-child", "nexus " + nexus.name()
                        + " has no healthy child now to store the removal on; bring one back first");
    }

    // --- resize ---------------------------------------------------------------------------------------

    void resize(long sizeBytes, Completion<Void> done) {
        if (resizing) {
            throw OperationException.precondition("nexus-resizing", "nexus " + nexus.name() + " is being resized");
        }
        resizing = true;
        Completion<Void> ended = (value, failure) -> {
            resizing = false;
            done.complete(value, failure);
        };
        try {
            new NexusResizer(nexus, sizeBytes, ended).start();
        } catch (OperationException refusal) {
            ended.fail(refusal);
        }
    }

    // --- closing --------------------------------------------------------------------------------------

    /** Closes the children that are out: nothing is sent to them any more by any channel. */
    void closeDetached() {
        for (int place = 0; place < NexusChildren.PLACE_COUNT; place++) {
            NexusChild child = nexus.child(place);
            if (child != null && !child.isAttached() && !child.isClosed() && child.beginClosing()) {
                closing++;
                nexus.stopCopying(child, () -> closeChannels(child));
            }
        }
    }

    private void closeChannels(NexusChild child) {
        nexus.forEachChannel((channel, iteration) -> ((NexusChannel) channel).closeChild(child, iteration),
                nexus.home(), (value, failure) -> child.whenHomeIdle(() -> {
                    if (child.isErasedOnClose()) {
                        MetadataEraser.erase(nexus, 1 << child.index(), erased -> {
                            if (!erased) {
                                nexus.event("child-not-erased child=" + child.name());
                            }
                            closed(child);
                        });
                    } else {
                        closed(child);
                    }
                }));
    }

    private void closed(NexusChild child) {
        child.whenHomeIdle(() -> {
            nexus.event("child-closed child=" + child.name());
            child.close();
            closing--;
            checkQuiet();
        });
    }
}
