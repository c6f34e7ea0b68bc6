package io.mizzen.nvmf.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.FaultBdev;
import io.mizzen.bdev.FaultRule;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPool;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.SglDescriptor;
import io.mizzen.nvme.Sqe;
import io.mizzen.nvmf.IcPdu;
import io.mizzen.testsupport.FakeSockets;
import io.mizzen.testsupport.NvmeTcpClient;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** I/O queues against a RAM disk, on hand-driven reactors. */
class TargetIoTest {
    private static final int BLOCK = TargetFixture.BLOCK;

    @Test
    void dataIsWhatWasWrittenWhateverTheNegotiation() {
        for (int digests = 0; digests < 4; digests++) {
            for (int hpda : new int[] {0, 3, 31}) {
                for (int maxR2t : new int[] {1, 3, 16}) {
                    boolean always = hpda == 3;
                    TargetFixture f = new TargetFixture(digests * 100 + hpda * 10 + maxR2t,
                            TargetConfig.defaults().withSuccessFlag(always));
                    TargetFixture.Admin admin = f.admin(digests);
                    int attributes = maxR2t == 3 ? FabricsCommand.CATTR_NO_FLOW_CONTROL : 0;
                    NvmeTcpClient io = f.io(admin, 1, 128, hpda, digests, maxR2t, attributes);
                    io.h2cDataLimit = maxR2t == 16 ? 4096 : 0;
                    assertEquals((digests & IcPdu.DIGEST_HEADER) != 0, io.hasHeaderDigest());
                    assertEquals((digests & IcPdu.DIGEST_DATA) != 0, io.hasDataDigest());
                    roundTrips(io, always || maxR2t == 3);
                    admin.client().close();
                    f.stop();
                }
            }
        }
    }

    private static void roundTrips(NvmeTcpClient io, boolean mayOmitResponse) {
        int[] sizes = {BLOCK, 8192, 8192 + BLOCK, 65536, 131072};
        for (int size : sizes) {
            byte[] data = TargetFixture.pattern(size, size);
            assertEquals(0, io.write(1, 7, data, BLOCK, size <= 8192).status());
            NvmeTcpClient.Reply read = io.read(1, 7, size / BLOCK, BLOCK);
            assertEquals(0, read.status());
            assertArrayEquals(data, read.data());
            assertEquals(mayOmitResponse, read.inDataPdu());
        }
        byte[] small = TargetFixture.pattern(4096, 99);
        assertEquals(0, io.write(1, 100, small, BLOCK, false).status(), "a small write by R2T");
        assertArrayEquals(small, io.read(1, 100, 8, BLOCK).data());
    }

    @Test
    void largeWritesUseSeveralRequestsToTransferWhenTheHostAllows() {
        TargetFixture f = new TargetFixture(5);
        NvmeTcpClient one = f.io(f.admin(0), 1, 128, 0, 0, 1, 0);
        one.write(1, 0, TargetFixture.pattern(131072, 1), BLOCK, false);
        assertEquals(1, one.r2tsSeen());
        NvmeTcpClient many = f.io(f.admin(0), 1, 128, 0, 0, 8, 0);
        byte[] data = TargetFixture.pattern(131072, 2);
        many.write(1, 0, data, BLOCK, false);
        assertEquals(4, many.r2tsSeen());
        assertArrayEquals(data, many.read(1, 0, 256, BLOCK).data());
        f.stop();
    }

    @Test
    void dataOfLargeWritesComesStraightToItsPlaceWhateverTheDigests() {
        for (int digests = 0; digests < 4; digests++) {
            TargetFixture f = new TargetFixture(31 + digests);
            TargetFixture.Admin admin = f.admin(0);
            FakeSockets.Peer peer = f.peer();
            NvmeTcpClient io = new NvmeTcpClient(peer).initialize(0, digests, 1);
            io.connect(1, 128, admin.controllerId(), TargetFixture.NQN, TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0);
            byte[] data = TargetFixture.pattern(131072, digests);
            assertEquals(0, io.write(1, 0, data, BLOCK, false).status());
            assertArrayEquals(data, io.read(1, 0, 256, BLOCK).data());
            assertTrue(peer.placedBytes > 40_000, peer.placedBytes + " bytes were placed");
            f.stop();
        }
    }

