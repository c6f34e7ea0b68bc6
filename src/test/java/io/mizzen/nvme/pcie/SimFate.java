package io.mizzen.nvme.pcie;

/**
 * What happens to one command.
 *
 * @param delayNs until it is executed and completed
 * @param status in place of its own outcome; -1: its own
 * @param lost it is executed or not, and never completed
 * @param twice its completion comes twice
 */
record SimFate(long delayNs, int status, boolean lost, boolean twice) {
    static final SimFate NORMAL = new SimFate(20_000, -1, false, false);

    static SimFate after(long delayNs) {
        return new SimFate(delayNs, -1, false, false);
    }

    static SimFate failing(int status) {
        return new SimFate(20_000, status, false, false);
    }

    static SimFate losing() {
        return new SimFate(20_000, -1, true, false);
    }

    static SimFate doubled() {
        return new SimFate(20_000, -1, false, true);
    }
}
