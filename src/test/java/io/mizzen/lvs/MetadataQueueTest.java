package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Changes of a pool take turns, also when one of them throws. */
class MetadataQueueTest {
    private final List<String> ran = new ArrayList<>();
    private final List<RuntimeException> told = new ArrayList<>();
    private final MetadataQueue queue = new MetadataQueue(told::add);

    private Runnable change(String name) {
        return () -> {
            ran.add(name);
            queue.done();
        };
    }

    @Test
    void aChangeThatThrowsAtOnceIsToldToWhoMadeItAndTheNextOnesStart() {
        OperationException refused = OperationException.invalid("no", "no");
        assertThatThrownBy(() -> queue.add(() -> {
            throw refused;
        })).isSameAs(refused);
        assertThat(told).containsExactly(refused);
        assertThat(queue.idle()).isTrue();
        queue.add(change("next"));
        assertThat(ran).containsExactly("next");
    }

    @Test
    void aChangeThatThrowsInItsTurnIsNotToldToTheOneBefore() {
        queue.add(() -> ran.add("first"));
        queue.add(() -> {
            throw OperationException.invalid("no", "no");
        });
        queue.add(change("third"));
        assertThat(ran).containsExactly("first");
        queue.done();
        assertThat(ran).containsExactly("first", "third");
        assertThat(told).hasSize(1);
        queue.done();       // An I/O that the broken one left behind.
        queue.add(() -> ran.add("waits"));
        queue.add(() -> {
            throw new IllegalStateException("a bug");
        });
        queue.add(change("last"));
        assertThatThrownBy(queue::done).isInstanceOf(IllegalStateException.class);
        assertThat(ran).endsWith("waits", "last");
        assertThat(told).hasSize(2);
    }

    @Test
    void aPoolWhoseChangeBrokeOffIsFaultedAndIsImportedAgain() {
        LvsRig rig = new LvsRig(3);
        SimDisk disk = rig.register(new SimDisk("disk", 512, 24 << 20, new SimDisk.Contents(), false, new Random(1)));
        LvStore store = rig.create(disk, "pool", 1 << 20);
        rig.<Lvol>ok(done -> store.createLvol("v", null, 2 << 20, true, done));
        rig.hand.on(0, () -> assertThatThrownBy(() -> store.queue().add(() -> {
            throw OperationException.invalid("thrown", "in the middle");
        })).isInstanceOf(OperationException.class));
        assertThat(store.state()).isEqualTo(LvStore.State.FAULTED);
        assertThat(store.fault().code()).isEqualTo("pool-change-broken");
        assertThat(store.fault().getMessage()).contains("in the middle");
        assertThat(rig.<Lvol>refused(done -> store.createLvol("w", null, 2 << 20, true, done)).code()).isEqualTo("pool-faulted");
        rig.<Void>ok(store::export);
        LvStore again = rig.load(disk);
        assertThat(again.recovered()).isTrue();
        rig.<Lvol>ok(done -> again.createLvol("w", null, 2 << 20, true, done));
        assertThat(again.lvols()).hasSize(2);
    }
}
