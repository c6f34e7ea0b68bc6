package io.mizzen.engine.model;

import java.util.List;

/**
 * The reservation made at start and what was cut from it.
 *
 * @param kind HUGETLB_1G, HUGETLB_2M, TRANSPARENT_HUGE, LOCKED or PLAIN, best first
 * @param pageSizeBytes page size of the reservation
 * @param freeBytes not cut into pools or handed out
 * @param keptBytes used for nothing any more, since a device that could not be stopped may still write there
 */
public record MemoryView(String kind, long pageSizeBytes, long reservedBytes, long freeBytes, long keptBytes,
                         List<RegionView> regions, List<BufferPoolView> pools) {

    /** One registration: contiguous memory on one node. */
    public record RegionView(int index, String kind, long pageSizeBytes, long sizeBytes, int numaNode) { }

    /**
     * A named pool of pre-allocated buffers.
     *
     * @param capacity elements in all
     * @param free elements in the pool and its caches now
     * @param exhausted requests refused because nothing was left
     */
    public record BufferPoolView(String name, long elementSizeBytes, int capacity, int free, long exhausted,
                           List<CacheView> caches) { }

    /**
     * The part of a pool that one core keeps to itself.
     *
     * @param acquires elements taken by the core
     * @param refills batches taken from the shared ring
     * @param spills batches given back to the shared ring
     * @param exhausted requests of the core refused because nothing was left
     */
    public record CacheView(int core, int free, long acquires, long refills, long spills,
                            long exhausted) { }
}
