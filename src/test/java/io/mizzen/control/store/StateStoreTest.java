package io.mizzen.control.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mizzen.util.OperationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Documents survive crashes whole, damage is reported, and a directory has one owner. */
class StateStoreTest {
    private static final Path ROOT = Path.of("/state");
    private static final String KEY = "/dev/disk one";

    record Content(String text, long sizeBytes, List<String> list) {
    }

    private static final Content OLD = new Content("old", 1L << 40, List.of("a", "b"));
    private static final Content NEW = new Content("new and longer than the old one", 7, List.of());

    @ParameterizedTest
    @EnumSource(CrashingFiles.Mode.class)
    void replacingADocumentIsAtomicAtEveryStep(CrashingFiles.Mode mode) {
        int steps = Integer.MAX_VALUE;
        for (int cut = 0; cut <= steps; cut++) {
            CrashingFiles files = new CrashingFiles(mode);
            StateStore store = store(files);
            store.load();
            store.put(StateKind.POOL, KEY, OLD);
            files.cutAfter(cut);
            boolean acknowledged = attempt(() -> store.put(StateKind.POOL, KEY, NEW));
            steps = acknowledged ? files.steps() : steps;
            files.powerOn();

            StateStore.Contents contents = store(files).load();
            assertThat(contents.setAside()).as("cut before step %d", cut).isEmpty();
            Content found = contents.documents().getFirst().as(Content.class);
            assertThat(found).as("cut before step %d", cut).isIn(OLD, NEW);
            if (acknowledged) {
                assertThat(found).isEqualTo(NEW);
            }
            assertThat(files.list(ROOT.resolve("pools"))).hasSize(1);
        }
        assertThat(steps).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource(CrashingFiles.Mode.class)
    void anAcknowledgedRemovalStaysAndAnUnfinishedOneLeavesTheDocumentWhole(CrashingFiles.Mode mode) {
        for (int cut = 0; cut <= 2; cut++) {
            CrashingFiles files = new CrashingFiles(mode);
            StateStore store = store(files);
            store.load();
            store.put(StateKind.NEXUS, KEY, OLD);
            files.cutAfter(cut);
            boolean acknowledged = attempt(() -> store.remove(StateKind.NEXUS, KEY));
            files.powerOn();

            StateStore.Contents contents = store(files).load();
            assertThat(contents.setAside()).isEmpty();
            assertThat(acknowledged).isEqualTo(cut == 2);
            if (acknowledged) {
                assertThat(contents.documents()).isEmpty();
            } else {
                contents.documents().forEach(document -> assertThat(document.as(Content.class)).isEqualTo(OLD));
            }
        }
    }

    @Test
    void aDamagedDocumentIsSetAsideAndReportedAndTheOthersAreRead() {
        CrashingFiles files = new CrashingFiles(CrashingFiles.Mode.KEEP_ALL);
        StateStore store = store(files);
        store.load();
        store.put(StateKind.POOL, "good", OLD);
        store.put(StateKind.POOL, "bad", OLD);
        Path bad = ROOT.resolve("pools/bad.json");
        String text = new String(readAll(files, bad), StandardCharsets.UTF_8);
        for (String damaged : List.of(text.replace("\"old\"", "\"0ld\""), text.substring(0, text.length() / 2), "", "[]",
            text.replace("\"POOL\"", "\"BDEV\""), text.replace("\"bad\"", "\"other\""), text.replace(": 1,", ": 2,"))) {
            assertThat(damaged).isNotEqualTo(text);
            store.put(StateKind.POOL, "bad", OLD);
            files.overwrite(bad, damaged.getBytes(StandardCharsets.UTF_8));

            StateStore.Contents contents = store(files).load();
            assertThat(contents.documents()).extracting(StateStore.Document::key).containsExactly("good");
            assertThat(contents.setAside()).as(damaged).hasSize(1);
            assertThat(contents.setAside().getFirst().file()).isEqualTo(ROOT.resolve("corrupt/pools-bad.json").toString());
            assertThat(store(files).load().setAside()).as("reported once, kept").isEmpty();
            assertThat(readAll(files, ROOT.resolve("corrupt/pools-bad.json")))
                .isEqualTo(damaged.getBytes(StandardCharsets.UTF_8));
        }
    }

    @Test
    void twoStoresNeverShareADirectory(@TempDir Path directory) {
        StateStore first = StateStore.open(directory.resolve("state"));
        assertThatThrownBy(() -> StateStore.open(directory.resolve("state")))
            .isInstanceOfSatisfying(OperationException.class, e -> assertThat(e.code()).isEqualTo("state-dir-locked"));
        first.close();
        StateStore.open(directory.resolve("state")).close();
    }

    @Test
    void aDirectoryThatCannotBeMadeIsAClearError(@TempDir Path directory) throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> StateStore.open(file.resolve("state")))
            .isInstanceOfSatisfying(OperationException.class, e -> {
                assertThat(e.code()).isEqualTo("state-dir-unusable");
                assertThat(e).hasMessageContaining("mizzen.state.dir");
            });
    }

    @Test
    void onARealDiskEverythingComesBackInTheOrderOfTheKinds(@TempDir Path directory) {
        try (StateStore store = StateStore.open(directory)) {
            store.load();
            store.put(StateKind.SHARE, "s", NEW);
            store.put(StateKind.BDEV, "../../etc/passwd", OLD);
            store.put(StateKind.BDEV, "gone", OLD);
            store.remove(StateKind.BDEV, "gone");
            store.remove(StateKind.BDEV, "never-there");
        }
        try (StateStore store = StateStore.open(directory)) {
            assertThat(store.load().documents()).extracting(StateStore.Document::key)
                .containsExactly("../../etc/passwd", "s");
        }
        assertThat(directory.resolve("bdevs").toFile().list()).hasSize(1);
    }

    private static StateStore store(StateFiles files) {
        return new StateStore(ROOT, files, () -> { });
    }

    private static boolean attempt(Runnable action) {
        try {
            action.run();
            return true;
        } catch (CrashingFiles.PowerCut cut) {
            return false;
        }
    }

    private static byte[] readAll(CrashingFiles files, Path file) {
        try {
            return files.read(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
