package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.mizzen.control.Admission;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import org.junit.jupiter.api.Test;

/** No request gets in once the stop has begun. */
class AdmissionInterceptorTest {
    @Test
    void requestsAreRefusedOnceTheStopHasBegun() {
        Admission admission = new Admission();
        AdmissionInterceptor interceptor = new AdmissionInterceptor(admission);
        assertThat(interceptor.preHandle(null, null, null)).isTrue();
        admission.close();
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> interceptor.preHandle(null, null, null))
            .satisfies(e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE))
            .satisfies(e -> assertThat(e.code()).isEqualTo("shutting-down"));
    }
}
