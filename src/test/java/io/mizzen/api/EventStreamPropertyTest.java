package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.ObjectKind;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * A reader that is cut off at any moment and comes back with the last id that it saw gets every event once and in order, or is
 * told of a gap exactly where there is one; however fast events come and however few are kept.
 */
class EventStreamPropertyTest {
    private static final int KEPT = 16;
    private static final EventFilter ALL = new EventFilter(null, null, null);
    private Random random;
    private long newest;
    private boolean stopping;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void everyEventOnceOrAGapThatIsSaid(long seed) {
        random = new Random(seed);
        newest = 1;
        long seen = 1;      // Events up to here have been seen, or are known to be missed.
        long lastId = 1;
        for (int connection = 0; connection < 300; connection++) {
            newest += random.nextInt(KEPT + 4);
            stopping = false;
            for (String block : connect(lastId)) {
                String name = line(block, "event: ");
                long id = Long.parseLong(line(block, "id: "));
                if (name.equals("events-missed") || name.equals("stream-ended") && block.contains("too slow")) {
                    assertThat(block).contains("\"after\":" + seen + ",");
                    seen = name.equals("events-missed") ? id : seen;
                } else if (name.equals("kind")) {
                    assertThat(id).isEqualTo(seen + 1);
                    seen = id;
                }
                assertThat(id).as("resuming from %d loses nothing", id).isLessThanOrEqualTo(seen);
                lastId = id;
            }
        }
        assertThat(seen).isGreaterThan(300);
    }

    /** What a reader gets until it is cut off: the writes that reached it, block by block. */
    private List<String> connect(long since) {
        List<String> blocks = new ArrayList<>();
        int[] writes = {1 + random.nextInt(6)};
        try {
            new EventStream(this::await, () -> stopping, ALL, JsonMapper.builder().build(), text -> {
                if (writes[0]-- == 0) {
                    throw new IOException("the reader is gone");
                }
                for (String block : text.split("\n\n")) {
                    if (block.contains("id: ")) {
                        blocks.add(block);
                    }
                }
            }).run(since);
        } catch (IOException gone) {
            assertThat(writes[0]).isNegative();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return blocks;
    }

    private static String line(String block, String prefix) {
        return block.lines().filter(line -> line.startsWith(prefix)).map(line -> line.substring(prefix.length())).findFirst().orElse("");
    }

    private EventPage await(long since, int limit, long timeoutNs) {
        if (timeoutNs > 0) {
            newest += random.nextInt(4) == 0 ? random.nextInt(2 * KEPT) : random.nextInt(3);
            stopping = random.nextInt(20) == 0;
        }
        long oldest = Math.max(1, newest - KEPT + 1);
        return new EventPage(LongStream.rangeClosed(Math.max(since + 1, oldest), newest).limit(1 + random.nextInt(limit))
            .mapToObj(sequence -> new EventView(sequence, Instant.EPOCH, EventSeverity.INFO, "kind", ObjectKind.POOL, null, "p", "m",
                Map.of())).toList(), oldest, newest);
    }
}
