package io.mizzen.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What users read of error numbers. */
class ErrnoTest {
    /** What opening, growing and writing files may answer. */
    @ParameterizedTest
    @ValueSource(strings = {"ENOENT", "EACCES", "ENOTDIR", "EISDIR", "EINVAL", "ETXTBSY", "EFBIG", "ENOSPC", "EROFS", "ENAMETOOLONG", "ELOOP", "EDQUOT"})
    void errorsOfFilesHaveAName(String name) throws ReflectiveOperationException {
        Field constant = Errno.class.getField(name);
        assertThat(Errno.describe(constant.getInt(null))).startsWith(name + " (").endsWith(")");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 27_000})
    void othersKeepTheirNumber(int errno) {
        assertThat(List.of(Errno.describe(errno))).containsExactly("errno " + errno);
    }
}
