package io.mizzen.uring;

/**
 * An NVMe drive that the kernel's driver has.
 *
 * @param address PCI address; of a drive that is not on PCI, the kernel's name of the disk
 * @param model empty where the kernel does not say
 * @param serial empty where the kernel does not say
 */
public record NvmeDrive(String address, String model, String serial) { }
