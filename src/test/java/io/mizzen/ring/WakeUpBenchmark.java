package io.mizzen.ring;

import io.mizzen.reactor.LinuxAffinity;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.ReactorState;
import io.mizzen.reactor.Sockets;
import io.mizzen.testsupport.RealReactors;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * How long a sleeping reactor takes to wake: from a message posted by another thread until it runs, and from bytes written
 * to a socket until they are received. Also what the sleeps allocate. Reports, asserts nothing. Arguments:
 * {@code [rounds] [core of the reactor, counted among those allowed]}; the other thread is on another CPU if there is one.
 */
final class WakeUpBenchmark {
    private static final long TIMEOUT_NS = 10_000_000_000L;

    private final RealReactors real = new RealReactors(1, 50_000);
    private final long[] latenciesNs;
    private volatile long seenNs;

    private WakeUpBenchmark(int rounds) {
        latenciesNs = new long[rounds];
    }

    public static void main(String[] args) throws IOException {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 2000;
        var cores = new LinuxAffinity().allowedCores();
        WakeUpBenchmark benchmark = new WakeUpBenchmark(rounds);
        if (cores.size() > 1) {
            LinuxAffinity.moveOthers(cores.subList(1, cores.size()));
        }
        for (int pass = 0; pass < 2; pass++) {          // The first warms up.
            benchmark.messages(pass == 1);
            benchmark.socket(pass == 1);
        }
        benchmark.real.close();
    }

    private final class Wake extends Message {
        @Override
        public void run() {
            seenNs = System.nanoTime();
        }
    }

    private void messages(boolean report) {
        Mthread target = real.reactor(0).mthread();
        Wake wake = new Wake();
        long allocated = allocatedByReactor();
        for (int i = 0; i < latenciesNs.length; i++) {
            awaitSleep();
            seenNs = 0;
            long startNs = System.nanoTime();
            target.post(wake);
            latenciesNs[i] = awaitSeen() - startNs;
        }
        report("message posted -> run", report, allocatedByReactor() - allocated);
    }

    private void socket(boolean report) throws IOException {
        Sockets.Listener listener = real.call(0, () -> real.reactor(0).sockets().listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                id -> real.reactor(0).sockets().adopt(id, new Receiver())));
        try (Socket socket = new Socket()) {
            socket.setTcpNoDelay(true);
            socket.connect(listener.localAddress());
            OutputStream out = socket.getOutputStream();
            long allocated = allocatedByReactor();
            for (int i = 0; i < latenciesNs.length; i++) {
                awaitSleep();
                seenNs = 0;
                long startNs = System.nanoTime();
                out.write(i);
                latenciesNs[i] = awaitSeen() - startNs;
            }
            report("socket written -> received", report, allocatedByReactor() - allocated);
        }
        real.run(0, listener::close);
    }

    private final class Receiver implements Sockets.SocketHandler {
        @Override
        public void onReceive(long address, int lengthBytes) {
            seenNs = System.nanoTime();
        }

        @Override
        public void onSent(int result) {
            throw new IllegalStateException("nothing is sent");
        }

        @Override
        public void onClosed(int errno) {
            // The benchmark has closed it.
        }
    }

    private void awaitSleep() {
        do {
            LockSupport.parkNanos(300_000);
        } while (real.reactor(0).state() != ReactorState.DELAYED);
    }

    private long awaitSeen() {
        long limitNs = System.nanoTime() + TIMEOUT_NS;
        long seen;
        while ((seen = seenNs) == 0) {
            if (System.nanoTime() - limitNs > 0) {
                throw new IllegalStateException("the reactor did not wake");
            }
            Thread.onSpinWait();
        }
        return seen;
    }

    private long allocatedByReactor() {
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        return threads.getThreadAllocatedBytes(real.reactor(0).thread().threadId());
    }

    private void report(String what, boolean wanted, long allocatedBytes) {
        long[] sorted = latenciesNs.clone();
        Arrays.sort(sorted);
        if (wanted) {
            System.out.printf("%-28s median %.1f us, p90 %.1f us, p99 %.1f us, worst %.1f us; %d B allocated per wake-up%n", what,
                    at(sorted, 0.5), at(sorted, 0.9), at(sorted, 0.99),
                    at(sorted, 1 - 1e-9), allocatedBytes / sorted.length);
        }
    }

    private static double at(long[] sorted, double quantile) {
        return sorted[(int) (sorted.length * quantile)] / 1e3;
    }
}
