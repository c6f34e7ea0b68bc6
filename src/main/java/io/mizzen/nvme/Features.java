package io.mizzen.nvme;

/** Feature ids and fields of get and set features (base specification 2.0, section 5.27). */
public final class Features {
    public static final int ARBITRATION = 0x01;
    public static final int POWER_MANAGEMENT = 0x02;
    public static final int TEMPERATURE_THRESHOLD = 0x04;
    public static final int ERROR_RECOVERY = 0x05;
    public static final int VOLATILE_WRITE_CACHE = 0x06;
    public static final int NUMBER_OF_QUEUES = 0x07;
    public static final int INTERRUPT_COALESCING = 0x08;
    public static final int INTERRUPT_VECTOR = 0x09;
    public static final int WRITE_ATOMICITY = 0x0A;
    public static final int ASYNC_EVENTS = 0x0B;
    public static final int KEEP_ALIVE_TIMER = 0x0F;
    public static final int HOST_BEHAVIOR = 0x16;
    public static final int HOST_IDENTIFIER = 0x81;

    /** Get features, CDW10 10:8: current value. */
    public static final int SELECT_CURRENT = 0;
    public static final int SELECT_DEFAULT = 1;
    public static final int SELECT_SAVED = 2;
    public static final int SELECT_CAPABILITIES = 3;
    /** First byte of host behaviour support: the host heeds the command retry delay. */
    public static final int HOST_BEHAVIOR_RETRY_DELAYS = 1;
    /** Capabilities: the feature can be changed. */
    public static final int CAPABILITY_CHANGEABLE = 1 << 2;

    public static final int EVENT_SMART_MASK = 0xFF;
    public static final int EVENT_NAMESPACE_ATTRIBUTES = 1 << 8;
    public static final int EVENT_DISCOVERY_CHANGE = 1 << 31;

    private Features() {
    }

    public static int featureId(int cdw10) {
        return cdw10 & 0xFF;
    }

    public static int select(int cdw10) {
        return cdw10 >>> 8 & 0x7;
    }

    /** Set features, CDW10 31: keep the value over resets and power loss. */
    public static boolean save(int cdw10) {
        return cdw10 < 0;
    }
}
