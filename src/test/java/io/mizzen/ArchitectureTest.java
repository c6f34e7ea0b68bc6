package io.mizzen;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Enforces the package table in README, as it stands there. */
class ArchitectureTest {
    private static final String ROOT = "io.mizzen";
    private static final Pattern ROW = Pattern.compile("\\| `([a-z.]+)` \\| (data|border|control) \\|[^|]*\\| ([^|]*) \\|");
    private static final Set<String> DATA_PLANE_LIBRARIES = Set.of("java.", "com.sun.management.", "org.jctools.");

    /** A row: the package's plane and the packages that it may use. */
    private record Row(String plane, Set<String> mayUse) {
    }

    private static Map<String, Row> table;
    private static JavaClasses classes;

    @BeforeAll
    static void read() throws IOException {
        table = new LinkedHashMap<>();
        Matcher matcher = ROW.matcher(Files.readString(Path.of("README.md")));
        while (matcher.find()) {
            Set<String> mayUse = Arrays.stream(matcher.group(3).split("[ ,`]+")).filter(word -> word.matches("[a-z.]+"))
                .collect(Collectors.toCollection(TreeSet::new));
            table.put(matcher.group(1), new Row(matcher.group(2), mayUse));
        }
        classes = new ClassFileImporter().withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT);
    }

    @Test
    void everyPackageHasARowAndEveryRowAPackage() {
        Set<String> packages = classes.stream().map(JavaClass::getPackageName).filter(name -> !name.equals(ROOT))
            .map(ArchitectureTest::rowOf).collect(Collectors.toCollection(TreeSet::new));
        assertThat(table.keySet()).as("rows of README's package table").containsExactlyInAnyOrderElementsOf(packages);
    }

    @Test
    void rowsUseOnlyRowsAboveThem() {
        List<String> order = List.copyOf(table.keySet());
        table.forEach((name, row) -> assertThat(row.mayUse()).as(name).allSatisfy(used ->
            assertThat(order.indexOf(used)).as("%s may use %s", name, used).isBetween(0, order.indexOf(name) - 1)));
    }

    @Test
    void packagesUseOnlyWhatTheTableAllows() {
        Set<String> violations = new TreeSet<>();
        for (JavaClass source : classes) {
            if (!hasRow(source)) {
                continue;
            }
            String from = rowOf(source.getPackageName());
            for (Dependency dependency : source.getDirectDependenciesFromSelf()) {
                String target = dependency.getTargetClass().getBaseComponentType().getPackageName();
                if (target.startsWith(ROOT + ".") && !rowOf(target).equals(from)
                    && !table.get(from).mayUse().contains(rowOf(target))) {
                    violations.add(from + " uses " + rowOf(target) + ": " + dependency.getDescription());
                }
            }
        }
        assertThat(violations).isEmpty();
    }

    @Test
    void theDataPlaneDependsOnTheJdkAndJcToolsAlone() {
        Set<String> violations = new TreeSet<>();
        for (JavaClass source : classes) {
            if (!hasRow(source) || table.get(rowOf(source.getPackageName())).plane().equals("control")) {
                continue;
            }
            for (Dependency dependency : source.getDirectDependenciesFromSelf()) {
                JavaClass target = dependency.getTargetClass().getBaseComponentType();
                if (!target.isPrimitive() && !target.getName().startsWith(ROOT + ".")
                    && DATA_PLANE_LIBRARIES.stream().noneMatch(target.getName()::startsWith)) {
                    violations.add(dependency.getDescription());
                }
            }
        }
        assertThat(violations).isEmpty();
    }

    @Test
    void onlyFfiLinksNativeFunctions() {
        Set<String> linking = classes.stream().filter(source -> source.getDirectDependenciesFromSelf().stream().anyMatch(
                dependency -> dependency.getTargetClass().getName().startsWith("java.lang.foreign.Linker")))
            .map(source -> rowOf(source.getPackageName())).collect(Collectors.toCollection(TreeSet::new));
        assertThat(linking).isSubsetOf("ffi");
    }

    @Test
    void everyPackageSaysWhatItOwns() {
        Set<String> silent = classes.stream().map(JavaClass::getPackageName).distinct()
            .filter(name -> !Files.exists(Path.of("src/main/java", name.replace('.', '/'), "package-info.java")))
            .collect(Collectors.toCollection(TreeSet::new));
        assertThat(silent).isEmpty();
    }

    /** The entry class has none; a package without one is what the first test reports. */
    private static boolean hasRow(JavaClass source) {
        return !source.getPackageName().equals(ROOT) && table.containsKey(rowOf(source.getPackageName()));
    }

    /** The longest row that the package lies in: {@code engine.model}, {@code api} for {@code api.problem}. */
    private static String rowOf(String packageName) {
        String name = packageName.substring(ROOT.length() + 1);
        while (!table.containsKey(name) && name.contains(".")) {
            name = name.substring(0, name.lastIndexOf('.'));
        }
        return name;
    }
}
