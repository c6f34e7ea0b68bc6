package io.mizzen.api;

import io.mizzen.control.DemoObjects;

/**
 * The examples of the documentation. Those that read or may be repeated name the demo's objects; those that create or
 * destroy name objects of their own, which live in memory.
 */
final class Examples {
    static final String POOL = DemoObjects.POOL_A;
    static final String EXPORTED_POOL = "example-pool-2";
    static final String REPLICA = DemoObjects.REPLICA_A_UUID;
    static final String NEXUS = DemoObjects.NEXUS_UUID;

    static final String OWN_POOL_UUID = "e0000000-0000-4000-8000-0000000000a0";
    static final String OWN_POOL = "example-pool";
    static final String OWN_REPLICA = "e0000000-0000-4000-8000-0000000000a1";
    static final String SNAPSHOT = "e0000000-0000-4000-8000-0000000000b1";
    static final String OWN_CLONE = "e0000000-0000-4000-8000-0000000000b2";
    static final String OWN_NEXUS = "e0000000-0000-4000-8000-000000000001";
    static final String FAULT_BDEV = "example-faulty";

    /** No machine has a drive there: the example changes nothing anywhere. */
    static final String DEVICE = "0000:7f:1f.7";
    static final String DEVICE_BODY = "{\"driver\": \"vfio-pci\"}";
    static final String BDEV_BODY = "{\"uri\": \"fault:///example-faulty?base=malloc:///example-faulty-base%3Fsize_mb=64\"}";
    static final String POOL_BODY = """
        {"name": "example-pool", "disks": ["malloc:///example-disk?size_mb=256"], "expandable": true, "allowTest": true}""";
    static final String POOL_DISK_BODY = """
        {"disk": "malloc:///example-disk-3?size_mb=64", "allowTest": true}""";
    static final String POOL_POST_BODY = """
        {"name": "example-pool-2", "disks": ["malloc:///example-disk-2?size_mb=128"], "allowTest": true}""";
    static final String COMMIT_LIMIT_BODY = "{\"commitLimitPercent\": 250}";
    static final String IMPORT_BODY = "{\"rebuildMasks\": false}";
    static final String READ_ONLY_IMPORT_BODY = "{\"readOnly\": true}";
    static final String REPLICA_BODY = """
        {"name": "example-replica", "pool": "example-pool", "sizeBytes": "64MiB", "thin": true}""";
    static final String REPLICA_POST_BODY = """
        {"name": "example-replica-2", "pool": "example-pool", "sizeBytes": 33554432, "thin": false}""";
    static final String SNAPSHOT_BODY = """
        {"name": "example-snapshot", "uuid": "e0000000-0000-4000-8000-0000000000b1"}""";
    static final String NEXUS_SNAPSHOT_BODY = """
        {"name": "example-nexus-snapshot", "transactionId": "example"}""";
    static final String CLONE_BODY = """
        {"name": "example-clone", "uuid": "e0000000-0000-4000-8000-0000000000b2"}""";
    static final String ROLLBACK_BODY = "{\"snapshot\": \"e0000000-0000-4000-8000-0000000000b1\"}";
    static final String NEXUS_ROLLBACK_BODY = "{\"snapshot\": \"example-nexus-snapshot\"}";
    /** The first of a start; in the demo, the creation of a pool. */
    static final String JOB = "1";
    static final String WIPE_BODY = "{\"method\": \"CHECKSUM\"}";
    static final String SIZE_BODY = "{\"sizeBytes\": \"96MiB\"}";
    static final String SHARE_BODY = "{\"allowedHosts\": [\"nqn.2014-08.org.nvmexpress:uuid:5a1b6e6c-3f0e-4c1d-9d57-0f3f6b8f0a11\"]}";
    static final String PAUSE_BODY = "{\"atMostSeconds\": 5}";
    static final String LIMITS_BODY = """
        {"totalOperations": {"perSecond": 20000}, "writeBytes": {"perSecond": "200MiB", "burst": "8MiB"}}""";
    static final String PUBLICATION_BODY = "{\"allowedHosts\": [\"any\"]}";
    static final String NEXUS_BODY = """
        {"name": "example-nexus", "sizeBytes": "32MiB", "children": ["malloc:///example-leg?size_mb=64", \
        "lvol:///example-pool/example-replica"]}""";
    static final String NEXUS_POST_BODY = """
        {"name": "example-nexus-2", "children": ["malloc:///example-leg-2?size_mb=32"]}""";
    static final String ASSEMBLY_BODY = "{\"allowMissing\": true}";
    static final String CHILD_BODY = "{\"uri\": \"malloc:///example-leg-3?size_mb=64\"}";
    static final String CHILD = "example-leg-3";
    static final String SETTINGS_BODY = "{\"rebuildBytesPerSecond\": \"1MiB\", \"freezeTimeoutMs\": 25000}";
    static final String NEXUS_SIZE_BODY = "{\"sizeBytes\": \"48MiB\"}";
    static final String VERIFY_BODY = "{\"child\": \"example-leg\"}";
    static final String FAULT_BODY = """
        {"operation": "READ", "stage": "SUBMISSION", "action": "DELAY", "delayNs": 1000000, "count": 10}""";

    private Examples() {
    }
}
