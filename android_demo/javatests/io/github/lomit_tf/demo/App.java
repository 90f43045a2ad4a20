package io.github.lomit_tf.demo;

import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.content.res.AssetManager;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.os.Bundle;
import android.os.Looper;
import android.view.View;
import android.widget.TextView;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.DemoState;
import io.github.lomit_tf.demo.core.Network;
import io.github.lomit_tf.demo.core.Side;
import io.github.lomit_tf.demo.desktop.LiteRtNetwork;
import java.io.File;
import java.io.FileOutputStream;
import org.robolectric.Robolectric;
import org.robolectric.android.controller.ActivityController;

/** The app's activity on a desktop JVM, and ways to wait for it and to draw it. */
final class App {
    static final String COLLINS = "exemplar_eileen_collins.jpg";
    static final String HOPPER = "exemplar_grace_hopper.jpg";
    private static final long PATIENCE = 300000; // milliseconds: a busy machine is no fault of the app

    ActivityController<MainActivity> controller;

    App() {
        this(null);
    }

    /** @param saved what an activity that is no more had saved; null for a first start. */
    App(Bundle saved) {
        controller = Robolectric.buildActivity(MainActivity.class);
        controller.create(saved).start();
        if (saved != null) {
            controller.restoreInstanceState(saved);
        }
        controller.postCreate(saved).resume().visible();
        idle();
    }

    /** The models' files on this machine's LiteRT, since TFLite's library is for Android. */
    static void useLiteRt() {
        Work.opener = new Work.Opener() {
            @Override
            public Network open(AssetManager assets, String name) throws DemoException {
                String folder = System.getProperty(name.startsWith("face_") ? "lomit.faces" : "lomit.assets");
                return new LiteRtNetwork(new File(System.getProperty("lomit.litert")), new File(folder, name));
            }
        };
    }

    MainActivity activity() {
        return controller.get();
    }

    Session session() {
        return (Session) activity().onRetainNonConfigurationInstance();
    }

    View view(int id) {
        return activity().findViewById(id);
    }

    String text(int id) {
        return ((TextView) view(id)).getText().toString();
    }

    static void idle() {
        shadowOf(Looper.getMainLooper()).idle();
    }

    /** Something that the work thread will make true. */
    abstract static class Condition {
        abstract boolean holds();
    }

    void await(String what, Condition condition) throws InterruptedException {
        long end = System.currentTimeMillis() + PATIENCE;
        while (!condition.holds()) {
            assertTrue(what + " did not come: " + text(R.id.status), System.currentTimeMillis() < end);
            Thread.sleep(10);
            idle();
        }
    }

    void awaitMasks() throws InterruptedException {
        await("the masks", new Condition() {
            @Override
            boolean holds() {
                return session().bitmaps.of(Side.INPUT).masks != null && session().bitmaps.of(Side.EXEMPLAR).masks != null;
            }
        });
    }

    void await(final DemoState.Phase phase) throws InterruptedException {
        await(phase.name(), new Condition() {
            @Override
            boolean holds() {
                return session().state.phase() == phase && (phase != DemoState.Phase.DONE || session().bitmaps.after != null);
            }
        });
    }

    /** Both pictures of the assets, with their masks. */
    void pick() throws InterruptedException {
        session().pick(Side.INPUT, Pictures.ofAsset(App.COLLINS));
        session().pick(Side.EXEMPLAR, Pictures.ofAsset(App.HOPPER));
        awaitMasks();
    }

    /** The whole page, of which a telephone shows a part. */
    Bitmap draw() {
        idle();
        View page = activity().findViewById(R.id.page);
        int width = activity().getWindow().getDecorView().getWidth();
        page.measure(View.MeasureSpec.makeMeasureSpec(width, View.MeasureSpec.EXACTLY),
                View.MeasureSpec.makeMeasureSpec(0, View.MeasureSpec.UNSPECIFIED));
        page.layout(0, 0, page.getMeasuredWidth(), page.getMeasuredHeight());
        Bitmap bitmap = Bitmap.createBitmap(page.getWidth(), page.getHeight(), Bitmap.Config.ARGB_8888);
        Canvas canvas = new Canvas(bitmap);
        activity().getWindow().getDecorView().getBackground().setBounds(0, 0, bitmap.getWidth(), bitmap.getHeight());
        activity().getWindow().getDecorView().getBackground().draw(canvas);
        page.draw(canvas);
        return bitmap;
    }

    static Bitmap draw(View view) {
        Bitmap bitmap = Bitmap.createBitmap(view.getWidth(), view.getHeight(), Bitmap.Config.ARGB_8888);
        view.draw(new Canvas(bitmap));
        return bitmap;
    }

    /** For people to look at: bazel keeps it in test.outputs. */
    static void keep(Bitmap bitmap, String name) throws Exception {
        try (FileOutputStream out = new FileOutputStream(new File(System.getProperty("lomit.outputs"), name))) {
            bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
        }
    }

    void close() {
        controller.pause().stop().destroy();
        idle();
    }
}
