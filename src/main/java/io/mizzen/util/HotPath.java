package io.mizzen.util;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a method that runs per I/O or per turn of a reactor. Its bytecode is checked by a test: it allocates nothing
 * (but the AssertionError of an {@code assert}), takes no monitor and uses no {@code invokedynamic} and no boxing.
 */
@Documented
@Retention(RetentionPolicy.CLASS)
@Target({ElementType.METHOD, ElementType.CONSTRUCTOR})
public @interface HotPath {
}
