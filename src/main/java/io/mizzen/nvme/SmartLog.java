package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_LONG;
import static io.mizzen.ffi.RawMemory.LE_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * SMART / health information log page, 02h, 512 bytes (base specification 2.0, section 5.16.1.3). The counters are 128
 * bits wide;
 * the upper halves stay zero.
 */
public final class SmartLog {
    public static final int SIZE_BYTES = 512;

    private static final long CRITICAL_WARNING = 0;
    private static final long TEMPERATURE_KELVIN = 1;
    private static final long SPARE_PERCENT = 3;
    private static final long SPARE_THRESHOLD_PERCENT = 4;
    private static final long PERCENT_USED = 5;
    private static final long DATA_UNITS_READ = 32;
    private static final long DATA_UNITS_WRITTEN = 48;
    private static final long HOST_READ_COMMANDS = 64;
    private static final long HOST_WRITE_COMMANDS = 80;
    private static final long CONTROLLER_BUSY_MINUTES = 96;
    private static final long POWER_CYCLES = 112;
    private static final long POWER_ON_HOURS = 128;
    private static final long UNSAFE_SHUTDOWNS = 144;
    private static final long MEDIA_ERRORS = 160;
    private static final long ERROR_LOG_ENTRIES = 176;

    private SmartLog() {
    }

    public static int criticalWarning(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + CRITICAL_WARNING) & 0xFF;
    }

    public static void criticalWarning(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + CRITICAL_WARNING, (byte) value);
    }

    public static int temperatureKelvin(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + TEMPERATURE_KELVIN) & 0xFFFF;
    }

    public static void temperatureKelvin(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + TEMPERATURE_KELVIN, (short) value);
    }

    public static int sparePercent(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + SPARE_PERCENT) & 0xFF;
    }

    public static void sparePercent(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + SPARE_PERCENT, (byte) value);
    }

    public static int spareThresholdPercent(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + SPARE_THRESHOLD_PERCENT) & 0xFF;
    }

    public static void spareThresholdPercent(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + SPARE_THRESHOLD_PERCENT, (byte) value);
    }

    public static int percentUsed(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + PERCENT_USED) & 0xFF;
    }

    public static void percentUsed(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + PERCENT_USED, (byte) value);
    }

    /** In 1000 units of 512 bytes, rounded up. */
    public static long dataUnitsRead(MemorySegment s, long at) {
        return s.get(LE_LONG, at + DATA_UNITS_READ);
    }

    public static void dataUnitsRead(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + DATA_UNITS_READ, value);
    }

    public static long dataUnitsWritten(MemorySegment s, long at) {
        return s.get(LE_LONG, at + DATA_UNITS_WRITTEN);
    }

    public static void dataUnitsWritten(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + DATA_UNITS_WRITTEN, value);
    }

    public static long hostReadCommands(MemorySegment s, long at) {
        return s.get(LE_LONG, at + HOST_READ_COMMANDS);
    }

    public static void hostReadCommands(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + HOST_READ_COMMANDS, value);
    }

    public static long hostWriteCommands(MemorySegment s, long at) {
        return s.get(LE_LONG, at + HOST_WRITE_COMMANDS);
    }

    public static void hostWriteCommands(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + HOST_WRITE_COMMANDS, value);
    }

    public static long controllerBusyMinutes(MemorySegment s, long at) {
        return s.get(LE_LONG, at + CONTROLLER_BUSY_MINUTES);
    }

    public static long powerCycles(MemorySegment s, long at) {
        return s.get(LE_LONG, at + POWER_CYCLES);
    }

    public static long powerOnHours(MemorySegment s, long at) {
        return s.get(LE_LONG, at + POWER_ON_HOURS);
    }

    public static void powerOnHours(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + POWER_ON_HOURS, value);
    }

    public static long unsafeShutdowns(MemorySegment s, long at) {
        return s.get(LE_LONG, at + UNSAFE_SHUTDOWNS);
    }

    public static void unsafeShutdowns(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + UNSAFE_SHUTDOWNS, value);
    }

    public static long mediaErrors(MemorySegment s, long at) {
        return s.get(LE_LONG, at + MEDIA_ERRORS);
    }

    public static void mediaErrors(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + MEDIA_ERRORS, value);
    }

    public static long errorLogEntries(MemorySegment s, long at) {
        return s.get(LE_LONG, at + ERROR_LOG_ENTRIES);
    }
}
