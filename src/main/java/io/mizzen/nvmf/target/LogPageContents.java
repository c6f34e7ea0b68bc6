package io.mizzen.nvmf.target;

import io.mizzen.bdev.IoStats;
import io.mizzen.bdev.IoType;
import io.mizzen.nvme.CommandEffectsLog;
import io.mizzen.nvme.ErrorLogEntry;
import io.mizzen.nvme.FirmwareSlotLog;
import io.mizzen.nvme.LogPages;
import io.mizzen.nvme.NamespaceList;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.SmartLog;
import java.lang.foreign.MemorySegment;

/** Log pages (base specification 2.0, section 5.16.1). */
final class LogPageContents {
    private static final int DATA_UNIT_BYTES = 512_000;
    private static final int SUPPORTED_PAGE_BYTES = 1024;
    private static final int[] IO_PAGES = {LogPages.SUPPORTED, LogPages.ERROR, LogPages.SMART, LogPages.FIRMWARE_SLOT,
        LogPages.CHANGED_NAMESPACES, LogPages.COMMAND_EFFECTS};
    private static final int[] DISCOVERY_PAGES = {LogPages.SUPPORTED, LogPages.DISCOVERY};

    private final Controller controller;

    LogPageContents(Controller controller) {
        this.controller = controller;
    }

    /** The whole page, or null when there is no such page here. */
    byte[] build(Request request, int logId, boolean retain) {
        boolean discovery = controller.subsystem.isDiscovery();
        int[] pages = discovery ? DISCOVERY_PAGES : IO_PAGES;
        boolean known = false;
        for (int page : pages) {
            known |= page == logId;
        }
        if (!known) {
            return null;
        }
        return switch (logId) {
            case LogPages.SUPPORTED -> supported(pages);
            case LogPages.ERROR -> new byte[ErrorLogEntry.SIZE_BYTES];
            case LogPages.SMART -> smart();
            case LogPages.FIRMWARE_SLOT -> firmware();
            case LogPages.CHANGED_NAMESPACES -> changedNamespaces(retain);
            case LogPages.COMMAND_EFFECTS -> effects();
            default -> discovery(request, retain);
        };
    }

    private static byte[] supported(int[] pages) {
        byte[] page = new byte[SUPPORTED_PAGE_BYTES];
        for (int id : pages) {
            page[id * 4] = 1;
        }
        return page;
    }

    private byte[] smart() {
        byte[] page = new byte[SmartLog.SIZE_BYTES];
        MemorySegment s = MemorySegment.ofArray(page);
        SmartLog.sparePercent(s, 0, 100);
        IoStats sum = new IoStats();
        for (Namespace namespace : controller.subsystem.namespaces()) {
            sum.add(namespace.bdev().stats());
        }
        SmartLog.dataUnitsRead(s, 0, (sum.bytes(IoType.READ) + DATA_UNIT_BYTES - 1) / DATA_UNIT_BYTES);
        SmartLog.dataUnitsWritten(s, 0, (sum.bytes(IoType.WRITE) + DATA_UNIT_BYTES - 1) / DATA_UNIT_BYTES);
        SmartLog.hostReadCommands(s, 0, sum.operations(IoType.READ) + sum.operations(IoType.COMPARE));
        SmartLog.hostWriteCommands(s, 0, sum.operations(IoType.WRITE));
        SmartLog.mediaErrors(s, 0, sum.errors(IoType.READ) + sum.errors(IoType.WRITE));
        return page;
    }

    private byte[] firmware() {
        byte[] page = new byte[FirmwareSlotLog.SIZE_BYTES];
        FirmwareSlotLog.set(MemorySegment.ofArray(page), 0, controller.group().config.firmware());
        return page;
    }

    private byte[] changedNamespaces(boolean retain) {
        byte[] page = new byte[NamespaceList.SIZE_BYTES];
        int[] changed = controller.changedNamespaces(retain);
        for (int i = 0; i < changed.length; i++) {
            NamespaceList.set(MemorySegment.ofArray(page), 0, i, changed[i]);
        }
        return page;
    }

    private static byte[] effects() {
        byte[] page = new byte[CommandEffectsLog.SIZE_BYTES];
        MemorySegment s = MemorySegment.ofArray(page);
        int[] admin = {Opcodes.ADMIN_GET_LOG_PAGE, Opcodes.ADMIN_IDENTIFY, Opcodes.ADMIN_ABORT,
            Opcodes.ADMIN_SET_FEATURES, Opcodes.ADMIN_GET_FEATURES, Opcodes.ADMIN_ASYNC_EVENT,
            Opcodes.ADMIN_KEEP_ALIVE};
        for (int opcode : admin) {
            CommandEffectsLog.admin(s, 0, opcode, CommandEffectsLog.SUPPORTED);
        }
        int[] reading = {Opcodes.NVM_FLUSH, Opcodes.NVM_READ, Opcodes.NVM_COMPARE, Opcodes.NVM_VERIFY};
        for (int opcode : reading) {
            CommandEffectsLog.io(s, 0, opcode, CommandEffectsLog.SUPPORTED);
        }
        int[] writing = {Opcodes.NVM_WRITE, Opcodes.NVM_WRITE_ZEROES, Opcodes.NVM_DATASET_MANAGEMENT};
        for (int opcode : writing) {
            CommandEffectsLog.io(s, 0, opcode, CommandEffectsLog.SUPPORTED | CommandEffectsLog.BLOCKS_CHANGE);
        }
        return page;
    }

    private byte[] discovery(Request request, boolean retain) {
        if (!retain) {
            controller.onDiscoveryLogRead();
        }
        return controller.group().target.discovery().page(controller.hostNqn(), request.connection.localAddress());
    }
}
