package io.mizzen.nvme.pcie;

/** An admin command on its way: made by whoever needs it, sent once. Admin reactor. */
final class AdminCommand {
    /** In place of a status: the controller was reset or given up before it answered. */
    static final int NO_ANSWER = -1;

    /** Who is told, once. */
    @FunctionalInterface
    interface Receiver {
        /**
         * @param status NVMe status, 0 success, or {@link #NO_ANSWER}
         * @param result DW0 of the completion
         * @param dataAddress the page that the controller filled, valid within the call; 0 when there was none
         */
        void onDone(int status, int result, long dataAddress);
    }

    final int opcode;
    final Receiver receiver;
    int nsid;
    int cdw10;
    int cdw11;
    boolean hasPage;
    byte firstByte;
    long prp1;
    long prp2;
    boolean endless;
    long deadlineNs;

    AdminCommand(int opcode, Receiver receiver) {
        this.opcode = opcode;
        this.receiver = receiver;
    }

    AdminCommand nsid(int value) {
        nsid = value;
        return this;
    }

    AdminCommand cdw10(int value) {
        cdw10 = value;
        return this;
    }

    AdminCommand cdw11(int value) {
        cdw11 = value;
        return this;
    }

    /** Takes a page of data from the controller. */
    AdminCommand page() {
        hasPage = true;
        return this;
    }

    /** Gives a page of data to the controller, zeroes but for the first byte. */
    AdminCommand page(int first) {
        firstByte = (byte) first;
        return page();
    }

    /** Names memory of its own. */
    AdminCommand memory(long firstIova, long secondIova) {
        prp1 = firstIova;
        prp2 = secondIova;
        return this;
    }

    /** May take for ever: an asynchronous event request. */
    AdminCommand endless() {
        endless = true;
        return this;
    }
}
