package io.mizzen.reactor;

/** The life of a reactor. INIT to RUNNING; RUNNING and DELAYED (idle, sleeping) alternate; SHUTDOWN is the end. */
public enum ReactorState {
    INIT, RUNNING, DELAYED, SHUTDOWN
}
