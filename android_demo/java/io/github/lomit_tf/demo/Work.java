package io.github.lomit_tf.demo;

import android.content.Context;
import android.content.res.AssetManager;
import android.os.Handler;
import android.os.Looper;
import android.util.Log;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.FaceFinder;
import io.github.lomit_tf.demo.core.Framing;
import io.github.lomit_tf.demo.core.Layouts;
import io.github.lomit_tf.demo.core.ModelView;
import io.github.lomit_tf.demo.core.ModelViewCache;
import io.github.lomit_tf.demo.core.Network;
import io.github.lomit_tf.demo.core.Picture;
import io.github.lomit_tf.demo.core.Translator;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** What must not run on the UI thread, one thing after the other; the model, and what it found in the last pictures. */
final class Work {
    /** A piece of work, and what is done with what it gives, on the UI thread. */
    interface Task<T> {
        T compute() throws DemoException, IOException;

        void done(T result);

        void failed(DemoException.Kind kind);
    }

    /** Opens a model file of the assets. */
    interface Opener {
        Network open(AssetManager assets, String name) throws DemoException;
    }

    /** TensorFlow Lite; a desktop's tests put another runtime here. */
    static Opener opener = new Opener() {
        @Override
        public Network open(AssetManager assets, String name) throws DemoException {
            return new TfliteNetwork(assets, name);
        }
    };

    private final Context context;
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final Handler screen = new Handler(Looper.getMainLooper());
    private final ModelViewCache views = new ModelViewCache();
    private final FaceFinder faces;
    private Translator translator;
    private Framing framing;
    private String dataset = "";

    Work(Context context) {
        this.context = context.getApplicationContext();
        faces = new Faces(this.context.getAssets());
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
                } catch (RuntimeException e) { // else it would work forever, as far as the person can see
                    Log.e("lomit", "unexpected", e);
                    tell(task, DemoException.Kind.UNEXPECTED);
                } catch (OutOfMemoryError e) {
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

    /** Ends after what was started. */
    void close() {
        thread.shutdown();
    }

    /** Within `compute` only. */
    Translator translator() throws DemoException {
        if (translator == null) {
            AssetManager assets = context.getAssets();
            String labels;
            Layouts layouts;
            Properties model = new Properties();
            try (InputStream stream = assets.open("labels.txt"); InputStream properties = assets.open("model.properties");
                    InputStream regions = new BufferedInputStream(assets.open("layouts.bin"))) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                for (int value = stream.read(); value >= 0; value = stream.read()) {
                    bytes.write(value);
                }
                labels = bytes.toString("UTF-8");
                model.load(new InputStreamReader(properties, "UTF-8"));
                layouts = Layouts.read(regions);
            } catch (IOException e) {
                throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, "labels.txt, model.properties, layouts.bin", e);
            }
            framing = Framing.of(model);
            dataset = model.getProperty("dataset", "").trim();
            translator = new Translator(opener.open(assets, "mask_net_int8.tflite"),
                    opener.open(assets, "generator_int8.tflite"), labels, model.getProperty("colour", ""),
                    model.getProperty("connected", ""), model.getProperty("overlapping", ""),
                    model.getProperty("competing", ""), model.getProperty("face_parts", ""), layouts);
        }
        return translator;
    }

    /** The groups whose masks lie on those of others. Within `compute` only, once there is a translator. */
    boolean[] overlapping() {
        return translator.model.overlapping();
    }

    /** The data set that the model was trained on, as model.properties has it. Within `compute` only, once there is a translator. */
    String dataset() {
        return dataset;
    }

    /** What was found of a picture; the picture itself is not kept. Within `compute` only. */
    ModelView view(String uri) throws DemoException {
        ModelView found = views.get(uri);
        return found == null ? view(uri, Pictures.read(context, uri)) : found;
    }

    /** The same for a picture that was read already. Within `compute` only. */
    ModelView view(String uri, Picture picture) throws DemoException {
        ModelView found = views.get(uri);
        if (found == null) {
            Translator made = translator();
            found = made.view(picture, framing.frame(picture, faces));
            views.put(uri, found);
        }
        return found;
    }
}
