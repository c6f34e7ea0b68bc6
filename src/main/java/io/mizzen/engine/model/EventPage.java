package io.mizzen.engine.model;

import java.util.List;

/**
 * Part of the events that are kept.
 *
 * @param events oldest first
 * @param oldest sequence of the oldest event that is still kept; 1 above {@code newest} when there is none
 * @param newest sequence of the newest event so far; below {@code oldest} when there was none
 */
public record EventPage(List<EventView> events, long oldest, long newest) { }
