package io.mizzen.api;

import io.mizzen.api.request.DeviceRequest;
import io.mizzen.control.DeviceService;
import io.mizzen.engine.model.DeviceView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Disks and NVMe controllers of the machine. */
@RestController
@RequestMapping("/v1/devices")
@Tag(name = "devices", description = "Disks and NVMe controllers of this machine, and who has them")
public class DeviceController {
    private final DeviceService devices;

    DeviceController(DeviceService devices) {
        this.devices = devices;
    }

    @GetMapping
    @Operation(operationId = "listDevices", summary = "All NVMe controllers and disks",
        description = "What uses them (mounts, partitions, LVM, software RAID, bdevs of this engine), what signatures they carry, "
            + "and whether Mizzen may take them. A controller that was taken from the kernel shows no disks.")
    List<DeviceView> list() {
        return devices.list();
    }

    @GetMapping("/{address}")
    @Operation(operationId = "getDevice", summary = "One device", description = "By PCI address, or the kernel's name of a disk.")
    DeviceView get(@Parameter(description = "PCI address, such as 0000:01:00.0, or name", example = Examples.DEVICE) @PathVariable String address) {
        return devices.get(address);
    }

    @PostMapping("/{address}/bind")
    @Operation(operationId = "bindDevice", summary = "Take an NVMe controller from the kernel",
        description = "Refused with the reason while anybody uses it, and when it carries signatures that 'accept' does not name. "
            + "Its contents stay. It is taken again after a restart of the machine, if it is the same drive. With the driver "
            + "already: nothing happens.")
    DeviceView bind(@Parameter(description = "PCI address, such as 0000:01:00.0", example = Examples.DEVICE) @PathVariable String address,
                    @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
                        @ExampleObject(Examples.DEVICE_BODY))) @Valid @RequestBody DeviceRequest request) {
        return devices.bind(address, request.driver(), request.accepted());
    }

    @PostMapping("/{address}/unbind")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "unbindDevice", summary = "Give an NVMe controller back to the kernel",
        description = "Refused while a bdev drives it. With the kernel already: nothing happens.")
    void unbind(@Parameter(description = "PCI address, such as 0000:01:00.0", example = Examples.DEVICE) @PathVariable String address) {
        devices.unbind(address);
    }
}
