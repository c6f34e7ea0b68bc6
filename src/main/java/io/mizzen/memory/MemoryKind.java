package io.mizzen.memory;

/** What kind of pages the engine's memory came from, best first. */
public enum MemoryKind {
    HUGETLB_1G, HUGETLB_2M, TRANSPARENT_HUGE, LOCKED, PLAIN
}
