package io.mizzen.nvme;

/** Values of the identify command: CNS in CDW10 7:0, CSI in CDW11 31:24 (base specification 2.0, section 5.17). */
public final class Identify {
    public static final int CNS_NAMESPACE = 0x00;
    public static final int CNS_CONTROLLER = 0x01;
    public static final int CNS_ACTIVE_NAMESPACES = 0x02;
    public static final int CNS_NAMESPACE_DESCRIPTORS = 0x03;
    public static final int CNS_COMMAND_SET_NAMESPACE = 0x05;
    public static final int CNS_COMMAND_SET_CONTROLLER = 0x06;
    public static final int CNS_COMMAND_SET_ACTIVE_NAMESPACES = 0x07;
    public static final int CNS_INDEPENDENT_NAMESPACE = 0x08;
    public static final int CNS_ALLOCATED_NAMESPACES = 0x10;
    public static final int CNS_ALLOCATED_NAMESPACE = 0x11;
    public static final int CNS_NAMESPACE_CONTROLLERS = 0x12;
    public static final int CNS_CONTROLLERS = 0x13;
    public static final int CNS_COMMAND_SETS = 0x1C;

    public static final int CSI_NVM = 0;
    /** Every data structure of identify has this size. */
    public static final int SIZE_BYTES = 4096;

    private Identify() {
    }
}
