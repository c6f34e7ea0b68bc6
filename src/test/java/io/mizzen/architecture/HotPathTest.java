package io.mizzen.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.util.HotPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Reads the bytecode of every {@code @HotPath} method: nothing there allocates, boxes, locks or captures. */
class HotPathTest {
    private static final String MARK = "L" + HotPath.class.getName().replace('.', '/') + ";";
    private static final Set<String> BOXES = Set.of("java/lang/Integer", "java/lang/Long", "java/lang/Short",
            "java/lang/Byte", "java/lang/Boolean", "java/lang/Character", "java/lang/Double", "java/lang/Float");

    @Test
    void hotMethodsNeitherAllocateNorLock() throws IOException {
        List<String> findings = new ArrayList<>();
        int[] methods = new int[1];
        for (ClassModel type : classes(Path.of("target/classes/io/mizzen"))) {
            for (MethodModel method : type.methods()) {
                if (isMarked(method)) {
                    methods[0]++;
                    inspect(type, method, findings);
                }
            }
        }
        assertTrue(methods[0] > 100, "only " + methods[0] + " hot methods were found");
        assertEquals("", String.join("\n", findings));
    }

    @Test
    void everySinIsFound() throws IOException {
        Set<String> sinners = new TreeSet<>();
        int marked = 0;
        for (ClassModel type : classes(Path.of("target/test-classes/io/mizzen/architecture"))) {
            if (type.thisClass().asInternalName().endsWith("$Sinner")) {
                for (MethodModel method : type.methods()) {
                    if (isMarked(method)) {
                        marked++;
                        List<String> findings = new ArrayList<>();
                        inspect(type, method, findings);
                        if (!findings.isEmpty()) {
                            sinners.add(method.methodName().stringValue());
                        }
                    }
                }
            }
        }
        assertEquals(Set.of("allocates", "array", "boxes", "captures", "concatenates", "locks"), sinners);
        assertEquals(sinners.size() + 1, marked, "the innocent one is not accused");
    }

    private static List<ClassModel> classes(Path root) throws IOException {
        try (var files = Files.walk(root)) {
            return files.filter(file -> file.toString().endsWith(".class")).sorted().map(HotPathTest::parse).toList();
        }
    }

    private static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isMarked(MethodModel method) {
        return method.findAttribute(Attributes.runtimeInvisibleAnnotations())
                .map(a -> a.annotations().stream().anyMatch(one -> one.className().equalsString(MARK))).orElse(false);
    }

    private static void inspect(ClassModel type, MethodModel method, List<String> findings) {
        if (method.code().isEmpty()) {
            return;
        }
        for (CodeElement element : method.code().get()) {
            String sin = sin(element);
            if (sin != null) {
                findings.add(type.thisClass().asInternalName() + "." + method.methodName().stringValue() + ": " + sin);
            }
        }
    }

    private static String sin(CodeElement element) {
        return switch (element) {
            case NewObjectInstruction made when !made.className().asInternalName().equals("java/lang/AssertionError") ->
                    "new " + made.className().asInternalName();
            case NewPrimitiveArrayInstruction array -> "new array";
            case NewReferenceArrayInstruction array -> "new array";
            case NewMultiArrayInstruction array -> "new array";
            case MonitorInstruction monitor -> "monitor";
            case InvokeDynamicInstruction call -> "invokedynamic " + call.name();
            case InvokeInstruction call when call.opcode() == Opcode.INVOKESTATIC
                    && call.name().equalsString("valueOf") && BOXES.contains(call.owner().asInternalName()) -> "boxing";
            default -> null;
        };
    }

    /** One of each, and one that is innocent. */
    @SuppressWarnings("unused")
    static final class Sinner {
        private final long[] numbers = new long[1];

        @HotPath
        Object allocates() {
            return new Object();
        }

        @HotPath
        int array() {
            return new int[3].length;
        }

        @HotPath
        Object boxes(int value) {
            return value;
        }

        @HotPath
        Runnable captures(int value) {
            return () -> numbers[0] = value;
        }

        @HotPath
        String concatenates(int value) {
            return "n" + value;
        }

        @HotPath
        void locks() {
            synchronized (this) {
                numbers[0]++;
            }
        }

        @HotPath
        long innocent(int index) {
            assert index == 0;
            return ++numbers[index];
        }
    }
}
