package io.mizzen.nvmf.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.nvme.Opcodes;
import io.mizzen.nvmf.DataPdu;
import io.mizzen.nvmf.IcPdu;
import io.mizzen.nvmf.Pdu;
import io.mizzen.nvmf.TermPdu;
import io.mizzen.testsupport.FakeSockets;
import io.mizzen.testsupport.NvmeTcpClient;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Hosts that do not keep the TCP transport specification: their connection ends with the right C2HTermReq; nobody else
 * notices; nothing leaks.
 */
class TargetTransportTest {
    private static final int BLOCK = TargetFixture.BLOCK;

    /** Sends something wrong on a connected I/O queue; checks how the target ends it and that another queue lives. */
    private static void expectEnd(int digests, int fatalStatus, int information, Consumer<NvmeTcpClient> wrong) {
        TargetFixture f = new TargetFixture(fatalStatus * 1000 + information);
        TargetFixture.Admin admin = f.admin(digests);
        NvmeTcpClient good = f.io(admin, 1);
        NvmeTcpClient bad = f.io(admin, 2, 128, 0, digests, 4, 0);
        wrong.accept(bad);
        NvmeTcpClient.EndedException end = bad.awaitEnd();
        assertEquals(fatalStatus, end.fatalStatus, end.getMessage());
        assertEquals(information, end.information, end.getMessage());
        assertEquals(0, good.write(1, 0, new byte[BLOCK], BLOCK, true).status());
        f.hand.advance(3_000_000_000L);
        f.hand.tickAll(50);
        assertTrue(((FakeSockets.Peer) bad.transport()).isClosed(), "closed after a while, whatever the host does");
        assertEquals(1, f.hand.call(0, () -> f.target.stats()).terminationsSent);
        f.stop();
    }

