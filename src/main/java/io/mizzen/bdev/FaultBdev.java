package io.mizzen.bdev;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/**
 * Wraps another bdev and injects faults: errors, delays, corruption, by operation, stage, block range and count. For
 * tests of whatever lies above. Rules are set by any thread and take effect on the next I/O of each core.
 */
public final class FaultBdev extends Bdev {
    private static final FaultRule[] NO_RULES = {};

    private final Bdev base;
    private Descriptor descriptor;
    private volatile FaultRule[] rules = NO_RULES;

    private FaultBdev(String name, UUID uuid, Bdev base) {
        super(name, uuid, "fault", base.blockSizeBytes(), base.blockCount());
        this.base = base;
    }

    /** Opens the base for writing and wraps it. Control reactor; the caller registers the result. */
    public static FaultBdev open(String name, UUID uuid, Bdev base, BdevRegistry registry) {
        FaultBdev fault = new FaultBdev(name, uuid, base);
        fault.descriptor = registry.open(base, "fault bdev " + name, true, new Descriptor.Listener() {
            @Override
            public void onRemoved(Bdev gone) {
                fault.notifyRemoved();
            }

            @Override
            public void onResized(Bdev resized) {
                fault.setBlockCount(resized.blockCount());
            }
        });
        return fault;
    }

    public Bdev base() {
        return base;
    }

    /** The rules in force. Any thread. */
    public List<FaultRule> rules() {
        return List.of(rules);
    }

    /** Adds a rule, or replaces the one with its id. Any thread. */
    public synchronized void putRule(FaultRule rule) {
        removeRule(rule.id());
        FaultRule[] grown = Arrays.copyOf(rules, rules.length + 1);
        grown[rules.length] = rule;
        rules = grown;
    }

    /** Removes a rule; false when there was none. Any thread. */
    public synchronized boolean removeRule(String id) {
        FaultRule[] rest = Arrays.stream(rules).filter(rule -> !rule.id().equals(id)).toArray(FaultRule[]::new);
        boolean found = rest.length < rules.length;
        rules = rest;
        return found;
    }

    @Override
    public boolean supports(int ioType) {
        return base.supports(ioType);
    }

    @Override
    public int depth() {
        return base.depth() + 1;
    }

    @Override
    public boolean hasVolatileCache() {
        return base.hasVolatileCache();
    }

    @Override
    public boolean fuaFlushes() {
        return base.fuaFlushes();
    }

    @Override
    public boolean isTestOnly() {
        return true;
    }

    @Override
    public boolean isLocal() {
        return base.isLocal();
    }

    @Override
    public boolean unmapReadsZeroes() {
        return base.unmapReadsZeroes();
    }

    @Override
    public boolean zeroesDeallocate() {
        return base.zeroesDeallocate();
    }

    @Override
    public boolean isBlank() {
        return base.isBlank();
    }

    @Override
    public long nextAllocated(long fromBlock, long endBlock) {
        return base.nextAllocated(fromBlock, endBlock);
    }

    @Override
    public long nextUnallocated(long fromBlock, long endBlock) {
        return base.nextUnallocated(fromBlock, endBlock);
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new Channel(this, mthread);
    }

    @Override
    protected void onDestroy(Completion<Void> done) {
        descriptor.close();
        done.ok(null);
    }

    private static final class Channel extends IoChannel implements IoCompletion {
        private final FaultBdev fault;
        private final IoChannel baseChannel;

        Channel(FaultBdev fault, Mthread mthread) {
            super(fault, mthread);
            this.fault = fault;
            this.baseChannel = fault.descriptor.openChannel(mthread);
        }

        @Override
        @HotPath
        protected void doSubmit(BdevIo io) {
            FaultRule[] rules = fault.rules;
            for (int i = 0; i < rules.length; i++) {
                FaultRule rule = rules[i];
                if (rule.kind() != FaultRule.Kind.CORRUPT && rule.hit(io, FaultRule.Stage.SUBMIT)) {
                    if (rule.kind() == FaultRule.Kind.ERROR) {
                        io.completeDeferred(rule.status());
                    } else {
                        delay(io, rule.delayNs(), false, Status.SUCCESS);
                    }
                    return;
                }
            }
            forward(io);
        }

        @HotPath
        private void forward(BdevIo io) {
            BdevIo child = baseChannel.tryAcquire();
            if (child == null) {
                io.completeDeferred(Status.NO_RESOURCES);
                return;
            }
            child.prepare(io.type, io.offsetBlocks, io.blockCount, io.address, io.regionIndex, this);
            child.flags = io.flags & BdevIo.FLAGS_HANDED_ON;
            child.parent = io;
            baseChannel.submit(child);
        }

        @Override
        @HotPath
        public void onIoComplete(BdevIo child) {
            BdevIo io = child.parent;
            int status = child.status();
            child.release();
            FaultRule[] rules = fault.rules;
            for (int i = 0; i < rules.length; i++) {
                FaultRule rule = rules[i];
                FaultRule.Stage stage = rule.kind() == FaultRule.Kind.CORRUPT ? rule.stage()
                        : FaultRule.Stage.COMPLETION;
                if (rule.hit(io, stage)) {
                    apply(rule, io, status);
                    return;
                }
            }
            io.complete(status);
        }

        private void apply(FaultRule rule, BdevIo io, int status) {
            switch (rule.kind()) {
                case ERROR -> io.complete(rule.status());
                case DELAY -> delay(io, rule.delayNs(), true, status);
                case CORRUPT -> corrupt(io, status);
            }
        }

        private void delay(BdevIo io, long delayNs, boolean isComplete, int status) {
            mthread().reactor().arm(new Timer() {
                @Override
                protected void onTimer(long nowNs) {
                    if (isComplete) {
                        io.complete(status);
                    } else {
                        forward(io);
                    }
                }
            }, delayNs);
        }

        private void corrupt(BdevIo io, int status) {
            if (status != Status.SUCCESS || io.type == IoType.READ) {
                if (status == Status.SUCCESS) {
                    RawMemory.putByte(io.address, (byte) ~RawMemory.getByte(io.address));
                }
                io.complete(status);
                return;
            }
            DmaBuffer buffer = context().small().tryAcquire();
            BdevIo child = buffer == null ? null : baseChannel.tryAcquire();
            if (child == null) {
                if (buffer != null) {
                    buffer.close();
                }
                io.complete(Status.INTERNAL_ERROR);
                return;
            }
            RawMemory.copy(io.address, buffer.address(), fault.blockSizeBytes());
            RawMemory.putByte(buffer.address(), (byte) ~RawMemory.getByte(buffer.address()));
            child.prepare(IoType.WRITE, io.offsetBlocks, 1, buffer.address(), buffer.regionIndex(), done -> {
                int written = done.status();
                done.release();
                buffer.close();
                io.complete(written);
            });
            baseChannel.submit(child);
        }

        @Override
        protected void onClose() {
            baseChannel.close();
        }
    }
}
