package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Clones and snapshots of any depth and number, in whatever order they are found. */
class CloneLinksTest {
    private static final int NONE = 0;

    private final List<Lvol> lvols = new ArrayList<>();
    private final Map<Long, Lvol> byBlob = new HashMap<>();
    private final Map<Integer, String> damaged = new HashMap<>();

    /** A volume with its root at this page, a clone of the one with its root at that page. */
    private Lvol add(int page, int parentPage) {
        BlobMetadata blob = new BlobMetadata(page);
        blob.clusters = new int[1];
        if (parentPage != NONE) {
            blob.internalXattr(LvolFeatures.PARENT, MetadataPage.blobIdOfPage(parentPage));
        }
        Lvol lvol = new Lvol(null, blob, "v" + page, new UUID(1, page), null);
        lvols.add(lvol);
        byBlob.put(blob.id(), lvol);
        return lvol;
    }

    private Lvol at(int page) {
        return byBlob.get(MetadataPage.blobIdOfPage(page));
    }

    private List<String> join() {
        List<String> circles = new ArrayList<>();
        new CloneLinks(lvols, byBlob, damaged).join(circles::add);
        return circles;
    }

    @Test
    void ofALongChainAllBelowWhatIsDamagedAreHidden() {
        int depth = 10_000;
        for (int page = 1; page <= depth; page++) {
            add(page, page < depth ? page + 1 : NONE);
        }
        damaged.put(7_000, "it is damaged");
        Collections.shuffle(lvols, new Random(1));
        assertThat(join()).isEmpty();
        for (int page = 1; page < depth; page++) {
            assertThat(at(page).parent()).isSameAs(at(page + 1));
            assertThat(at(page + 1).clones()).containsExactly(at(page));
            assertThat(at(page).unusableReason()).isEqualTo(page < 7_000 ? "its snapshot v7000 cannot be read: it is damaged" : null);
        }
        assertThat(at(depth).usable()).isTrue();
    }

    @Test
    void theNearestThatCannotBeReadIsNamed() {
        add(5, 4);
        add(4, 3);
        add(3, 2);
        add(2, 99);
        damaged.put(4, "it is damaged");
        join();
        assertThat(at(5).unusableReason()).isEqualTo("its snapshot v4 cannot be read: it is damaged");
        assertThat(at(3).unusableReason()).startsWith("its snapshot v2 cannot be read: the snapshot that it is a clone of, blob 0x1000");
        assertThat(at(4).unusableReason()).isEqualTo(at(3).unusableReason());
        assertThat(at(2).unusableReason()).endsWith("is missing");
    }

    @Test
    void aCircleIsToldOnceAndHidesThoseInItAndBelow() {
        add(1, 2);
        add(2, 3);
        add(3, 4);
        add(4, 2);
        add(5, 5);
        add(6, NONE);
        add(7, 6);
        List<String> circles = join();
        assertThat(circles).hasSize(2).allMatch(circle -> circle.contains("is a clone of itself"));
        for (int page = 1; page <= 5; page++) {
            assertThat(at(page).unusableReason()).as("v%d", page).contains("is a clone of itself");
        }
        assertThat(at(6).usable()).isTrue();
        assertThat(at(7).usable()).isTrue();
        assertThat(at(7).parent()).isSameAs(at(6));
        assertThatThrownBy(() -> new CloneLinks(lvols, byBlob, damaged).join(circle -> {
            throw new IllegalStateException(circle);
        })).isInstanceOf(IllegalStateException.class);
    }
}
