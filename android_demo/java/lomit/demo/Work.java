package lomit.demo;

import android.content.Context;
import android.os.Handler;
import android.os.Looper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import lomit.demo.core.DemoException;
import lomit.demo.core.Picture;
import lomit.demo.core.Translator;
import lomit.demo.core.Window;

/** What must not run on the UI thread, one thing after the other. Outlives the activity's rotation. */
final class Work {
    /** A piece of work, and what is done with what it gives, on the UI thread. */
    interface Task<T> {
        T compute() throws DemoException, IOException;

        void done(T result);

        void failed(DemoException.Kind kind);
    }

    private static Work only;

    private final Context context;
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final Handler screen = new Handler(Looper.getMainLooper());
    private final Map<String, Translator.Seen> seen = new HashMap<String, Translator.Seen>();
    private Translator translator;

    private Work(Context context) {
        this.context = context;
    }

    static Work of(Context context) {
        if (only == null) {
            only = new Work(context.getApplicationContext());
        }
        return only;
    }

    <T> void start(final Task<T> task) {
        thread.execute(new Runnable() {
            @Override
            public void run() {
                try {
                    final T result = task.compute();
                    screen.post(new Runnable() {
                        @Override
                        public void run() {
                            task.done(result);
                        }
                    });
                } catch (DemoException e) {
                    tell(task, e.kind);
                } catch (IOException e) {
                    tell(task, DemoException.Kind.PICTURE_UNREADABLE);
                } catch (OutOfMemoryError e) {
                    seen.clear();
                    tell(task, DemoException.Kind.OUT_OF_MEMORY);
                }
            }
        });
    }

    private void tell(final Task<?> task, final DemoException.Kind kind) {
        screen.post(new Runnable() {
            @Override
            public void run() {
                task.failed(kind);
            }
        });
    }

    /** Within `compute` only. */
    Translator translator() throws DemoException {
        if (translator == null) {
            String labels;
            try (InputStream stream = context.getAssets().open("labels.txt")) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                for (int value = stream.read(); value >= 0; value = stream.read()) {
                    bytes.write(value);
                }
                labels = bytes.toString("UTF-8");
            } catch (IOException e) {
                throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, "labels.txt", e);
            }
            translator = new Translator(new TfliteNetwork(context.getAssets(), "mask_net_int8.tflite"),
                    new TfliteNetwork(context.getAssets(), "generator_int8.tflite"), labels);
        }
        return translator;
    }

    /** A picture, framed, with its masks; kept while it is one of the two in use. Within `compute` only. */
    Translator.Seen see(String uri, String other) throws DemoException {
        seen.keySet().retainAll(java.util.Arrays.asList(uri, other));
        if (!seen.containsKey(uri)) {
            Picture picture = Pictures.read(context, uri);
            seen.put(uri, translator().see(picture, Window.centred(picture.width, picture.height)));
        }
        return seen.get(uri);
    }
}
