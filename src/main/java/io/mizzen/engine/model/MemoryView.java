package io.mizzen.engine.model;

import java.util.List;

/**
 * The reservation made at start and what was cut from it.
 *
 * @param kind HUGE_1G, HUGE_2M, TRANSPARENT or LOCKED (or plain, where the limit forbids locking)
 * @param pageSizeBytes page size of the reservation
 */
public record MemoryView(String kind, long pageSizeBytes, long reservedBytes, long freeBytes, List<RegionView> regions,
                         List<PoolView> pools) {

    /** One registration: contiguous memory on one node. */
    public record RegionView(int index, String kind, long pageSizeBytes, long sizeBytes, long usedBytes,
                             int numaNode, boolean locked) { }

    /**
     * A named pool of pre-allocated buffers.
     *
     * @param capacity elements in all
     * @param free elements in the pool and its caches now
     * @param exhausted requests refused because nothing was left
     */
    public record PoolView(String name, long elementSizeBytes, int capacity, int free, long exhausted,
                           List<CacheView> caches) { }

    /**
     * The part of a pool that one core keeps to itself.
     *
     * @param foreignReturns returns by another core than the one that took the element: always 0, or a defect
     */
    public record CacheView(int core, int capacity, int free, long takes, long returns, long foreignReturns) { }
}
