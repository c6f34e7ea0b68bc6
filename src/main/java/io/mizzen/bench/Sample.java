package io.mizzen.bench;

/**
 * What a reactor's thread has used up to a moment.
 *
 * @param cpuNs CPU time of the thread, its system calls included
 * @param allocatedBytes of the Java heap
 * @param tlbMisses loads that missed the data TLB, in user mode; -1 where nothing counts them
 */
record Sample(long timeNs, long cpuNs, long allocatedBytes, long tlbMisses) {
    static final Sample NONE = new Sample(0, 0, 0, -1);
}
