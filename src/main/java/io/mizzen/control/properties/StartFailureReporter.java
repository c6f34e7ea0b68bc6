package io.mizzen.control.properties;

import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalysisReporter;

/** Prints why the engine cannot start: on the error stream, without the frame of a log, for whoever typed the command. */
public final class StartFailureReporter implements FailureAnalysisReporter {
    @Override
    public void report(FailureAnalysis analysis) {
        System.err.println("mizzen: cannot start: " + analysis.getDescription().strip().replace("\n", "\n        ")
            + "\nmizzen: what to do: " + String.valueOf(analysis.getAction()).strip().replace("\n", "\n        "));
    }
}
