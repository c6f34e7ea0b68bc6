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

    private final List<OperationException> answered = new ArrayList<>();

    private void change(String name) {
        queue.add(() -> {
            ran.add(name);
            queue.done();
        }, answered::add);
    }

    private void throwing(RuntimeException thrown) {
        queue.add(() -> {
            throw thrown;
        }, answered::add);
    }

    @Test
    void aChangeThatThrowsAtOnceIsToldToWhoMadeItAndTheNextOnesStart() {
        OperationException refused = OperationException.invalid("no", "no");
        throwing(refused);
        assertThat(answered).containsExactly(refused);
        assertThat(told).containsExactly(refused);
        assertThat(queue.idle()).isTrue();
        change("next");
        assertThat(ran).containsExactly("next");
    }

    @Test
    void aChangeThatThrowsInItsTurnIsToldToWhoMadeItAndNotToTheOneBefore() {
        OperationException refused = OperationException.invalid("no", "no");
        List<OperationException> first = new ArrayList<>();
        queue.add(() -> ran.add("first"), first::add);
        throwing(refused);
        change("third");
        assertThat(ran).containsExactly("first");
        queue.done();
        assertThat(ran).containsExactly("first", "third");
        assertThat(first).isEmpty();
        assertThat(answered).containsExactly(refused);
        assertThat(told).containsExactly(refused);
        queue.done();       // An I/O that the broken one left behind.
        queue.add(() -> ran.add("waits"), answered::add);
        throwing(new IllegalStateException("a bug"));
        change("last");
        assertThatThrownBy(queue::done).isInstanceOf(IllegalStateException.class);
        assertThat(ran).endsWith("waits", "last");
        assertThat(told).hasSize(2);
        assertThat(answered).hasSize(1);
    }

    /** Its answer ends the turn as every other end does; the next one's turn is not ended with it. */
    @Test
    void anAnswerMayEndTheTurn() {
        queue.add(() -> ran.add("first"), answered::add);
        queue.add(() -> {
            throw OperationException.invalid("no", "no");
        }, thrown -> queue.done());
        queue.add(() -> ran.add("third"), answered::add);
        change("fourth");
        queue.done();
        assertThat(ran).containsExactly("first", "third");
        queue.done();
        assertThat(ran).endsWith("third", "fourth");
    }

    @Test
    void aPoolWhoseChangeBrokeOffIsFaultedAndIsImportedAgain() {
        LvsRig rig = new LvsRig(3);
        SimDisk disk = rig.register(new SimDisk("disk", 512, 24 << 20, new SimDisk.Contents(), false, new Random(1)));
        LvStore store = rig.create(disk, "pool", 1 << 20);
        rig.<Lvol>ok(done -> store.createLvol("v", null, 2 << 20, true, done));
        rig.hand.on(0, () -> store.queue().add(() -> {
            throw OperationException.invalid("thrown", "in the middle");
        }, answered::add));
        assertThat(answered).hasSize(1);
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
