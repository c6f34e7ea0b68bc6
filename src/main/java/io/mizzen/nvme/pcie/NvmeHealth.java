package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.nvme.SmartLog;

/**
 * The SMART / health information log page (base specification 2.0, section 5.16.1.3).
 *
 * @param criticalWarning bits: spare low, temperature, reliability degraded, read only, backup failed
 * @param temperatureKelvin composite temperature
 * @param sparePercent what is left of the spare capacity
 * @param spareThresholdPercent below which the drive warns
 * @param percentUsed of the rated endurance; may exceed 100
 * @param dataUnitsRead in 1000 units of 512 bytes
 * @param dataUnitsWritten likewise
 * @param mediaErrors unrecovered errors of data integrity
 * @param errorLogEntries errors logged in the drive's life
 */
public record NvmeHealth(int criticalWarning, int temperatureKelvin, int sparePercent, int spareThresholdPercent,
        int percentUsed, long dataUnitsRead, long dataUnitsWritten, long hostReadCommands, long hostWriteCommands,
        long controllerBusyMinutes, long powerCycles, long powerOnHours, long unsafeShutdowns, long mediaErrors,
        long errorLogEntries) {
    /** From 512 bytes of memory as the drive has written them. */
    public static NvmeHealth parse(long at) {
        return new NvmeHealth(SmartLog.criticalWarning(ALL, at), SmartLog.temperatureKelvin(ALL, at),
                SmartLog.sparePercent(ALL, at), SmartLog.spareThresholdPercent(ALL, at), SmartLog.percentUsed(ALL, at),
                SmartLog.dataUnitsRead(ALL, at), SmartLog.dataUnitsWritten(ALL, at),
                SmartLog.hostReadCommands(ALL, at), SmartLog.hostWriteCommands(ALL, at),
                SmartLog.controllerBusyMinutes(ALL, at), SmartLog.powerCycles(ALL, at), SmartLog.powerOnHours(ALL, at),
                SmartLog.unsafeShutdowns(ALL, at), SmartLog.mediaErrors(ALL, at), SmartLog.errorLogEntries(ALL, at));
    }
}
