package millrace.oracle;

import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.runtime.taskmanager.Task;
import org.apache.flink.streaming.runtime.tasks.StreamTask;

/**
 * Makes a job of several threads deterministic: only one line of the input is under way at a time. The next one is emitted
 * when every task has taken what it was sent and waits for more, so records and watermarks of different streams reach an
 * operator in the order of the file.
 */
final class Turns {
    private static final String TASKS = "Flink Task Threads";

    private static final Set<Thread> sources = ConcurrentHashMap.newKeySet();
    private static volatile int next;
    private static volatile int taskCount;
    private static volatile Job job;

    private Turns() {}

    static void start(int tasks, Job started) {
        sources.clear();
        taskCount = tasks;
        job = started;
        next = started.firstUsed(0);
    }

    /** Waits until the line may be emitted. */
    static void await(int index) {
        sources.add(Thread.currentThread());
        while (next != index) pause();
        if (index == job.firstUsed(0)) quiet(taskCount);
    }

    /** The line has been emitted: waits for the rest of the job, and lets the next one go. */
    static void done() {
        quiet(0);
        next = job.firstUsed(next + 1);
    }

    private static void quiet(int threadsMin) {
        // Twice: while a later task was looked at, an earlier one may have sent it something, but not the other way round again.
        for (int seen = 0; seen < 2; ) {
            seen = isQuiet(threadsMin) ? seen + 1 : 0;
            if (seen < 2) pause();
        }
    }

    private static boolean isQuiet(int threadsMin) {
        int count = 0;
        for (Thread thread : taskThreads()) {
            count++;
            if (!sources.contains(thread) && !isWaitingForInput(thread)) return false;
        }
        return count >= threadsMin;
    }

    /** Without the threads beside the tasks, such as those of their timers. */
    private static Thread[] taskThreads() {
        ThreadGroup root = Thread.currentThread().getThreadGroup();
        while (!root.getName().equals(TASKS) && root.getParent() != null) root = root.getParent();
        Thread[] threads = new Thread[root.activeCount() + 16];
        int count = root.enumerate(threads);
        return Arrays.stream(threads, 0, count)
                .filter(thread -> field(thread, Thread.class, "target") instanceof Task)
                .toArray(Thread[]::new);
    }

    /**
     * What a task is sent becomes a mail on the sender's thread, so the task has taken everything when it waits and has no
     * mail. A thread that was woken but does not run yet still counts as waiting, which is why its state alone would not do.
     */
    private static boolean isWaitingForInput(Thread thread) {
        Object task = field(thread, Thread.class, "target");
        if (!(field(task, Task.class, "invokable") instanceof StreamTask<?, ?> stream) || !stream.isRunning()) return false;
        Object mailbox = field(field(stream, StreamTask.class, "mailboxProcessor"), null, "mailbox");
        if ((Boolean) field(mailbox, null, "hasNewMail")) return false;
        Thread.State state = thread.getState();
        if (state != Thread.State.WAITING && state != Thread.State.TIMED_WAITING) return false;
        for (StackTraceElement frame : thread.getStackTrace())
            if (frame.getMethodName().equals("take") && frame.getClassName().endsWith("TaskMailboxImpl")) return !(Boolean) field(mailbox, null, "hasNewMail");
        return false;
    }

    private static Object field(Object of, Class<?> in, String name) {
        try {
            Field field = (in == null ? of.getClass() : in).getDeclaredField(name);
            field.setAccessible(true);
            return field.get(of);
        } catch (ReflectiveOperationException cause) {
            throw new IllegalStateException("this Flink has no field " + name, cause);
        }
    }

    private static void pause() {
        LockSupport.parkNanos(50_000);
        if (Thread.interrupted()) throw new IllegalStateException("the job is cancelled");
    }
}
