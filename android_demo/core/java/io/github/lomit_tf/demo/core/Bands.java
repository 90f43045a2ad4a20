package io.github.lomit_tf.demo.core;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Rows of a picture in bands, by as many threads as there are processors, at most four. */
final class Bands {
    /** Work on the rows from..to-1; called from several threads, for other rows each. */
    interface Task {
        void run(int from, int to);
    }

    private static final int MOST_THREADS = 4;

    private Bands() {}

    /** Returns when all rows are done; what one thread throws is thrown again. */
    static void run(final int rows, final int band, final Task task) {
        final int bands = (rows + band - 1) / band;
        final AtomicInteger next = new AtomicInteger();
        final Throwable[] thrown = new Throwable[1];
        Runnable worker = new Runnable() {
            @Override
            public void run() {
                try {
                    for (int i = next.getAndIncrement(); i < bands; i = next.getAndIncrement()) {
                        task.run(i * band, Math.min(rows, (i + 1) * band));
                    }
                } catch (RuntimeException | Error e) { // of which OutOfMemoryError has to reach the person
                    next.set(bands);
                    synchronized (thrown) {
                        thrown[0] = e;
                    }
                }
            }
        };
        int helpers = Math.min(Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors()), bands) - 1;
        List<Thread> threads = new ArrayList<Thread>();
        for (int i = 0; i < helpers; i++) {
            Thread thread = new Thread(worker, "lomit-bands");
            thread.start();
            threads.add(thread);
        }
        worker.run();
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        synchronized (thrown) {
            if (thrown[0] instanceof Error) {
                throw (Error) thrown[0];
            }
            if (thrown[0] != null) {
                throw (RuntimeException) thrown[0];
            }
        }
    }
}
