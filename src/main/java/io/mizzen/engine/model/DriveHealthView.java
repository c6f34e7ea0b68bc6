package io.mizzen.engine.model;

/**
 * What an NVMe drive that the kernel drives says of its health, for a bdev of the engine that lies on it.
 *
 * @param address PCI address; of a drive behind a network, the kernel's name of the disk
 * @param health at most a minute old
 */
public record DriveHealthView(String address, String model, String serial, NvmeControllerView.HealthView health) { }