    @Test
    void aFullQueueOfMixedCommandsIsAnsweredAndCorrect() {
        TargetFixture f = new TargetFixture(11);
        TargetFixture.Admin admin = f.admin(3);
        Random random = new Random(4);
        List<NvmeTcpClient> queues = List.of(f.io(admin, 1, 128, 0, 3, 4, 0), f.io(admin, 2, 128, 7, 3, 1, 4));
        byte[] model = new byte[TargetFixture.BLOCKS * BLOCK];
        for (int round = 0; round < 6; round++) {
            for (int q = 0; q < 2; q++) {
                writeManyThenReadMany(queues.get(q), q, model, random);
            }
        }
        assertTrue(f.hand.call(0, () -> f.target.connections()).stream().mapToInt(ConnectionInfo::core).distinct()
                .count() > 1, "queues are spread over the reactors");
        assertFalse(f.hand.call(0, () -> f.target.controllers()).get(0).queues().isEmpty());
        f.stop();
    }

    private static void writeManyThenReadMany(NvmeTcpClient io, int queue, byte[] model, Random random) {
        List<Integer> cids = new ArrayList<>();
        int slice = TargetFixture.BLOCKS / 256;
        for (int i = 0; i < 127; i++) {
            int blocks = 1 + random.nextInt(slice - 1);
            int lba = (queue * 128 + i) * slice;
            byte[] data = TargetFixture.pattern(blocks * BLOCK, random.nextInt());
            System.arraycopy(data, 0, model, lba * BLOCK, data.length);
            cids.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, lba, blocks, 0), data,
                    data.length <= 8192 && random.nextBoolean(), 0));
        }
        for (int cid : cids) {
            assertEquals(0, io.await(cid).status());
        }
        cids.clear();
        for (int i = 0; i < 127; i++) {
            cids.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, (long) (queue * 128 + i) * slice, slice, 0), null,
                    false, slice * BLOCK));
        }
        for (int i = 0; i < 127; i++) {
            int at = (queue * 128 + i) * slice * BLOCK;
            assertArrayEquals(java.util.Arrays.copyOfRange(model, at, at + slice * BLOCK), io.await(cids.get(i)).data());
        }
    }

    @Test
    void commandsBesidesReadAndWrite() {
        TargetFixture f = new TargetFixture(21);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        byte[] data = TargetFixture.pattern(8192, 3);
        io.write(1, 0, data, BLOCK, true);
        assertEquals(0, io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_COMPARE, 1, 0, 16, 0), data, true, 0)).status());
        byte[] other = data.clone();
        other[5000] ^= 1;
        assertEquals(0x285, io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_COMPARE, 1, 0, 16, 0), other, false, 0)).code());
        assertEquals(0, io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_VERIFY, 1, 0, 16, 0), null, false, 0)).status());
        assertEquals(NvmeStatus.LBA_OUT_OF_RANGE, io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_VERIFY, 1, TargetFixture.BLOCKS - 1, 2, 0),
                null, false, 0)).code());
        assertEquals(0, io.admin(Opcodes.NVM_FLUSH, 1).status());
        assertEquals(0, io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 1, Opcodes.CDW12_FUA),
                TargetFixture.pattern(512, 9), true, 0)).status());
        assertEquals(0, io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE_ZEROES, 1, 2, 3, 0), null, false, 0)).status());
        assertEquals(0, io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE_ZEROES, 1, 8, 2,
                Opcodes.CDW12_DEALLOCATE), null, false, 0)).status());
        byte[] expected = data.clone();
        System.arraycopy(TargetFixture.pattern(512, 9), 0, expected, 0, 512);
        java.util.Arrays.fill(expected, 2 * BLOCK, 5 * BLOCK, (byte) 0);
        java.util.Arrays.fill(expected, 8 * BLOCK, 10 * BLOCK, (byte) 0);
        assertArrayEquals(expected, io.read(1, 0, 16, BLOCK).data());
        assertEquals(0, io.await(io.submit(NvmeTcpClient.sqe(Opcodes.NVM_DATASET_MANAGEMENT, 1, 1,
                Opcodes.CDW11_DSM_DEALLOCATE), ranges(12, 2, 14, 0), true, 0)).status());
        java.util.Arrays.fill(expected, 12 * BLOCK, 14 * BLOCK, (byte) 0);
        assertArrayEquals(expected, io.read(1, 0, 16, BLOCK).data());
        f.stop();
    }

    private static byte[] ranges(long... lbaAndBlocks) {
        byte[] bytes = new byte[lbaAndBlocks.length / 2 * 16];
        MemorySegment s = MemorySegment.ofArray(bytes);
        for (int i = 0; i < lbaAndBlocks.length / 2; i++) {
            s.set(io.mizzen.ffi.RawMemory.LE_INT, i * 16L + 4, (int) lbaAndBlocks[2 * i + 1]);
            s.set(io.mizzen.ffi.RawMemory.LE_LONG, i * 16L + 8, lbaAndBlocks[2 * i]);
        }
        return bytes;
    }

    @Test
    void badCommandsGetTheirStatusAndTheQueueGoesOn() {
        TargetFixture f = new TargetFixture(31);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        byte[] block = new byte[BLOCK];
        assertEquals(NvmeStatus.LBA_OUT_OF_RANGE, io.read(1, TargetFixture.BLOCKS, 1, BLOCK).code());
        assertEquals(NvmeStatus.LBA_OUT_OF_RANGE, io.read(1, TargetFixture.BLOCKS - 1, 2, BLOCK).code());
        assertEquals(NvmeStatus.LBA_OUT_OF_RANGE, io.read(1, -1L, 1, BLOCK).code());
        assertEquals(NvmeStatus.LBA_OUT_OF_RANGE, io.write(1, Long.MAX_VALUE, block, BLOCK, true).code());
        assertEquals(NvmeStatus.INVALID_NAMESPACE, io.read(2, 0, 1, BLOCK).code());
        assertEquals(NvmeStatus.INVALID_NAMESPACE, io.read(0, 0, 1, BLOCK).code());
        assertEquals(NvmeStatus.INVALID_NAMESPACE, io.admin(Opcodes.NVM_FLUSH, -1).code());
        assertEquals(NvmeStatus.INVALID_FIELD, io.read(1, 0, 257, BLOCK).code(), "beyond MDTS");
        assertEquals(NvmeStatus.INVALID_OPCODE, io.admin(0x7E, 1).code());
        assertEquals(NvmeStatus.INVALID_OPCODE, io.admin(Opcodes.NVM_COPY, 1).code());
        assertTrue(io.admin(0x7E, 1).doNotRetry());
        byte[] fused = NvmeTcpClient.io(Opcodes.NVM_COMPARE, 1, 0, 1, 0);
        Sqe.flags(MemorySegment.ofArray(fused), 0, Sqe.PSDT_SGL << 6 | Sqe.FUSE_FIRST);
        assertEquals(NvmeStatus.INVALID_FIELD, io.await(io.submit(fused, block, true, 0)).code());
        byte[] prp = NvmeTcpClient.io(Opcodes.NVM_READ, 1, 0, 1, 0);
        Sqe.flags(MemorySegment.ofArray(prp), 0, 0);
        assertEquals(NvmeStatus.INVALID_FIELD, io.await(io.submit(prp, null, false, BLOCK)).code());
        assertEquals(NvmeStatus.LBA_OUT_OF_RANGE, io.await(io.submit(NvmeTcpClient.sqe(Opcodes.NVM_DATASET_MANAGEMENT,
                1, 1, Opcodes.CDW11_DSM_DEALLOCATE), ranges(0, 1, TargetFixture.BLOCKS, 1), true, 0)).code());
        assertEquals(NvmeStatus.COMMAND_SEQUENCE_ERROR, io.connect(1, 32, 1, TargetFixture.NQN, TargetFixture.HOST,
                TargetFixture.HOST_ID, 0, 0).code());
        assertEquals(0, io.write(1, 0, block, BLOCK, true).status());
        f.stop();
    }

    @Test
    void descriptorsThatAreNotOffered() {
        TargetFixture f = new TargetFixture(32);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        assertEquals(NvmeStatus.INVALID_SGL_SEGMENT_DESCRIPTOR, withDescriptor(io, 0x20, 0, BLOCK, false));
        assertEquals(NvmeStatus.INVALID_SGL_SEGMENT_DESCRIPTOR, withDescriptor(io, 0x30, 0, BLOCK, false));
        assertEquals(NvmeStatus.SGL_DESCRIPTOR_TYPE_INVALID, withDescriptor(io, 0x40, 0, BLOCK, false));
        assertEquals(NvmeStatus.SGL_DESCRIPTOR_TYPE_INVALID, withDescriptor(io, 0x00, 0x1000, BLOCK, false));
        assertEquals(NvmeStatus.DATA_SGL_LENGTH_INVALID, withDescriptor(io, SglDescriptor.TRANSPORT, 0, BLOCK - 1, false));
        assertEquals(NvmeStatus.DATA_SGL_LENGTH_INVALID, withDescriptor(io, SglDescriptor.IN_CAPSULE, 0, BLOCK, false));
        assertEquals(NvmeStatus.SGL_OFFSET_INVALID, withDescriptor(io, SglDescriptor.IN_CAPSULE, 64, BLOCK, true));
        assertEquals(NvmeStatus.DATA_SGL_LENGTH_INVALID, withDescriptor(io, SglDescriptor.IN_CAPSULE, 0, 2 * BLOCK, true));
        assertEquals(0, withDescriptor(io, SglDescriptor.IN_CAPSULE, 0, BLOCK, true));
        f.stop();
    }

    private static int withDescriptor(NvmeTcpClient io, int type, long address, int length, boolean inCapsule) {
        byte[] sqe = NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 1, 0);
        SglDescriptor.set(MemorySegment.ofArray(sqe), Sqe.sgl1(0), type, address, length);
        return io.await(io.submitAsIs(sqe, new byte[BLOCK], inCapsule, 0)).code();
    }

    @Test
    void aSpoiledDataDigestFailsOnlyItsCommand() {
        TargetFixture f = new TargetFixture(33);
        NvmeTcpClient io = f.io(f.admin(3), 1, 128, 0, 3, 1, 0);
        byte[] data = TargetFixture.pattern(65536, 1);
        io.write(1, 0, data, BLOCK, false);
        for (boolean inCapsule : new boolean[] {true, false}) {
            byte[] bad = TargetFixture.pattern(inCapsule ? 4096 : 65536, 2);
            int cid = io.submit(NvmeTcpClient.io(Opcodes.NVM_FLUSH, 1, 0, 1, 0), null, false, 0);
            io.await(cid);
            io.spoilNextDataDigest = true;
            NvmeTcpClient.Reply reply = io.write(1, 0, bad, BLOCK, inCapsule);
            assertEquals(NvmeStatus.TRANSIENT_TRANSPORT_ERROR, reply.code());
            assertFalse(reply.doNotRetry());
            assertArrayEquals(data, io.read(1, 0, 128, BLOCK).data());
        }
        assertEquals(2, f.hand.call(0, () -> f.target.stats()).dataDigestErrors);
        f.stop();
    }

    @Test
    void sqHeadCountsTheCommands() {
        TargetFixture f = new TargetFixture(34);
        NvmeTcpClient io = f.io(f.admin(0), 1, 4, 0, 0, 1, 0);
        for (int i = 2; i < 12; i++) {
            assertEquals(i % 4, io.admin(Opcodes.NVM_FLUSH, 1).sqHead());
        }
        f.stop();
    }

    @Test
    void requestsWaitForBuffersAndAllEnd() {
        TargetFixture f = new TargetFixture(35);
        TargetFixture.Admin admin = f.admin(0);
        List<io.mizzen.memory.DmaBuffer> taken = new ArrayList<>();
        f.hand.on(0, () -> drain(f, 0, taken));
        f.hand.on(1, () -> drain(f, 1, taken));
        NvmeTcpClient io = f.io(admin, 1);
        List<Integer> cids = new ArrayList<>();
        byte[] data = TargetFixture.pattern(65536, 7);
        for (int i = 0; i < 8; i++) {
            cids.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, i * 128L, 128, 0), data, false, 0));
            cids.add(io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 2048, 1, 0), null, false, BLOCK));
        }
        f.hand.tickAll(2000);
        assertTrue(f.hand.call(0, () -> f.target.stats()).bufferWaits >= 16);
        for (io.mizzen.memory.DmaBuffer buffer : taken) {
            int owner = buffer.next == null ? 0 : 1;
            buffer.next = null;
            f.hand.on(owner, buffer::close);
        }
        for (int cid : cids) {
            assertEquals(0, io.await(cid).status());
        }
        assertArrayEquals(data, io.read(1, 3 * 128, 128, BLOCK).data());
        f.stop();
    }

    /** Takes every buffer; {@code next} marks whose cache it came from. */
    private static void drain(TargetFixture f, int reactor, List<io.mizzen.memory.DmaBuffer> taken) {
        for (io.mizzen.memory.BufferPool pool : f.memory.pools().all()) {
            io.mizzen.memory.DmaBuffer buffer;
            while ((buffer = pool.cache(reactor).tryAcquire()) != null) {
                buffer.next = reactor == 0 ? null : buffer;
                taken.add(buffer);
            }
        }
    }

    @Test
    void pauseHoldsIoBackAndResumeLetsItGo() {
        TargetFixture f = new TargetFixture(36);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        f.<Void>control(done -> f.target.pause(f.subsystem, done));
        int cid = io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 1, 0), new byte[BLOCK], true, 0);
        f.hand.tickAll(500);
        assertEquals(0, f.disk.stats().operations(1), "nothing reached the disk");
        f.<Void>control(done -> f.target.resume(f.subsystem, done));
        assertEquals(0, io.await(cid).status());
        f.stop();
    }

    /** Else one paused volume could keep every buffer from the others. */
    @Test
    void commandsOfAPausedSubsystemHoldNoBuffers() {
        TargetFixture f = new TargetFixture(38);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        assertEquals(0, io.write(1, 8, TargetFixture.pattern(32 * BLOCK, 5), BLOCK, false).status());
        f.<Void>control(done -> f.target.pause(f.subsystem, done));
        int free = f.memory.pools().all().stream().mapToInt(BufferPool::freeCount).sum();
        int read = io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 8, 32, 0), null, false, 32 * BLOCK);
        int write = io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 64, 32, 0), TargetFixture.pattern(32 * BLOCK, 6), false, 0);
        f.hand.tickAll(500);
        assertEquals(free, f.memory.pools().all().stream().mapToInt(BufferPool::freeCount).sum());
        f.<Void>control(done -> f.target.resume(f.subsystem, done));
        assertArrayEquals(TargetFixture.pattern(32 * BLOCK, 5), io.await(read).data());
        assertEquals(0, io.await(write).status());
        assertArrayEquals(TargetFixture.pattern(32 * BLOCK, 6), io.read(1, 64, 32, BLOCK).data());
        f.stop();
    }

    @Test
    void heldCommandsGoWithTheirConnection() {
        TargetFixture f = new TargetFixture(39);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        f.<Void>control(done -> f.target.pause(f.subsystem, done));
        io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 8, 32, 0), null, false, 32 * BLOCK);
        io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 64, 1, 0), new byte[BLOCK], true, 0);
        f.hand.tickAll(100);
        io.close();
        f.hand.tickAll(500);
        f.<Void>control(done -> f.target.resume(f.subsystem, done));
        assertEquals(0, f.disk.stats().operations(IoType.WRITE));
        f.stop();
    }

    /** I/O that does not end must not hold a pause, and with it the volume's owner, for ever. */
    @Test
    void aPauseThatIsEndedBeforeItsIoHasSaysSo() {
        TargetFixture f = new TargetFixture(40);
        MallocBdev base = base(BLOCK);
        FaultBdev slow = secondNamespace(f, base);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        FaultRule delay = new FaultRule("slow", IoType.READ, FaultRule.Stage.SUBMIT, FaultRule.Kind.DELAY, 0, 1_000_000_000L, 0,
                64, 1);
        slow.putRule(delay);
        int read = io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 2, 0, 1, 0), null, false, BLOCK);
        f.hand.runUntil(() -> delay.hitCount() == 1);
        AtomicReference<String> outcome = new AtomicReference<>();
        f.hand.on(0, () -> f.target.pause(f.subsystem, (value, failure) -> outcome.set(failure == null ? "paused" : failure.code())));
        f.hand.tickAll(200);
        assertEquals(null, outcome.get());
        f.<Void>control(done -> f.target.resume(f.subsystem, done));
        f.hand.runUntil(() -> outcome.get() != null);
        assertEquals("subsystem-resumed", outcome.get());
        f.<Void>control(done -> {
            f.target.pause(f.subsystem, done);      // The next one waits for the same I/O, and for all of it.
        });
        assertEquals(0, io.await(read).status());
        f.<Void>control(done -> f.target.resume(f.subsystem, done));
        f.stop();
    }

    @Test
    void errorsOfTheDiskReachTheHost() {
        TargetFixture f = new TargetFixture(37);
        FaultBdev faulty = secondNamespace(f, base(4096));
        NvmeTcpClient io = f.io(f.admin(0), 1);
        assertEquals(0, io.write(2, 0, new byte[4096], 4096, true).status());
        f.hand.on(0, () -> faulty.putRule(new FaultRule("reads", IoType.READ,
                FaultRule.Stage.SUBMIT, FaultRule.Kind.ERROR, 0x281, 0, 0, Long.MAX_VALUE, 1)));
        assertEquals(0x281, io.read(2, 0, 1, 4096).code());
        assertEquals(0, io.read(1, 0, 1, BLOCK).status());
        f.stop();
    }

    /** The host may have come back, sent the command again and written to the blocks: what is left must not run. */
    @Test
    void deallocationEndsWithItsConnection() {
        TargetFixture f = new TargetFixture(19);
        MallocBdev base = base(BLOCK);
        FaultBdev slow = secondNamespace(f, base);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        assertEquals(0, io.write(2, 0, TargetFixture.pattern(8 * BLOCK, 6), BLOCK, true).status());
        FaultRule delay = new FaultRule("slow", IoType.UNMAP, FaultRule.Stage.SUBMIT, FaultRule.Kind.DELAY, 0,
                1_000_000_000L, 0, 1, 1);
        slow.putRule(delay);
        io.submit(NvmeTcpClient.sqe(Opcodes.NVM_DATASET_MANAGEMENT, 2, 1, Opcodes.CDW11_DSM_DEALLOCATE),
                ranges(0, 1, 4, 1), true, 0);
        f.hand.runUntil(() -> delay.hitCount() == 1);
        io.close();
        f.hand.runUntil(() -> f.hand.call(0, () -> f.target.connections()).size() == 1);
        assertEquals(0, RawMemory.getLong(base.baseAddress()));
        assertTrue(RawMemory.getLong(base.baseAddress() + 4 * BLOCK) != 0);
        f.stop();
    }

    /** What the bdev has of a host that went away ends before the host is back and may write the blocks anew. */
    @Test
    void hostIsAdmittedAgainWhenItsEarlierCommandsHaveEnded() {
        TargetFixture f = new TargetFixture(23);
        MallocBdev base = base(BLOCK);
        FaultBdev slow = secondNamespace(f, base);
        leaveWrite(f, slow, 1_000_000_000L);
        assertEquals(0, RawMemory.getLong(base.baseAddress()));
        TargetFixture.Admin again = f.admin(0);
        assertTrue(RawMemory.getLong(base.baseAddress()) != 0, "admitted before the write had ended");
        assertEquals(0, f.io(again, 1).write(2, 0, new byte[BLOCK], BLOCK, true).status());
        f.hand.tickAll(1000);
        assertEquals(0, RawMemory.getLong(base.baseAddress()));
        again.client().close();
        f.hand.runUntil(() -> f.hand.call(0, () -> f.target.connections()).isEmpty());
        leaveWrite(f, slow, 60_000_000_000L);
        NvmeTcpClient early = f.client().initialize(0, 0, 1);
        NvmeTcpClient.Reply busy = early.connect(0, 32, FabricsCommand.CNTLID_DYNAMIC, TargetFixture.NQN,
                TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0);
        assertEquals(NvmeStatus.CONNECT_CONTROLLER_BUSY, busy.code());
        assertFalse(busy.doNotRetry());
        early.close();
        f.stop();
    }

    /** A host writes, and goes before the write has ended; only its I/O queue's connection is left. */
    private static void leaveWrite(TargetFixture f, FaultBdev slow, long delayNs) {
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient io = f.io(admin, 1);
        FaultRule delay = new FaultRule("slow", IoType.WRITE, FaultRule.Stage.SUBMIT, FaultRule.Kind.DELAY, 0, delayNs, 0,
                1, 1);
        slow.putRule(delay);
        io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 2, 0, 1, 0), TargetFixture.pattern(BLOCK, 6), true, 0);
        f.hand.runUntil(() -> delay.hitCount() == 1);
        admin.client().close();
        io.close();
        f.hand.runUntil(() -> f.hand.call(0, () -> f.target.connections()).size() == 1);
    }

    private static MallocBdev base(int blockSizeBytes) {
        return new MallocBdev("base", UUID.randomUUID(), blockSizeBytes, 64);
    }

    /** Namespace 2: a bdev over that one, whose I/O can be made to fail or to take long. */
    private static FaultBdev secondNamespace(TargetFixture f, MallocBdev base) {
        UUID uuid = new UUID(1, 2);
        FaultBdev bdev = f.hand.call(0, () -> {
            f.registry.register(base);
            FaultBdev over = FaultBdev.open("faulty", uuid, base, f.registry);
            f.registry.register(over);
            return over;
        });
        f.add(2, bdev, uuid);
        return bdev;
    }
}
