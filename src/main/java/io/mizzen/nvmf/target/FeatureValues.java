package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.Features;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Sqe;

/** Features of a controller (base specification 2.0, section 5.27.1). Nothing is saved over a reset. */
final class FeatureValues {
    private static final int HOST_ID_BYTES = 16;
    private static final int HOST_BEHAVIOR_BYTES = 512;
    private static final int TEMPERATURE_MASK = 0xFFFF;

    private final Controller controller;
    private int arbitration;
    private int errorRecovery;
    private int writeAtomicity;
    private int overTemperature = TEMPERATURE_MASK;
    private int underTemperature;
    private int ioQueuesGranted;

    FeatureValues(Controller controller) {
        this.controller = controller;
        this.ioQueuesGranted = controller.group().config.ioQueuesMax();
    }

    int prepare(Request request) {
        int feature = Features.featureId(Sqe.cdw(ALL, request.sqe(), 10));
        boolean get = request.opcode == Opcodes.ADMIN_GET_FEATURES;
        boolean common = feature == Features.ASYNC_EVENTS || feature == Features.KEEP_ALIVE_TIMER
                || feature == Features.HOST_IDENTIFIER && get;
        if (controller.subsystem.isDiscovery() && !common) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        if (get && Features.select(Sqe.cdw(ALL, request.sqe(), 10)) == Features.SELECT_CAPABILITIES) {
            return NvmeStatus.SUCCESS;
        }
        if (feature == Features.HOST_IDENTIFIER && get) {
            if ((Sqe.cdw(ALL, request.sqe(), 11) & 1) == 0) {
                return NvmeStatus.noRetry(NvmeStatus.HOST_ID_INCONSISTENT);     // Fabrics have 128 bits only.
            }
            request.direction = Opcodes.DATA_TO_HOST;
            request.dataBytes = HOST_ID_BYTES;
        } else if (feature == Features.HOST_BEHAVIOR) {
            request.direction = get ? Opcodes.DATA_TO_HOST : Opcodes.DATA_TO_CONTROLLER;
            request.dataBytes = HOST_BEHAVIOR_BYTES;
        }
        return NvmeStatus.SUCCESS;
    }

    int get(Request request) {
        int cdw10 = Sqe.cdw(ALL, request.sqe(), 10);
        int feature = Features.featureId(cdw10);
        int select = Features.select(cdw10);
        if (select > Features.SELECT_CAPABILITIES) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        if (select == Features.SELECT_CAPABILITIES) {
            return capabilities(request, feature);
        }
        switch (feature) {
            case Features.ARBITRATION -> request.result = arbitration & 0xFFFF_FFFFL;
            case Features.POWER_MANAGEMENT -> request.result = 0;
            case Features.TEMPERATURE_THRESHOLD -> {
                boolean under = (Sqe.cdw(ALL, request.sqe(), 11) >>> 20 & 3) == 1;
                request.result = under ? underTemperature : overTemperature;
            }
            case Features.ERROR_RECOVERY -> request.result = errorRecovery & 0xFFFF_FFFFL;
            case Features.VOLATILE_WRITE_CACHE -> request.result = controller.isCacheEnabled() ? 1 : 0;
            case Features.NUMBER_OF_QUEUES -> request.result = queues();
            case Features.WRITE_ATOMICITY -> request.result = writeAtomicity & 0xFFFF_FFFFL;
            case Features.ASYNC_EVENTS -> request.result = controller.asyncEventConfig & 0xFFFF_FFFFL;
            case Features.KEEP_ALIVE_TIMER -> request.result = controller.keepAliveMs();
            case Features.HOST_BEHAVIOR -> RawMemory.zero(request.address, HOST_BEHAVIOR_BYTES);
            case Features.HOST_IDENTIFIER -> {
                RawMemory.putLong(request.address, Long.reverseBytes(controller.hostId().getMostSignificantBits()));
                RawMemory.putLong(request.address + 8,
                        Long.reverseBytes(controller.hostId().getLeastSignificantBits()));
            }
            default -> {
                return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
            }
        }
        return NvmeStatus.SUCCESS;
    }

    private static int capabilities(Request request, int feature) {
        switch (feature) {
            case Features.ARBITRATION, Features.TEMPERATURE_THRESHOLD, Features.ERROR_RECOVERY,
                    Features.VOLATILE_WRITE_CACHE, Features.NUMBER_OF_QUEUES, Features.WRITE_ATOMICITY,
                    Features.ASYNC_EVENTS, Features.KEEP_ALIVE_TIMER -> {
                request.result = Features.CAPABILITY_CHANGEABLE;
                return NvmeStatus.SUCCESS;
            }
            case Features.POWER_MANAGEMENT, Features.HOST_IDENTIFIER, Features.HOST_BEHAVIOR -> {
                return NvmeStatus.SUCCESS;
            }
            default -> {
                return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
            }
        }
    }

    int set(Request request) {
        int cdw10 = Sqe.cdw(ALL, request.sqe(), 10);
        int value = Sqe.cdw(ALL, request.sqe(), 11);
        if (Features.save(cdw10)) {
            return NvmeStatus.noRetry(NvmeStatus.FEATURE_NOT_SAVEABLE);
        }
        switch (Features.featureId(cdw10)) {
            case Features.ARBITRATION -> arbitration = value;
            case Features.POWER_MANAGEMENT -> {
                return (value & 0x1F) == 0 ? NvmeStatus.SUCCESS : NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
            }
            case Features.TEMPERATURE_THRESHOLD -> {
                if ((value >>> 20 & 3) == 1) {
                    underTemperature = value & TEMPERATURE_MASK;
                } else {
                    overTemperature = value & TEMPERATURE_MASK;
                }
            }
            case Features.ERROR_RECOVERY -> errorRecovery = value;
            case Features.VOLATILE_WRITE_CACHE -> controller.setCacheEnabled((value & 1) != 0);
            case Features.NUMBER_OF_QUEUES -> {
                return setQueues(request, value);
            }
            case Features.WRITE_ATOMICITY -> writeAtomicity = value;
            case Features.ASYNC_EVENTS -> controller.asyncEventConfig = value;
            case Features.KEEP_ALIVE_TIMER ->
                controller.setKeepAliveMs(value & 0xFFFF_FFFFL, request.connection.nowNs());
            case Features.HOST_BEHAVIOR -> {
                return NvmeStatus.SUCCESS;      // No field of it changes anything here.
            }
            case Features.HOST_IDENTIFIER -> {
                return NvmeStatus.noRetry(NvmeStatus.COMMAND_SEQUENCE_ERROR);   // Set by connect.
            }
            default -> {
                return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
            }
        }
        return NvmeStatus.SUCCESS;
    }

    private int setQueues(Request request, int value) {
        int submission = value & 0xFFFF;
        int completion = value >>> 16;
        if (submission == 0xFFFF || completion == 0xFFFF) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        ioQueuesGranted = Math.min(controller.group().config.ioQueuesMax(), Math.min(submission, completion) + 1);
        request.result = queues();
        return NvmeStatus.SUCCESS;
    }

    private long queues() {
        return (ioQueuesGranted - 1L) << 16 | ioQueuesGranted - 1L;
    }
}
