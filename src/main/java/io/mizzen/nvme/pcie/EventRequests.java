package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.nvme.AsyncEvents;
import io.mizzen.nvme.ErrorLogEntry;
import io.mizzen.nvme.LogPages;
import io.mizzen.nvme.NamespaceList;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.SmartLog;
import io.mizzen.nvme.Sqe;
import io.mizzen.bdev.Status;
import io.mizzen.util.Completion;
import java.util.ArrayList;
import java.util.List;

/**
 * The controller's asynchronous events and log pages (base specification 2.0, sections 5.2 and 5.16). A request that was
 * answered is sent again a little later, so that a drive cannot flood anybody. Admin reactor.
 */
final class EventRequests {
    static final int ERRORS_MAX = 64;
    private static final int REQUESTS_MAX = 4;
    private static final long REPEAT_NS = 200_000_000L;

    private final NvmeController controller;
    private final NvmeListener listener;
    private int owed;
    private int aborts;
    private volatile long abortsSent;
    /** Answers to requests of an earlier life of the controller mean nothing. */
    private int life;
    private long sentNs;

    EventRequests(NvmeController controller, NvmeListener listener) {
        this.controller = controller;
        this.listener = listener;
    }

    /** The controller is up and takes so many requests. */
    void begin(int requestsMax) {
        life++;
        owed = Math.min(requestsMax, REQUESTS_MAX);
        aborts = 0;
        send(controller.nowNs());
    }

    /** The controller stops: it has no request any more. */
    void forget() {
        life++;
        owed = 0;
    }

    void tick(long nowNs) {
        if (owed > 0 && nowNs - sentNs >= REPEAT_NS) {
            send(nowNs);
        }
    }

    private void send(long nowNs) {
        sentNs = nowNs;
        int mine = life;
        for (; owed > 0; owed--) {
            controller.send(new AdminCommand(Opcodes.ADMIN_ASYNC_EVENT, (status, result, page) -> {
                if (mine == life && status == Status.SUCCESS) {
                    onEvent(result);
                }
            }).endless());
        }
    }

    private void onEvent(int result) {
        switch (AsyncEvents.type(result)) {
            case AsyncEvents.TYPE_ERROR -> readErrors(ERRORS_MAX, (errors, failure) -> {
                owed++;
                listener.onEvent("nvme-error", controller.address() + " reports an error, number "
                        + AsyncEvents.information(result) + (errors == null || errors.isEmpty() ? "" : "; the newest of its log: "
                        + errors.getFirst()));
            });
            case AsyncEvents.TYPE_HEALTH -> readHealth((health, failure) -> {
                owed++;
                listener.onEvent("nvme-health", controller.address() + " warns of its health, number "
                        + AsyncEvents.information(result) + (health == null ? "" : ": " + describe(health)));
            });
            default -> {
                boolean namespaces = result == AsyncEvents.NAMESPACE_ATTRIBUTES;
                int logPage = AsyncEvents.logPage(result);
                log(logPage, NamespaceList.SIZE_BYTES, (status, dw0, page) -> {     // Reading it unmasks the event.
                    owed++;
                    if (namespaces) {
                        controller.rescan();
                    }
                });
            }
        }
    }

    private static String describe(NvmeHealth health) {
        return "critical warning 0x" + Integer.toHexString(health.criticalWarning()) + ", "
                + (health.temperatureKelvin() - 273) + " degrees, spare " + health.sparePercent() + " % (threshold "
                + health.spareThresholdPercent() + " %), " + health.percentUsed() + " % used";
    }

    private void log(int logPage, int sizeBytes, AdminCommand.Receiver receiver) {
        controller.send(new AdminCommand(Opcodes.ADMIN_GET_LOG_PAGE, receiver).nsid(Sqe.NSID_ALL)
                .cdw10(LogPages.cdw10(logPage, sizeBytes, false)).page());
    }

    void readHealth(Completion<NvmeHealth> done) {
        log(LogPages.SMART, SmartLog.SIZE_BYTES, (status, result, page) -> {
            if (status == Status.SUCCESS) {
                done.ok(NvmeHealth.parse(page));
            } else {
                done.fail(controller.refused("its health log", status));
            }
        });
    }

    /** Newest first. */
    void readErrors(int entriesMax, Completion<List<NvmeError>> done) {
        log(LogPages.ERROR, entriesMax * ErrorLogEntry.SIZE_BYTES, (status, result, page) -> {
            if (status != Status.SUCCESS) {
                done.fail(controller.refused("its error log", status));
                return;
            }
            List<NvmeError> errors = new ArrayList<>();
            for (int i = 0; i < entriesMax; i++) {
                long at = page + (long) i * ErrorLogEntry.SIZE_BYTES;
                if (ErrorLogEntry.errorCount(ALL, at) != 0) {
                    errors.add(NvmeError.parse(at));
                }
            }
            done.ok(errors);
        });
    }

    /** Whether one more abort may be sent. */
    boolean tryTakeAbort(int abortsMax) {
        if (aborts >= abortsMax) {
            return false;
        }
        aborts++;
        abortsSent++;
        return true;
    }

    /** In all. Any thread. */
    long abortsSent() {
        return abortsSent;
    }

    void returnAbort() {
        aborts = Math.max(0, aborts - 1);
    }
}
