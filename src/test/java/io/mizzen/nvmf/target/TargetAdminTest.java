package io.mizzen.nvmf.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.MallocBdev;
import io.mizzen.nvme.AsyncEvents;
import io.mizzen.nvme.DiscoveryLog;
import io.mizzen.nvme.FabricsCommand;
import io.mizzen.nvme.Features;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.IdentifyController;
import io.mizzen.nvme.IdentifyNamespace;
import io.mizzen.nvme.LogPages;
import io.mizzen.nvme.NamespaceDescriptors;
import io.mizzen.nvme.NamespaceList;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Properties;
import io.mizzen.testsupport.FakeSockets;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Admin queues, discovery and the control operations, on hand-driven reactors. */
class TargetAdminTest {
    private static final int ANY = FabricsCommand.CNTLID_DYNAMIC;
    private static final long SECOND = 1_000_000_000L;

    private static NvmeTcpClient.Reply log(NvmeTcpClient client, int logId, int bytes, boolean retain, int offset) {
        return client.await(client.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_GET_LOG_PAGE, 0,
                LogPages.cdw10(logId, bytes, retain), 0, offset, 0), null, false, bytes));
    }

    @Test
    void whatTheLinuxHostAsksForAtConnect() {
        TargetFixture f = new TargetFixture(1);
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient c = admin.client();
        long cap = c.getProperty(Properties.CAP, 1).result();
        assertEquals(128, Properties.capEntriesMax(cap));
        assertEquals(1, Properties.capCommandSets(cap));
        assertEquals(Properties.VERSION_2_0, c.getProperty(Properties.VS, 0).result());
        MemorySegment id = MemorySegment.ofArray(c.identify(Identify.CNS_CONTROLLER, 0).data());
        assertEquals(admin.controllerId(), IdentifyController.controllerId(id, 0));
        assertEquals("Mizzen", IdentifyController.model(id, 0));
        assertEquals("S0001", IdentifyController.serial(id, 0));
        assertEquals(TargetFixture.NQN, IdentifyController.subsystemNqn(id, 0));
        assertEquals((64 + 8192) / 16, IdentifyController.ioccsz(id, 0));
        assertEquals(1, IdentifyController.iorcsz(id, 0));
        assertEquals(0, IdentifyController.icdoff(id, 0));
        assertEquals(128, IdentifyController.maxCommands(id, 0));
        assertEquals(5, IdentifyController.mdts(id, 0));
        assertEquals(IdentifyController.TYPE_IO, IdentifyController.controllerType(id, 0));
        assertNotEquals(0, IdentifyController.kas(id, 0), "keep alive is mandatory for fabrics");
        assertEquals(1, IdentifyController.sgls(id, 0) & 3);
        assertEquals(0x66, IdentifyController.sqes(id, 0));
        assertEquals(0, IdentifyController.vwc(id, 0), "a RAM disk has no volatile cache before its data");
        assertEquals(0, c.await(c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_IDENTIFY, 0,
                Identify.CNS_COMMAND_SET_CONTROLLER, 0), null, false, 4096)).status());
        NvmeTcpClient.Reply queues = c.admin(Opcodes.ADMIN_SET_FEATURES, 0, Features.NUMBER_OF_QUEUES, 3 << 16 | 3);
        assertEquals(3 << 16 | 3, queues.result());
        MemorySegment list = MemorySegment.ofArray(c.identify(Identify.CNS_ACTIVE_NAMESPACES, 0).data());
        assertEquals(1, NamespaceList.get(list, 0, 0));
        assertEquals(0, NamespaceList.get(list, 0, 1));
        MemorySegment ns = MemorySegment.ofArray(c.identify(Identify.CNS_NAMESPACE, 1).data());
        assertEquals(TargetFixture.BLOCKS, IdentifyNamespace.sizeBlocks(ns, 0));
        assertEquals(9, IdentifyNamespace.formatBlockShift(ns, 0, 0));
        assertEquals(TargetFixture.VOLUME.getMostSignificantBits(), IdentifyNamespace.nguidHigh(ns, 0));
        MemorySegment descriptors =
                MemorySegment.ofArray(c.identify(Identify.CNS_NAMESPACE_DESCRIPTORS, 1).data());
        long uuid = NamespaceDescriptors.find(descriptors, 0, NamespaceDescriptors.TYPE_UUID);
        assertEquals(TargetFixture.VOLUME, new UUID(NamespaceDescriptors.high(descriptors, uuid),
                NamespaceDescriptors.low(descriptors, uuid)));
        assertEquals(0, c.identify(Identify.CNS_INDEPENDENT_NAMESPACE, 1).status());
        assertEquals(0, c.identify(Identify.CNS_COMMAND_SET_NAMESPACE, 1).status());
        assertEquals(NvmeStatus.INVALID_FIELD, c.identify(Identify.CNS_COMMAND_SETS, 0).code());
        for (int page : new int[] {LogPages.ERROR, LogPages.FIRMWARE_SLOT, LogPages.SMART, LogPages.COMMAND_EFFECTS}) {
            assertEquals(0, log(c, page, 64, true, 0).status(), "log page " + page);
        }
        assertEquals(NvmeStatus.INVALID_LOG_PAGE, log(c, LogPages.ANA, 64, true, 0).code());
        assertEquals(NvmeStatus.INVALID_LOG_PAGE, log(c, LogPages.DISCOVERY, 64, true, 0).code());
        assertEquals(0, c.admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status());
        assertEquals(NvmeStatus.INVALID_OPCODE, c.admin(Opcodes.ADMIN_CREATE_SQ, 0).code());
        f.stop();
    }

    @Test
    void featuresKeepTheirValues() {
        TargetFixture f = new TargetFixture(2);
        NvmeTcpClient c = f.admin(0).client();
        assertEquals(0, c.admin(Opcodes.ADMIN_SET_FEATURES, 0, Features.ASYNC_EVENTS, 0x100).status());
        assertEquals(0x100, c.admin(Opcodes.ADMIN_GET_FEATURES, 0, Features.ASYNC_EVENTS).result());
        assertEquals(0, c.admin(Opcodes.ADMIN_SET_FEATURES, 0, Features.KEEP_ALIVE_TIMER, 30_000).status());
        assertEquals(30_000, c.admin(Opcodes.ADMIN_GET_FEATURES, 0, Features.KEEP_ALIVE_TIMER).result());
        NvmeTcpClient.Reply host = c.await(c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_GET_FEATURES, 0,
                Features.HOST_IDENTIFIER, 1), null, false, 16));
        assertEquals((byte) 0x0F, host.data()[0]);
        assertEquals(NvmeStatus.FEATURE_NOT_SAVEABLE,
                c.admin(Opcodes.ADMIN_SET_FEATURES, 0, Features.ARBITRATION | 1 << 31, 1).code());
        assertEquals(NvmeStatus.INVALID_FIELD, c.admin(Opcodes.ADMIN_GET_FEATURES, 0, 0x7F).code());
        assertEquals(0, c.await(c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_SET_FEATURES, 0, Features.HOST_BEHAVIOR),
                new byte[512], true, 0)).status());
        f.stop();
    }

    @Test
    void connectIsRefusedForTheRightReason() {
        TargetFixture f = new TargetFixture(3);
        NvmeTcpClient c = f.client().initialize(0, 0, 1);
        String stranger = "nqn.2014-08.org.nvmexpress:uuid:11111111-1111-1111-1111-111111111111";
        NvmeTcpClient.Reply reply = c.connect(0, 32, ANY, TargetFixture.NQN, stranger, TargetFixture.HOST_ID, 0, 0);
        assertEquals(NvmeStatus.CONNECT_INVALID_HOST, reply.code());
        assertTrue(reply.doNotRetry());
        reply = c.connect(0, 32, ANY, TargetFixture.NQN + "x", TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0);
        assertEquals(NvmeStatus.CONNECT_INVALID_PARAMETERS, reply.code());
        assertEquals(256 | 1 << 16, reply.result(), "the subsystem name in the data");
        assertTrue(reply.doNotRetry(), "there is none");
        f.hand.call(0, () -> {
            f.target.setAwaitingSubsystems(true);
            return null;
        });
        reply = c.connect(0, 32, ANY, TargetFixture.NQN + "x", TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0);
        assertEquals(NvmeStatus.CONNECT_INVALID_PARAMETERS, reply.code());
        assertFalse(reply.doNotRetry(), "it may still come: the host keeps its device");
        reply = c.connect(0, 200, ANY, TargetFixture.NQN, TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0);
        assertEquals(NvmeStatus.CONNECT_INVALID_PARAMETERS, reply.code());
        assertEquals(44, reply.result(), "SQSIZE");
        reply = c.connect(1, 32, 77, TargetFixture.NQN, TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0);
        assertEquals(16 | 1 << 16, reply.result(), "no such controller");
        assertEquals(NvmeStatus.COMMAND_SEQUENCE_ERROR, c.admin(Opcodes.ADMIN_IDENTIFY, 0, 1).code());
        reply = c.connect(0, 32, ANY, TargetFixture.NQN, TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0);
        assertEquals(0, reply.status(), "and in the end it works");
        int controller = (int) reply.result();
        NvmeTcpClient early = f.client().initialize(0, 0, 1);
        assertEquals(NvmeStatus.COMMAND_SEQUENCE_ERROR, early.connect(1, 32, controller, TargetFixture.NQN,
                TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0).code(), "I/O queue before CC.EN");
        assertEquals(NvmeStatus.COMMAND_SEQUENCE_ERROR, c.identify(Identify.CNS_CONTROLLER, 0).code());
        c.enable();
        assertEquals(0, early.connect(1, 32, controller, TargetFixture.NQN, TargetFixture.HOST, TargetFixture.HOST_ID,
                0, 0).status());
        NvmeTcpClient twin = f.client().initialize(0, 0, 1);
        assertEquals(NvmeStatus.INVALID_QUEUE_IDENTIFIER, twin.connect(1, 32, controller, TargetFixture.NQN,
                TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0).code(), "the queue exists");
        assertEquals(0 | 1 << 16, twin.connect(2, 32, controller, TargetFixture.NQN, TargetFixture.HOST,
                UUID.randomUUID(), 0, 0).result(), "another host id");
        f.stop();
    }

    @Test
    void limitsOfHostsAndControllers() {
        TargetFixture f = new TargetFixture(4, TargetConfig.defaults().withConnections(6, 3, 2));
        TargetFixture.Admin one = f.admin(0);
        f.admin(0);
        NvmeTcpClient third = f.client().initialize(0, 0, 1);
        assertEquals(NvmeStatus.CONNECT_CONTROLLER_BUSY, third.connect(0, 32, ANY, TargetFixture.NQN,
                TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0).code());
        f.io(one, 1);
        assertEquals(NvmeStatus.CONNECT_CONTROLLER_BUSY, third.connect(2, 32, one.controllerId(), TargetFixture.NQN,
                TargetFixture.HOST, TargetFixture.HOST_ID, 0, 0).code());
        FakeSockets.Peer fifth = f.peer();
        FakeSockets.Peer sixth = f.peer();
        FakeSockets.Peer seventh = f.peer();
        f.hand.tickAll(50);
        assertFalse(fifth.isClosed());
        assertFalse(sixth.isClosed());
        assertTrue(seventh.isClosed(), "one more than the target takes");
        assertEquals(0, one.client().admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status(), "the others go on");
        fifth.close();
        f.hand.tickAll(50);
        assertFalse(f.peer().isClosed());
        f.stop();
    }

    @Test
    void namespacesComeGrowAndGoWithNotices() {
        TargetFixture f = new TargetFixture(5);
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient c = admin.client();
        c.admin(Opcodes.ADMIN_SET_FEATURES, 0, Features.ASYNC_EVENTS, Features.EVENT_NAMESPACE_ATTRIBUTES);
        int event = c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_ASYNC_EVENT, 0), null, false, 0);
        MallocBdev second = new MallocBdev("second", UUID.randomUUID(), 4096, 128);
        f.hand.on(0, () -> f.registry.register(second));
        f.add(9, second, second.uuid());
        assertEquals(AsyncEvents.NAMESPACE_ATTRIBUTES, c.await(event).result());
        assertEquals(9, NamespaceList.get(MemorySegment.ofArray(
                log(c, LogPages.CHANGED_NAMESPACES, 4096, false, 0).data()), 0, 0));
        assertEquals(0, NamespaceList.get(MemorySegment.ofArray(
                log(c, LogPages.CHANGED_NAMESPACES, 4096, false, 0).data()), 0, 0), "read means cleared");
        NvmeTcpClient io = f.io(admin, 1);
        assertEquals(0, io.write(9, 127, new byte[4096], 4096, true).status());
        int again = c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_ASYNC_EVENT, 0), null, false, 0);
        f.<Void>control(done -> f.target.removeNamespace(f.subsystem, 9, done));
        assertEquals(AsyncEvents.NAMESPACE_ATTRIBUTES, c.await(again).result());
        assertEquals(NvmeStatus.INVALID_NAMESPACE, io.read(9, 0, 1, 4096).code());
        assertFalse(f.hand.call(0, second::isOpen), "the bdev is closed");
        assertThrows(OperationException.class, () -> f.add(1, second, UUID.randomUUID()), "the id is taken");
        assertThrows(OperationException.class, () -> f.add(2, second, TargetFixture.VOLUME), "the UUID is taken");
        assertThrows(OperationException.class, () -> f.add(0, second, UUID.randomUUID()));
        f.stop();
    }

    /** A disk whose size can be changed; its I/O always succeeds. */
    private static final class Growing extends io.mizzen.bdev.Bdev {
        Growing() {
            super("growing", UUID.randomUUID(), "test", 512, 100);
        }

        void grow(long blocks) {
            setBlockCount(blocks);
        }

        @Override
        public boolean supports(int ioType) {
            return true;
        }

        @Override
        protected io.mizzen.bdev.IoChannel createChannel(io.mizzen.reactor.Mthread mthread) {
            return new io.mizzen.bdev.IoChannel(this, mthread) {
                @Override
                protected void doSubmit(io.mizzen.bdev.BdevIo io) {
                    io.completeDeferred(0);
                }
            };
        }
    }

    @Test
    void aNamespaceThatGrowsIsAnnounced() {
        TargetFixture f = new TargetFixture(16);
        Growing disk = new Growing();
        f.hand.on(0, () -> f.registry.register(disk));
        f.add(3, disk, disk.uuid());
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient c = admin.client();
        NvmeTcpClient io = f.io(admin, 1);
        c.admin(Opcodes.ADMIN_SET_FEATURES, 0, Features.ASYNC_EVENTS, Features.EVENT_NAMESPACE_ATTRIBUTES);
        int event = c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_ASYNC_EVENT, 0), null, false, 0);
        assertEquals(NvmeStatus.LBA_OUT_OF_RANGE, io.read(3, 150, 1, 512).code());
        f.hand.on(0, () -> disk.grow(200));
        assertEquals(AsyncEvents.NAMESPACE_ATTRIBUTES, c.await(event).result());
        assertEquals(3, NamespaceList.get(MemorySegment.ofArray(
                log(c, LogPages.CHANGED_NAMESPACES, 4096, false, 0).data()), 0, 0));
        assertEquals(200, IdentifyNamespace.sizeBlocks(
                MemorySegment.ofArray(c.identify(Identify.CNS_NAMESPACE, 3).data()), 0));
        assertEquals(0, io.read(3, 150, 1, 512).status());
        f.stop();
    }

    @Test
    void aBdevThatVanishesTakesItsNamespaceAlong() {
        TargetFixture f = new TargetFixture(6);
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient io = f.io(admin, 1);
        boolean[] freed = {false};
        f.hand.on(0, () -> f.registry.unregister(f.disk, (value, failure) -> freed[0] = true));
        f.hand.runUntil(() -> freed[0]);
        assertEquals(java.util.List.of(TargetFixture.NQN + "#1"), f.lost);
        assertEquals(NvmeStatus.INVALID_NAMESPACE, io.read(1, 0, 1, 512).code());
        f.stop();
    }

    @Test
    void asyncEventsHaveALimitAndCanBeAborted() {
        TargetFixture f = new TargetFixture(7);
        NvmeTcpClient c = f.admin(0).client();
        int[] cids = new int[4];
        for (int i = 0; i < 4; i++) {
            cids[i] = c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_ASYNC_EVENT, 0), null, false, 0);
        }
        assertEquals(NvmeStatus.ASYNC_EVENT_LIMIT_EXCEEDED, c.admin(Opcodes.ADMIN_ASYNC_EVENT, 0).code());
        assertEquals(0, c.admin(Opcodes.ADMIN_ABORT, 0, cids[1] << 16).result());
        assertEquals(NvmeStatus.ABORTED_BY_REQUEST, c.await(cids[1]).code());
        assertEquals(1, c.admin(Opcodes.ADMIN_ABORT, 0, 0x7777 << 16).result(), "nothing to abort");
        f.stop();
    }

    @Test
    void resetAndShutdown() {
        TargetFixture f = new TargetFixture(8);
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient io = f.io(admin, 1);
        NvmeTcpClient c = admin.client();
        int enabled = Properties.ccEnable(0);
        c.setProperty(Properties.CC, enabled & ~Properties.CC_EN);
        assertEquals(-1, io.awaitEnd().fatalStatus, "I/O queues end with a reset");
        assertEquals(0, c.getProperty(Properties.CSTS, 0).result());
        assertEquals(NvmeStatus.COMMAND_SEQUENCE_ERROR, c.identify(Identify.CNS_CONTROLLER, 0).code());
        c.enable();
        NvmeTcpClient second = f.io(admin, 1);
        assertEquals(0, second.read(1, 0, 1, 512).status());
        c.setProperty(Properties.CC, enabled | Properties.CC_SHN_NORMAL << 14);
        assertEquals(Properties.CSTS_SHST_COMPLETE | Properties.CSTS_RDY, c.getProperty(Properties.CSTS, 0).result());
        assertEquals(NvmeStatus.COMMAND_SEQUENCE_ERROR, second.read(1, 0, 1, 512).code());
        assertEquals(0, second.await(second.submit(NvmeTcpClient.fabrics(FabricsCommand.DISCONNECT), null, false, 0))
                .status());
        assertEquals(-1, second.awaitEnd().fatalStatus);
        c.close();
        f.assertNothingLeaks();
        f.stop();
    }

    @Test
    void anAdminQueueThatEndsTakesItsIoQueuesAlong() {
        TargetFixture f = new TargetFixture(9);
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient one = f.io(admin, 1);
        NvmeTcpClient two = f.io(admin, 2);
        TargetFixture.Admin other = f.admin(0);
        admin.client().close();
        one.awaitEnd();
        two.awaitEnd();
        assertEquals(0, other.client().admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status());
        f.hand.runUntil(() -> f.hosts.size() == 3);
        assertEquals(java.util.List.of("+1", "+2", "-1 closed by the host"), f.hosts);
        f.stop();
    }

    @Test
    void keepAliveAndHandshakeHaveTimeLimits() {
        TargetFixture f = new TargetFixture(10);
        FakeSockets.Peer silent = f.peer();
        TargetFixture.Admin dead = f.admin(TargetFixture.NQN, 0, 5_000);
        TargetFixture.Admin alive = f.admin(TargetFixture.NQN, 0, 5_000);
        NvmeTcpClient io = f.io(dead, 1);
        for (int i = 0; i < 20; i++) {
            f.hand.advance(SECOND);
            f.hand.tickAll(5);
            assertEquals(0, alive.client().admin(Opcodes.ADMIN_KEEP_ALIVE, 0).status());
        }
        io.awaitEnd();
        dead.client().awaitEnd();
        assertTrue(silent.isClosed());
        TargetStats stats = f.hand.call(0, () -> f.target.stats());
        assertEquals(1, stats.keepAliveTimeouts);
        assertEquals(1, stats.handshakeTimeouts);
        f.stop();
    }

    @Test
    void trafficOfAnyQueueKeepsTheControllerAlive() {
        TargetFixture f = new TargetFixture(12);
        TargetFixture.Admin admin = f.admin(TargetFixture.NQN, 0, 5_000);
        NvmeTcpClient io = f.io(admin, 1);
        for (int i = 0; i < 20; i++) {
            f.hand.advance(SECOND);
            f.hand.tickAll(5);
            assertEquals(0, io.read(1, 0, 1, 512).status());
        }
        f.stop();
    }

    @Test
    void discoveryListsWhatTheHostMayUseAndTellsOfChanges() {
        TargetFixture f = new TargetFixture(13);
        TargetFixture.Admin d = f.admin(DiscoveryLog.NQN, 0, 60_000);
        NvmeTcpClient c = d.client();
        MemorySegment id = MemorySegment.ofArray(c.identify(Identify.CNS_CONTROLLER, 0).data());
        assertEquals(IdentifyController.TYPE_DISCOVERY, IdentifyController.controllerType(id, 0));
        MemorySegment page = MemorySegment.ofArray(log(c, LogPages.DISCOVERY, 4096, false, 0).data());
        assertEquals(1, DiscoveryLog.recordCount(page, 0));
        assertEquals(TargetFixture.NQN, DiscoveryLog.subsystemNqn(page, 1024));
        assertEquals("127.0.0.1", DiscoveryLog.address(page, 1024));
        assertEquals("4420", DiscoveryLog.service(page, 1024));
        assertEquals(DiscoveryLog.SUBTYPE_NVM, DiscoveryLog.subtype(page, 1024));
        long generation = DiscoveryLog.generation(page, 0);
        c.admin(Opcodes.ADMIN_SET_FEATURES, 0, Features.ASYNC_EVENTS, Features.EVENT_DISCOVERY_CHANGE);
        int event = c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_ASYNC_EVENT, 0), null, false, 0);
        f.<Subsystem>control(done -> f.target.createSubsystem("nqn.2026-11.io.mizzen:hidden", "S2",
                HostAccess.only(Set.of("nqn.2026-11.org.example:other")), done));
        assertEquals(AsyncEvents.DISCOVERY_CHANGE, c.await(event).result());
        page = MemorySegment.ofArray(log(c, LogPages.DISCOVERY, 4096, false, 0).data());
        assertTrue(DiscoveryLog.generation(page, 0) > generation);
        assertEquals(1, DiscoveryLog.recordCount(page, 0), "what the host may not use is not shown");
        int next = c.submit(NvmeTcpClient.sqe(Opcodes.ADMIN_ASYNC_EVENT, 0), null, false, 0);
        f.hand.on(0, () -> f.target.listen(new InetSocketAddress("::1", 4420)));
        assertEquals(AsyncEvents.DISCOVERY_CHANGE, c.await(next).result());
        byte[] whole = log(c, LogPages.DISCOVERY, 4096, false, 0).data();
        page = MemorySegment.ofArray(whole);
        assertEquals(2, DiscoveryLog.recordCount(page, 0));
        assertEquals(DiscoveryLog.ADRFAM_IPV6, DiscoveryLog.addressFamily(page, 2048));
        assertArrayEquals(java.util.Arrays.copyOfRange(whole, 1024, 3072),
                log(c, LogPages.DISCOVERY, 2048, false, 1024).data(), "read in pieces");
        assertEquals(NvmeStatus.INVALID_FIELD, c.identify(Identify.CNS_ACTIVE_NAMESPACES, 0).code());
        f.stop();
    }

    @Test
    void hostsThatLoseTheirAccessAreDisconnected() {
        TargetFixture f = new TargetFixture(14);
        TargetFixture.Admin admin = f.admin(0);
        NvmeTcpClient io = f.io(admin, 1);
        f.hand.on(0, () -> f.target.setAccess(f.subsystem, HostAccess.only(Set.of())));
        io.awaitEnd();
        admin.client().awaitEnd();
        f.assertNothingLeaks();
        f.hand.on(0, () -> f.target.setAccess(f.subsystem, HostAccess.anyHost()));
        f.admin(0);
        f.stop();
    }

    @Test
    void removingASubsystemUnderLoadEndsEverything() {
        for (int seed = 0; seed < 30; seed++) {
            TargetFixture f = new TargetFixture(1000 + seed);
            NvmeTcpClient io = f.io(f.admin(0), 1);
            for (int i = 0; i < 40; i++) {
                boolean write = i % 3 == 0;
                io.submit(NvmeTcpClient.io(write ? Opcodes.NVM_WRITE : Opcodes.NVM_READ, 1, i * 64L, 64, 0),
                        write ? new byte[64 * 512] : null, false, write ? 0 : 64 * 512);
            }
            f.hand.tickAll(seed);
            f.<Void>control(done -> f.target.removeSubsystem(f.subsystem, done));
            assertFalse(f.hand.call(0, f.disk::isOpen));
            f.stop();
        }
    }

    @Test
    void viewsSayWhoIsConnected() {
        TargetFixture f = new TargetFixture(15);
        TargetFixture.Admin admin = f.admin(3);
        NvmeTcpClient io = f.io(admin, 1, 128, 0, 3, 1, 0);
        io.read(1, 0, 8, 512);
        ControllerInfo info = f.hand.call(0, () -> f.target.controllers()).get(0);
        assertEquals(TargetFixture.HOST, info.hostNqn());
        assertEquals(TargetFixture.HOST_ID, info.hostId());
        assertEquals(2, info.queues().size());
        assertTrue(info.queues().get(1).dataDigest());
        assertEquals(1, info.stats().operations(0));
        assertEquals(4096, info.stats().bytes(0));
        assertTrue(info.remoteAddress().startsWith("127.0.0.1:"));
        f.stop();
    }
}
