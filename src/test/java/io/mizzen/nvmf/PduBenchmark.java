package io.mizzen.nvmf;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.Sqe;
import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The codec as the target uses it: raw addresses into the whole address space. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PduBenchmark {
    private static final int PDU_SPACING_BYTES = 128;
    private static final int PDU_COUNT = 64;

    private final long pdus = Arena.global().allocate((long) PDU_COUNT * PDU_SPACING_BYTES, 64).address();
    private int next;

    private long address() {
        next = next + 1 & PDU_COUNT - 1;
        return pdus + (long) next * PDU_SPACING_BYTES;
    }

    /** A command capsule's header and the fields of its entry that the target looks at. */
    @Benchmark
    public long decodeCapsule() {
        long at = address();
        return Pdu.type(RawMemory.ALL, at) + Pdu.flags(RawMemory.ALL, at) + Pdu.headerBytes(RawMemory.ALL, at)
                + Pdu.dataOffset(RawMemory.ALL, at) + Pdu.totalBytes(RawMemory.ALL, at)
                + Sqe.opcode(RawMemory.ALL, at + Pdu.HEADER_BYTES) + Sqe.cid(RawMemory.ALL, at + Pdu.HEADER_BYTES)
                + Sqe.nsid(RawMemory.ALL, at + Pdu.HEADER_BYTES) + Sqe.psdt(RawMemory.ALL, at + Pdu.HEADER_BYTES);
    }

    @Benchmark
    public long encodeData() {
        long at = address();
        Pdu.set(RawMemory.ALL, at, Pdu.TYPE_C2H_DATA, Pdu.FLAG_LAST, Pdu.DATA_BYTES, Pdu.DATA_BYTES, 4096 + Pdu.DATA_BYTES);
        DataPdu.set(RawMemory.ALL, at, next, 0, 0, 4096);
        return at;
    }
}