    private static byte[] command(NvmeTcpClient c) {
        return c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, NvmeTcpClient.sqe(Opcodes.NVM_FLUSH, 1), null);
    }

    private static byte[] with(byte[] pdu, int at, int value) {
        byte[] changed = pdu.clone();
        changed[at] = (byte) value;
        return changed;
    }

    @Test
    void headersThatCannotBe() {
        int invalid = TermPdu.FES_INVALID_HEADER_FIELD;
        expectEnd(0, invalid, 0, c -> c.write(with(command(c), 0, 0x0B)));
        expectEnd(0, invalid, 0, c -> c.write(with(command(c), 0, Pdu.TYPE_CAPSULE_RESP)));
        expectEnd(0, invalid, 0, c -> c.write(with(command(c), 0, Pdu.TYPE_R2T)));
        expectEnd(0, invalid, 2, c -> c.write(with(command(c), 2, 24)));
        expectEnd(0, invalid, 4, c -> c.write(with(command(c), 4, 71)));
        expectEnd(0, invalid, 4, c -> c.write(with(command(c), 4, 0)));
        expectEnd(0, invalid, 1, c -> c.write(with(command(c), 1, Pdu.FLAG_HEADER_DIGEST)));
        expectEnd(3, invalid, 1, c -> c.write(with(command(c), 1, 0)));
        expectEnd(0, TermPdu.FES_SEQUENCE_ERROR, 0, NvmeTcpClient::sendInitialize);
    }

    @Test
    void dataThatCannotBe() {
        int invalid = TermPdu.FES_INVALID_HEADER_FIELD;
        byte[] data = new byte[4096];
        byte[] sqe = NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 8, 0);
        expectEnd(0, invalid, 3, c -> c.write(with(c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, sqe, data), 3, 71)));
        expectEnd(0, invalid, 3, c -> c.write(with(c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, sqe, data), 3, 73)));
        expectEnd(0, invalid, 4, c -> c.write(c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, sqe, new byte[8192 + 512])));
        expectEnd(0, invalid, 4, c -> c.write(with(c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, sqe, data), 7, 0x7F)));
        expectEnd(0, invalid, 10, c -> c.write(c.h2cData(1, 0, 0, data, true)));
        expectEnd(0, TermPdu.FES_LIMIT_EXCEEDED, 0, c -> c.write(c.h2cData(1, 0, 0, new byte[131072 + 4], true)));
    }

    @Test
    void aHeaderDigestThatIsWrong() {
        byte[][] sent = {null};
        expectEndWithDigest(sent);
    }

    private static void expectEndWithDigest(byte[][] sent) {
        TargetFixture f = new TargetFixture(77);
        TargetFixture.Admin admin = f.admin(3);
        NvmeTcpClient bad = f.io(admin, 1, 128, 0, 3, 1, 0);
        sent[0] = command(bad);
        sent[0][72] ^= 1;
        bad.write(sent[0]);
        NvmeTcpClient.EndedException end = bad.awaitEnd();
        assertEquals(TermPdu.FES_HEADER_DIGEST_ERROR, end.fatalStatus);
        assertEquals(MemorySegment.ofArray(sent[0]).get(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, 72),
                end.information, "the digest received");
        f.stop();
    }

    @Test
    void transfersThatDoNotFitTheirRequest() {
        int range = TermPdu.FES_DATA_OUT_OF_RANGE;
        int invalid = TermPdu.FES_INVALID_HEADER_FIELD;
        expectEnd(0, range, 0, c -> answer(c, 0, 4, 4096, false));
        expectEnd(0, range, 0, c -> answer(c, 0, 0, 32768 + 4, true));
        expectEnd(0, invalid, 1, c -> answer(c, 0, 0, 4096, true));
        expectEnd(0, invalid, 1, c -> answer(c, 0, 0, 32768, false));
        expectEnd(0, invalid, 8, c -> answer(c, 1, 0, 4096, false));
        expectEnd(0, invalid, 10, c -> {
            int tag = answer(c, 0, 0, 32768, true);
            c.write(c.h2cData(2, tag, 0, new byte[4096], false));
        });
    }

    /** Asks to write 128 KiB with four R2Ts allowed, and answers the first one wrongly; returns its tag. */
    private static int answer(NvmeTcpClient c, int cidDelta, int offset, int length, boolean last) {
        c.ignoreR2t = true;
        int cid = c.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 256, 0), new byte[131072], false, 0);
        MemorySegment r2t = MemorySegment.ofArray(c.readPdu());
        assertEquals(Pdu.TYPE_R2T, Pdu.type(r2t, 0));
        assertEquals(32768, DataPdu.lengthBytes(r2t, 0));
        c.write(c.h2cData(cid + cidDelta, DataPdu.transferTag(r2t, 0), offset, new byte[length], last));
        return DataPdu.transferTag(r2t, 0);
    }

    @Test
    void moreCommandsThanTheQueueHasEntries() {
        TargetFixture f = new TargetFixture(78);
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient io = f.io(admin, 1, 8, 0, 0, 1, 0);
        f.<Void>control(done -> f.target.pause(f.subsystem, done));
        for (int i = 0; i < 9; i++) {
            io.submit(NvmeTcpClient.sqe(Opcodes.NVM_FLUSH, 1), null, false, 0);
        }
        assertEquals(TermPdu.FES_SEQUENCE_ERROR, io.awaitEnd().fatalStatus);
        f.<Void>control(done -> f.target.resume(f.subsystem, done));
        f.stop();
    }

    @Test
    void initializationsThatCannotBe() {
        TargetFixture f = new TargetFixture(79);
        byte[] request = new byte[128];
        IcPdu.request(MemorySegment.ofArray(request), 0, 1, 0, 0, 0);
        endsWith(f, request, TermPdu.FES_UNSUPPORTED_PARAMETER, 8);
        IcPdu.request(MemorySegment.ofArray(request), 0, 0, 32, 0, 0);
        endsWith(f, request, TermPdu.FES_INVALID_HEADER_FIELD, 10);
        IcPdu.request(MemorySegment.ofArray(request), 0, 0, 0, 0, 0);
        endsWith(f, with(request, 4, 127), TermPdu.FES_INVALID_HEADER_FIELD, 4);
        endsWith(f, new NvmeTcpClient(null).pdu(Pdu.TYPE_CAPSULE_CMD, 0, new byte[64], null),
                TermPdu.FES_SEQUENCE_ERROR, 0);
        endsWith(f, "GET / HTTP/1.1\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII),
                TermPdu.FES_INVALID_HEADER_FIELD, 0);
        f.admin(0);
        f.stop();
    }

    private static void endsWith(TargetFixture f, byte[] bytes, int fatalStatus, int information) {
        NvmeTcpClient c = f.client();
        c.write(bytes);
        NvmeTcpClient.EndedException end = c.awaitEnd();
        assertEquals(fatalStatus, end.fatalStatus);
        assertEquals(information, end.information);
    }

    @Test
    void aTerminationByTheHostIsObeyed() {
        TargetFixture f = new TargetFixture(80);
        NvmeTcpClient io = f.io(f.admin(0), 1);
        byte[] term = new byte[32];
        TermPdu.set(MemorySegment.ofArray(term), 0, Pdu.TYPE_H2C_TERM_REQ, 2, 0, 8);
        io.write(term);
        assertEquals(-1, io.awaitEnd().fatalStatus);
        assertEquals(1, f.hand.call(0, () -> f.target.stats()).terminationsReceived);
        f.stop();
    }

    @Test
    void hostsThatStopReadingOrSendingAreDropped() {
        TargetFixture f = new TargetFixture(81, TargetConfig.defaults().withTimeouts(10_000_000_000L, 5_000_000_000L,
                1_000_000_000L));
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient lazy = f.io(admin, 1);
        lazy.ignoreR2t = true;
        lazy.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 256, 0), new byte[131072], false, 0);
        for (int i = 0; i < 10; i++) {
            f.hand.advance(1_000_000_000L);
            f.hand.tickAll(5);
        }
        lazy.awaitEnd();
        NvmeTcpClient deaf = f.io(admin, 1);
        ((FakeSockets.Peer) deaf.transport()).readsNothing = true;
        deaf.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 0, 256, 0), null, false, 131072);
        for (int i = 0; i < 10; i++) {
            f.hand.advance(1_000_000_000L);
            f.hand.tickAll(5);
        }
        assertTrue(((FakeSockets.Peer) deaf.transport()).isClosed());
        assertEquals(2, f.hand.call(0, () -> f.target.stats()).stallTimeouts);
        f.stop();
    }

    /** One host reads nothing and one sends nothing; both ask for all the buffers that there are. */
    @Test
    void aHostThatStallsStarvesNobodyElse() {
        TargetFixture f = new TargetFixture(82);
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient deaf = f.io(admin, 1);
        NvmeTcpClient dumb = f.io(admin, 2);
        ((FakeSockets.Peer) deaf.transport()).readsNothing = true;
        dumb.ignoreR2t = true;
        for (int i = 0; i < 120; i++) {
            deaf.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 0, i % 2 == 0 ? 256 : 8, 0), null, false,
                    i % 2 == 0 ? 131072 : 4096);
            dumb.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 256, 0), new byte[131072], false, 0);
        }
        f.hand.tickAll(2000);
        for (int queue = 3; queue < 7; queue++) {
            NvmeTcpClient good = f.io(admin, queue);
            byte[] data = TargetFixture.pattern(131072, queue);
            assertEquals(0, good.write(1, 512, data, BLOCK, false).status());
            org.junit.jupiter.api.Assertions.assertArrayEquals(data, good.read(1, 512, 256, BLOCK).data());
        }
        ((FakeSockets.Peer) deaf.transport()).readsNothing = false;
        assertEquals(0, deaf.read(1, 0, 256, BLOCK).status(), "and once it reads it gets everything");
        f.stop();
    }

    /** Connections that end at any byte of a valid conversation, and bytes changed at random: no exception, no leak. */
    @Test
    void randomDamageNeverHurtsTheTarget() {
        for (int seed = 0; seed < 150; seed++) {
            TargetFixture f = new TargetFixture(seed);
            Random random = new Random(seed);
            TargetFixture.Admin admin = f.admin(random.nextInt(4));
            NvmeTcpClient good = f.io(admin, 1);
            NvmeTcpClient bad = f.io(admin, 2, 16, random.nextInt(32), random.nextInt(4), 1 + random.nextInt(4), 0);
            for (int i = 0; i < 30; i++) {
                bad.write(damaged(bad, random));
                f.hand.tickAll(random.nextInt(10));
            }
            f.hand.tickAll(50);
            if (random.nextBoolean()) {
                bad.close();
            }
            assertEquals(0, good.read(1, 0, 1, BLOCK).status(), "seed " + seed);
            f.stop();
        }
    }

    private static byte[] damaged(NvmeTcpClient c, Random random) {
        byte[] pdu = switch (random.nextInt(5)) {
            case 0 -> c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, randomCommand(random), new byte[random.nextInt(8193)]);
            case 1 -> c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, randomCommand(random), null);
            case 2 -> c.h2cData(random.nextInt(64), random.nextInt(16), random.nextInt(4) * 4096,
                    new byte[1 + random.nextInt(8192)], random.nextBoolean());
            case 3 -> c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, random.nextInt(4096),
                    1 + random.nextInt(200), 0), null);
            default -> {
                byte[] noise = new byte[random.nextInt(300)];
                random.nextBytes(noise);
                yield noise;
            }
        };
        int changes = random.nextInt(4) == 0 ? 1 + random.nextInt(3) : 0;
        for (int i = 0; i < changes && pdu.length > 0; i++) {
            pdu[random.nextInt(Math.min(pdu.length, 80))] = (byte) random.nextInt();
        }
        return random.nextInt(20) == 0 ? java.util.Arrays.copyOf(pdu, random.nextInt(pdu.length + 1)) : pdu;
    }

    private static byte[] randomCommand(Random random) {
        byte[] sqe = new byte[64];
        random.nextBytes(sqe);
        if (random.nextBoolean()) {
            sqe[0] = (byte) new int[] {0, 1, 2, 5, 8, 9, 0x7F}[random.nextInt(7)];
            sqe[1] = 0x40;
            java.util.Arrays.fill(sqe, 4, 8, (byte) 0);
            sqe[4] = 1;
            sqe[39] = (byte) (random.nextBoolean() ? 1 : 0x5A);
            java.util.Arrays.fill(sqe, 42, 48, (byte) 0);
            java.util.Arrays.fill(sqe, 49, 52, (byte) 0);
        }
        return sqe;
    }

    /** The same before the queue is connected, and on the admin queue. */
    @Test
    void randomBytesFromTheFirst() {
        TargetFixture f = new TargetFixture(4711);
        Random random = new Random(4711);
        TargetFixture.Admin admin = f.admin(0);
        for (int i = 0; i < 500; i++) {
            FakeSockets.Peer peer = f.peer();
            if (random.nextBoolean()) {
                byte[] request = new byte[128];
                IcPdu.request(MemorySegment.ofArray(request), 0, 0, random.nextInt(40), random.nextInt(256),
                        random.nextInt());
                peer.write(request);
            }
            byte[] noise = new byte[random.nextInt(400)];
            random.nextBytes(noise);
            if (noise.length > 8 && random.nextBoolean()) {
                noise[0] = (byte) random.nextInt(10);
                noise[2] = (byte) Pdu.expectedHeaderBytes(noise[0]);
                noise[5] = 0;
                noise[6] = 0;
                noise[7] = 0;
            }
            peer.write(noise);
            f.hand.tickAll(5);
            peer.close();
            f.hand.tickAll(5);
        }
        assertEquals(0, admin.client().admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status());
        f.stop();
    }

    @Test
    void randomAdminCommandsNeverHurtTheTarget() {
        for (int seed = 0; seed < 60; seed++) {
            TargetFixture f = new TargetFixture(seed);
            Random random = new Random(seed);
            TargetFixture.Admin good = f.admin(0);
            NvmeTcpClient c = f.admin(random.nextBoolean() ? TargetFixture.NQN
                    : io.mizzen.nvme.DiscoveryLog.NQN, 0, 0).client();
            for (int i = 0; i < 24; i++) {
                byte[] sqe = new byte[64];
                random.nextBytes(sqe);
                sqe[0] = (byte) new int[] {2, 6, 8, 9, 10, 12, 0x18, 0x7F}[random.nextInt(8)];
                sqe[1] = 0x40;
                sqe[4] = (byte) random.nextInt(9);
                sqe[39] = (byte) (random.nextInt(4) == 0 ? 1 : 0x5A);
                sqe[40] = (byte) new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 0x16, 0x70, 0x81}[random.nextInt(14)];
                c.write(c.pdu(Pdu.TYPE_CAPSULE_CMD, 0, sqe, random.nextInt(3) == 0 ? new byte[512] : null));
                f.hand.tickAll(3);
            }
            assertEquals(0, good.client().admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status(), "seed " + seed);
            f.stop();
        }
    }
}
