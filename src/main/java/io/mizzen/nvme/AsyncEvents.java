package io.mizzen.nvme;

/** Result of an asynchronous event request: type, information, log page (base specification 2.0, section 5.2). */
public final class AsyncEvents {
    /** Notice: the attributes, or the set, of namespaces changed; read log page 04h. */
    public static final int NAMESPACE_ATTRIBUTES = result(2, 0x00, LogPages.CHANGED_NAMESPACES);
    /** Notice: the discovery log page changed; read log page 70h. */
    public static final int DISCOVERY_CHANGE = result(2, 0xF0, LogPages.DISCOVERY);

    public static final int TYPE_ERROR = 0;
    public static final int TYPE_HEALTH = 1;
    public static final int TYPE_NOTICE = 2;

    private AsyncEvents() {
    }

    public static int result(int type, int information, int logPage) {
        return type | information << 8 | logPage << 16;
    }

    public static int type(int result) {
        return result & 0x7;
    }

    public static int information(int result) {
        return result >>> 8 & 0xFF;
    }

    public static int logPage(int result) {
        return result >>> 16 & 0xFF;
    }
}
