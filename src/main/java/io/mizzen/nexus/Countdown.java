package io.mizzen.nexus;

/** Runs something when a number of other things have ended; it begins with one that is its maker's. One thread. */
final class Countdown {
    private final Runnable then;
    private int left = 1;

    Countdown(Runnable then) {
        this.then = then;
    }

    /** One more. */
    void add() {
        assert left > 0;
        left++;
    }

    /** One less. */
    void end() {
        assert left > 0;
        if (--left == 0) {
            then.run();
        }
    }
}
