package io.mizzen.memory;

/** Which pages a mapping may have; each falls back to the next plainer kind, never to a larger one. */
public enum PageUse {
    /** Reserved hugetlb pages, else transparent huge pages, else 4 KiB pages. */
    RESERVED,
    /** Transparent huge pages, else 4 KiB pages; reserved pages are left to others. */
    TRANSPARENT,
    /** 4 KiB pages, even where the system would give larger ones: to measure what those are worth. */
    SMALL
}
