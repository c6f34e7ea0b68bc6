package io.mizzen.concat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The superblock against one that SPDK v24.05 wrote, and against every bit of it flipped. */
class RaidSuperBlockTest {
    /** What is not zero in the superblock of a concat of two that SPDK made: offset, bytes. */
    private static final Object[][] BY_SPDK = {
        {0, "5350444b52414944" + "01000000" + "80010000" + "e3c44e4e"}, {24, "7601e1b5d85c461da26e63d29484454e" + "706f6f6c30"},
        {104, "0038020000000000" + "00020000" + "63000000" + "00080000"}, {128, "01"}, {136, "02"}, {255, "02"},
        {256, "1d95ddd0feb05ded8203f8c402b32f83" + "0008000000000000" + "0038010000000000" + "01"},
        {320, "d3ea30b917d15976a1ca61626ad10d2a" + "0008000000000000" + "0000010000000000" + "01"}, {360, "01"}};

    private static byte[] bySpdk() {
        byte[] head = new byte[RaidSuperBlock.LENGTH_MAX_BYTES];
        for (Object[] part : BY_SPDK) {
            byte[] bytes = HexFormat.of().parseHex((String) part[1]);
            System.arraycopy(bytes, 0, head, (int) part[0], bytes.length);
        }
        return head;
    }

    @Test
    void whatSpdkWroteIsReadAndWrittenTheSame() {
        RaidSuperBlock read = RaidSuperBlock.read(bySpdk());
        assertThat(read.uuid()).isEqualTo(UUID.fromString("7601e1b5-d85c-461d-a26e-63d29484454e"));
        assertThat(read.name()).isEqualTo("pool0");
        assertThat(read.sizeBlocks()).isEqualTo(145_408);
        assertThat(read.blockSizeBytes()).isEqualTo(512);
        assertThat(read.stripBlocks()).isEqualTo(2048);
        assertThat(read.sequence()).isEqualTo(1);
        assertThat(read.members()).containsExactly(
                new RaidSuperBlock.Member(UUID.fromString("1d95ddd0-feb0-5ded-8203-f8c402b32f83"), 2048, 79_872, 1, 0, 0),
                new RaidSuperBlock.Member(UUID.fromString("d3ea30b9-17d1-5976-a1ca-61626ad10d2a"), 2048, 65_536, 1, 0, 1));
        assertThat(read.write()).isEqualTo(Arrays.copyOf(bySpdk(), 512));
    }

    @Test
    void everyFlippedBitIsSeen() {
        byte[] sound = bySpdk();
        for (int bit = 64; bit < 384 * 8; bit++) {
            byte[] head = sound.clone();
            head[bit / 8] ^= (byte) (1 << bit % 8);
            OperationException failure = catchThrowableOfType(OperationException.class, () -> RaidSuperBlock.read(head));
            assertThat(failure).as("bit %d", bit).isNotNull();
            assertThat(failure.code()).as("bit %d", bit).isEqualTo("disk-superblock-corrupt");
            assertThat(failure.getMessage()).contains("byte 0");
        }
    }

    @Test
    void whatItSaysMustFitTogether() {
        RaidSuperBlock sound = RaidSuperBlock.read(bySpdk());
        List<RaidSuperBlock.Member> members = sound.members();
        refused(with(sound, 1, sound.stripBlocks(), sound.sizeBlocks(), members), "raid-level-unsupported", "level 1");
        refused(with(sound, 99, 2047, sound.sizeBlocks(), members), "disk-superblock-corrupt", "strips of 2047");
        refused(with(sound, 99, 2048, sound.sizeBlocks() + 1, members), "disk-superblock-corrupt", "145408");
        refused(with(sound, 99, 2048, 79_872 + 65_537, List.of(members.get(0), members.get(1).withBlocks(65_537))),
                "disk-superblock-corrupt", "member 1");
        refused(with(sound, 99, 2048, 2 * 79_872, List.of(members.get(0), members.get(0))), "disk-superblock-corrupt", "slot 0");
        byte[] vast = sound.write();
        vast[113] = 0;
        vast[115] = 1 << 6;         // Its own image would be a block of 1 GiB.
        fixCrc(vast);
        refused(vast, "disk-superblock-corrupt", "blocks of 1073741824");
        RaidSuperBlock.Member wrapping = new RaidSuperBlock.Member(members.get(1).uuid(), Long.MIN_VALUE + (1 << 20), 65_536, 1, 0, 1);
        refused(with(sound, 99, 2048, sound.sizeBlocks(), List.of(members.get(0), wrapping)), "disk-superblock-corrupt", "member 1");
        byte[] newer = sound.write();
        newer[8] = 2;
        fixCrc(newer);
        refused(newer, "disk-superblock-unsupported", "version 2");
    }

    /** Finds the sum by asking: the last four bytes of the name, which nothing depends on, are not needed for that. */
    private static void fixCrc(byte[] bytes) {
        java.util.zip.CRC32C sum = new java.util.zip.CRC32C();
        Arrays.fill(bytes, 16, 20, (byte) 0);
        sum.update(new byte[] {-1, -1, -1, -1});
        sum.update(bytes, 0, 384);
        int crc = ~(int) sum.getValue();
        for (int i = 0; i < 4; i++) {
            bytes[16 + i] = (byte) (crc >> 8 * i);
        }
    }

    private static byte[] with(RaidSuperBlock like, int level, int strip, long size, List<RaidSuperBlock.Member> members) {
        return new RaidSuperBlock(0, 0, like.uuid(), like.name(), size, 512, level, strip, 0, 1, members).write();
    }

    private static void refused(byte[] image, String code, String part) {
        byte[] head = Arrays.copyOf(image, RaidSuperBlock.LENGTH_MAX_BYTES);
        OperationException failure = catchThrowableOfType(OperationException.class, () -> RaidSuperBlock.read(head));
        assertThat(failure).isNotNull();
        assertThat(failure.code()).isEqualTo(code);
        assertThat(failure.getMessage()).contains(part);
    }

    @Test
    void aLabelIsReadBackAndAnyFlippedBitMakesItNone() {
        MemberLabel label = new MemberLabel(UUID.randomUUID(), UUID.randomUUID());
        byte[] head = new byte[DiskHead.SIZE_BYTES];
        System.arraycopy(label.write(), 0, head, MemberLabel.AT_BYTES, MemberLabel.SIZE_BYTES);
        assertThat(MemberLabel.read(head)).isEqualTo(label);
        assertThat(new String(head, MemberLabel.AT_BYTES, 8, StandardCharsets.US_ASCII)).isEqualTo("MIZZENCM");
        for (int bit = 0; bit < MemberLabel.SIZE_BYTES * 8; bit += 7) {
            int at = MemberLabel.AT_BYTES + bit / 8;
            head[at] ^= (byte) (1 << bit % 8);
            assertThat(MemberLabel.read(head)).as("bit %d", bit).isNull();
            head[at] ^= (byte) (1 << bit % 8);
        }
    }
}
