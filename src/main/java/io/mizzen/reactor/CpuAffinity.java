package io.mizzen.reactor;

import java.util.List;

/** Which CPUs this process may use, and how a thread binds itself to one. */
public interface CpuAffinity {
    /** The CPUs of the process's cpuset, ascending. */
    List<Integer> allowedCores();

    /**
     * Pins the calling thread to one CPU and verifies that it took.
     *
     * @throws io.mizzen.util.OperationException when the CPU is not there or not in the cpuset
     */
    void pinCurrentThread(int core);
}
