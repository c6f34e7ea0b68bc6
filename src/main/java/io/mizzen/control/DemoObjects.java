package io.mizzen.control;

/** Names and identities of what the demo creates; the examples of the REST documentation use them. */
public final class DemoObjects {
    public static final String POOL_A = "demo-a";
    public static final String POOL_B = "demo-b";
    public static final String POOL_A_UUID = "d0000000-0000-4000-8000-0000000000a0";
    public static final String POOL_B_UUID = "d0000000-0000-4000-8000-0000000000b0";
    public static final String REPLICA_A_UUID = "d0000000-0000-4000-8000-0000000000a1";
    public static final String REPLICA_B_UUID = "d0000000-0000-4000-8000-0000000000b1";
    public static final String NEXUS_UUID = "d0000000-0000-4000-8000-000000000001";
    public static final String NEXUS = "demo";

    private DemoObjects() {
    }
}
