package io.mizzen.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class BenchOptionsTest {
    private static final String NULL = "null:///n?size_mb=1";

    private static BenchOptions parse(String... more) {
        String[] arguments = new String[more.length + 2];
        arguments[0] = "--bdev";
        arguments[1] = NULL;
        System.arraycopy(more, 0, arguments, 2, more.length);
        return BenchOptions.parse(arguments);
    }

    private static void refused(String inMessage, String... arguments) {
        assertThatThrownBy(() -> parse(arguments)).hasMessageContaining(inMessage).hasMessageContaining("--help");
    }

    @Test
    void valuesFollowOrHangOnAnEqualsSign() {
        BenchOptions options = parse("--rw=randrw", "--mix", "70", "--block-size", "128k", "--depth=4", "--cores", "0-1",
                "--time=1.5", "--bdev=uring:///tmp/f?create=true&size_mb=1", "--memory", "4k", "--nexus", "--replica", "thin");
        assertThat(options.bdevs).containsExactly(NULL, "uring:///tmp/f?create=true&size_mb=1");
        assertThat(options.blockBytes).isEqualTo(128 << 10);
        BenchOptions only = options.shapes().getFirst();
        assertThat(options.shapes()).hasSize(1);
        assertThat(only.workload).isEqualTo(Workload.RANDRW);
        assertThat(only.readPercent).isEqualTo(70);
        assertThat(only.blockBytes).isEqualTo(128 << 10);
        assertThat(only.depth).isEqualTo(4);
        assertThat(options.cores).isEqualTo(List.of(0, 1));
        assertThat(options.seconds).isEqualTo(1.5);
        assertThat(options.smallPages && options.nexus && options.writes()).isTrue();
        assertThat(options.replica).isEqualTo("thin");
    }

    @Test
    void severalKindsAndDepthsFollowEachOther() {
        BenchOptions options = parse("--rw", "randread,write", "--depth", "1,32", "--rounds", "2");
        assertThat(options.shapes().stream().map(shape -> shape.workload.word + " " + shape.depth + " " + shape.readPercent))
                .containsExactly("randread 1 100", "randread 32 100", "write 1 0", "write 32 0",
                        "randread 1 100", "randread 32 100", "write 1 0", "write 32 0");
        assertThat(options.depthMax()).isEqualTo(32);
        assertThat(options.writes()).isTrue();
        assertThat(options.shapes()).allSatisfy(shape -> assertThat(shape.bdevs).isEqualTo(options.bdevs));
        refused("--depth needs a value", "--depth", "1,,2");
        refused("--rounds is 0", "--rounds", "0");
        refused("--mix goes with", "--rw", "randrw,randread", "--mix", "20");
    }

    @Test
    void aFillWritesInStridesOfABlockUnlessToldOtherwise() {
        BenchOptions options = parse("--fill", "--rw", "write,randwrite", "--replica", "thin", "--cluster-size", "1m", "--imported");
        assertThat(options.shapes()).allSatisfy(shape -> {
            assertThat(shape.fill && shape.imported && shape.writes()).isTrue();
            assertThat(shape.strideBytes).isEqualTo(4096);
            assertThat(shape.clusterBytes).isEqualTo(1 << 20);
        });
        assertThat(parse("--fill", "--rw", "randwrite", "--stride", "4m").shapes().getFirst().strideBytes).isEqualTo(4 << 20);
        refused("--fill goes with --rw", "--fill");
        refused("--fill goes without", "--fill", "--rw", "write", "--verify");
        refused("--fill goes without", "--fill", "--rw", "write", "--prefill");
        refused("--stride goes with", "--stride", "4m");
        refused("--stride goes with", "--fill", "--rw", "write", "--block-size", "8k", "--stride", "12k");
        refused("go with --replica", "--imported");
        refused("go with --replica", "--cluster-size", "1m");
    }

    @Test
    void beforeAnythingIsMeasuredAllIsWrittenAtTheGreatestDepth() {
        BenchOptions options = parse("--prefill", "--depth", "1,64", "--block-size", "8k");
        BenchOptions prefill = options.prefillShape();
        assertThat(options.writes()).isTrue();
        assertThat(prefill.workload).isEqualTo(Workload.WRITE);
        assertThat(prefill.depth).isEqualTo(64);
        assertThat(prefill.fill).isTrue();
        assertThat(prefill.strideBytes).isEqualTo(8192);
        assertThat(options.shapes().getFirst().fill).isFalse();
    }

    @Test
    void nothingIsWrittenUnlessAskedFor() {
        assertThat(parse().writes()).isFalse();
        assertThat(parse("--rw", "read").writes()).isFalse();
        assertThat(parse("--rw", "write").writes()).isTrue();
        assertThat(parse("--rw", "rw").shapes().getFirst().readPercent).isEqualTo(50);
        assertThat(parse("--verify").writes()).isTrue();
    }

    @Test
    void whatMakesNoSenseIsRefusedByName() {
        refused("unknown option --dept", "--dept", "3");
        refused("--depth is 0", "--depth", "0");
        refused("--depth is 'many'", "--depth", "many");
        refused("--depth needs a value", "--depth");
        refused("--rw is 'append'", "--rw", "append");
        refused("--mix goes with", "--mix", "20");
        refused("--block-size is '1000'", "--block-size", "1000");
        refused("--block-size is '32m'", "--block-size", "32m");
        refused("--snapshots goes with", "--snapshots", "3");
        refused("--memory is '1g'", "--memory", "1g");
        refused("--nexus takes no value", "--nexus=yes");
        refused("--verify goes with", "--verify", "--rw", "read");
        refused("--time is NaN", "--time", "NaN");
        assertThatThrownBy(() -> BenchOptions.parse("--time", "1")).hasMessageContaining("--bdev is missing");
    }
}
