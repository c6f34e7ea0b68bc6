package io.mizzen.engine.model;

/** What a statistic or an event is about. */
public enum ObjectKind { ENGINE, REACTOR, DEVICE, BDEV, POOL, REPLICA, NEXUS, CHILD, SUBSYSTEM, HOST }
