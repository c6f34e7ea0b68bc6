package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.control.FakeEngine;
import io.mizzen.util.OperationException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Devices over REST. */
class DevicesRestTest extends RestTestBase {
    private static final String DEVICE = "/v1/devices/" + FakeEngine.DEVICE;

    @Test
    void aDriveIsListedTakenAndGivenBack() {
        assertThat(get("/v1/devices").expect(200).json().path(0).path("driver").asString()).isEqualTo("nvme");
        assertThat(post(DEVICE + "/bind", "{\"driver\": \"vfio-pci\"}").expect(200).json().path("driver").asString())
            .isEqualTo("vfio-pci");
        assertThat(get(DEVICE).expect(200).json().path("driverOverride").asString()).isEqualTo("vfio-pci");
        post(DEVICE + "/unbind", "").expect(204);
        assertThat(get(DEVICE).expect(200).json().path("driver").asString()).isEqualTo("nvme");
    }

    @Test
    void aDriveInUseIsRefusedWithTheReason() {
        engine.failing("bindDevice", OperationException.precondition("device-in-use", "it is in use: mounted (sda1 on /)"));
        assertThat(post(DEVICE + "/bind", "{\"driver\": \"vfio-pci\"}").problem(409, "device-in-use")).contains("mounted");
    }

    @Test
    void whatIsNotThereOrNotSaidIsRefused() {
        get("/v1/devices/0000:09:00.0").problem(404, "device-not-found");
        for (String action : List.of("bind", "unbind")) {
            String body = action.equals("bind") ? "{\"driver\": \"vfio-pci\"}" : "";
            post("/v1/devices/0000:09:00.0/" + action, body).problem(404, "device-not-found");
            post("/v1/devices/nvme0n1/" + action, body).problem(400, "invalid-pci-address");
        }
        post(DEVICE + "/bind", "{}").problem(400, "invalid-field");
        post(DEVICE + "/bind", "{\"driver\": \"vfio-pci\", \"force\": true}").expect(400);
    }
}
