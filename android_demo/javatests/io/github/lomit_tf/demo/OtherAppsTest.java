package io.github.lomit_tf.demo;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.content.Intent;
import android.content.res.AssetManager;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.Bundle;
import android.provider.MediaStore;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.DemoState;
import io.github.lomit_tf.demo.core.Network;
import io.github.lomit_tf.demo.core.Side;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import javax.imageio.ImageIO;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;
import org.robolectric.shadows.ShadowContentResolver;

/** Pictures of other apps, the camera, saving and sharing, the app's own files; and all that may fail, told. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, qualifiers = "w360dp-h740dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class OtherAppsTest extends WithApp {
    private static final Uri GALLERY = Uri.parse("content://gallery/1");

    private ShadowContentResolver resolver() {
        return shadowOf(app.activity().getContentResolver());
    }

    private void offer(final byte[] content) {
        resolver().registerInputStreamSupplier(GALLERY, new Supplier<InputStream>() {
            @Override
            public InputStream get() {
                return new ByteArrayInputStream(content);
            }
        });
    }

    private static byte[] png(int width, int height, int type) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(width, height, type), "png", bytes);
        return bytes.toByteArray();
    }

    /** What a button asks another app for, and that app's answer. */
    private Intent asked(int button) {
        app.view(button).performClick();
        return shadowOf(app.activity()).getNextStartedActivity();
    }

    private void answer(Intent asked, Intent answer) {
        shadowOf(app.activity()).receiveResult(asked, Activity.RESULT_OK, answer);
        App.idle();
    }

    private void awaitText(final int text, final Object... values) throws InterruptedException {
        final String expected = app.activity().getString(text, values);
        app.await(expected, new App.Condition() {
            @Override
            boolean holds() {
                return app.text(R.id.status).equals(expected);
            }
        });
    }

    private void awaitPhoto() throws InterruptedException {
        app.await("the photo", new App.Condition() {
            @Override
            boolean holds() {
                return app.session().bitmaps.of(Side.INPUT).masks != null;
            }
        });
    }

    @Test
    public void aPictureOfTheGalleryIsPickedAndMayBeReadLater() throws Exception {
        offer(png(90, 120, BufferedImage.TYPE_INT_RGB));
        Intent asked = asked(R.id.pick_photo);
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.getAction());
        assertEquals("image/*", asked.getType());
        answer(asked, new Intent().setData(GALLERY));
        awaitPhoto();
        assertEquals(GALLERY.toString(), app.session().state.uri(Side.INPUT));
        assertEquals(GALLERY, app.activity().getContentResolver().getPersistedUriPermissions().get(0).getUri());
        app.session().pick(Side.INPUT, Pictures.ofAsset(App.COLLINS));
        app.session().pick(Side.EXEMPLAR, Pictures.ofAsset(App.HOPPER));
        app.awaitMasks();
        app.view(R.id.translate).performClick();
        app.await(DemoState.Phase.DONE);
        app.await("giving up what is no longer used", new App.Condition() {
            @Override
            boolean holds() {
                return app.activity().getContentResolver().getPersistedUriPermissions().isEmpty();
            }
        });
    }

    @Test
    public void aPhotoIsTakenAlsoWhenTheCameraKillsTheApp() throws Exception {
        Intent asked = asked(R.id.take_photo);
        assertEquals(MediaStore.ACTION_IMAGE_CAPTURE, asked.getAction());
        Uri place = asked.getParcelableExtra(MediaStore.EXTRA_OUTPUT);
        assertTrue((asked.getFlags() & Intent.FLAG_GRANT_WRITE_URI_PERMISSION) != 0);
        assertEquals(place, asked.getClipData().getItemAt(0).getUri());
        Bundle saved = new Bundle();
        app.controller.pause().stop().saveInstanceState(saved);
        try (OutputStream out = app.activity().getContentResolver().openOutputStream(place)) {
            out.write(png(120, 90, BufferedImage.TYPE_INT_RGB)); // through the app's provider, as a camera does
        }
        app = new App(saved);
        app.activity().onActivityResult(MainActivity.TAKE_PHOTO, Activity.RESULT_OK, null);
        awaitPhoto();
        assertEquals(place.toString(), app.session().state.uri(Side.INPUT));
        assertEquals(app.activity().getString(R.string.picking), app.text(R.id.status));
    }

    @Test
    public void aResultIsSavedAndShared() throws Exception {
        app.pick();
        app.view(R.id.translate).performClick();
        app.await(DemoState.Phase.DONE);
        Uri result = Uri.parse(app.session().state.result());
        File file = new File(Pictures.folder(app.activity()), result.getLastPathSegment());
        byte[] made = Files.readAllBytes(file.toPath());
        Bitmap picture = android.graphics.BitmapFactory.decodeByteArray(made, 0, made.length);
        assertEquals(Pictures.read(app.activity(), app.session().state.uri(Side.INPUT)).width, picture.getWidth());

        ByteArrayOutputStream target = new ByteArrayOutputStream();
        resolver().registerOutputStream(GALLERY, target);
        Intent asked = asked(R.id.save);
        assertEquals(Intent.ACTION_CREATE_DOCUMENT, asked.getAction());
        answer(asked, new Intent().setData(GALLERY));
        awaitText(R.string.saved);
        assertArrayEquals(made, target.toByteArray());

        Intent chooser = asked(R.id.share);
        Intent sent = chooser.getParcelableExtra(Intent.EXTRA_INTENT);
        assertEquals(Intent.ACTION_SEND, sent.getAction());
        assertEquals(result, sent.getParcelableExtra(Intent.EXTRA_STREAM));
        assertTrue((sent.getFlags() & Intent.FLAG_GRANT_READ_URI_PERMISSION) != 0);
        try (InputStream shared = app.activity().getContentResolver().openInputStream(result)) {
            byte[] read = new byte[made.length];
            assertEquals(made.length, shared.read(read));
            assertArrayEquals(made, read);
        }

        asked = asked(R.id.save);
        resolver().registerOutputStream(GALLERY, new OutputStream() {
            @Override
            public void write(int value) throws java.io.IOException {
                throw new java.io.IOException("no space left");
            }
        });
        answer(asked, new Intent().setData(GALLERY));
        awaitText(R.string.error_not_saved);
        assertEquals("the result is still there", DemoState.Phase.DONE, app.session().state.phase());
    }

    @Test
    public void ownFilesAreRemovedOnlyWhenOldAndUnused() throws Exception {
        app.pick();
        app.view(R.id.translate).performClick();
        app.await(DemoState.Phase.DONE);
        File folder = Pictures.folder(app.activity());
        File used = new File(folder, Uri.parse(app.session().state.result()).getLastPathSegment());
        File old = new File(folder, "result-1.png");
        File recent = new File(folder, "result-2.png");
        for (File file : Arrays.asList(old, recent)) {
            try (FileOutputStream out = new FileOutputStream(file)) {
                out.write(1);
            }
        }
        long ago = System.currentTimeMillis() - Pictures.KEPT_MILLISECONDS - 60000;
        assertTrue(old.setLastModified(ago) && used.setLastModified(ago));
        Bundle saved = new Bundle();
        app.controller.pause().stop().saveInstanceState(saved);
        app = new App(saved);
        app.awaitMasks();
        app.await(DemoState.Phase.DONE);
        app.await("cleaning", new App.Condition() {
            @Override
            boolean holds() {
                return !new File(Pictures.folder(app.activity()), "result-1.png").exists();
            }
        });
        assertTrue(used.exists());
        assertTrue(recent.exists());
    }

    @Test
    public void picturesThatCannotBeReadAreTold() throws Exception {
        app.session().pick(Side.INPUT, Pictures.ofAsset("nothing.png"));
        awaitText(R.string.error_unreadable);
        assertEquals(DemoState.Phase.ERROR, app.session().state.phase());
        app.pick();
        assertEquals(DemoState.Phase.READY, app.session().state.phase());
        offer("no picture".getBytes("UTF-8"));
        app.session().pick(Side.INPUT, GALLERY.toString());
        awaitText(R.string.error_unreadable);
        byte[] cut = png(90, 90, BufferedImage.TYPE_INT_RGB);
        offer(Arrays.copyOf(cut, 20));
        app.session().pick(Side.INPUT, GALLERY.toString());
        awaitText(R.string.error_unreadable);
        offer(png(5000, 4000, BufferedImage.TYPE_BYTE_BINARY));
        app.session().pick(Side.INPUT, "content://gallery/1");
        awaitText(R.string.error_too_large, Pictures.MAX_MEGAPIXELS);
        app.session().pick(Side.INPUT, Pictures.ofAsset(App.COLLINS));
        app.awaitMasks();
        assertEquals(app.activity().getString(R.string.ready), app.text(R.id.status));
    }

    /** A network of which every run ends so. */
    private static void failWith(final Error error, final RuntimeException exception) {
        final Work.Opener opener = Work.opener;
        Work.opener = new Work.Opener() {
            @Override
            public Network open(AssetManager assets, String name) throws DemoException {
                final Network real = opener.open(assets, name);
                return new Network() {
                    @Override
                    public List<Tensor> inputs() {
                        return real.inputs();
                    }

                    @Override
                    public List<Tensor> outputs() {
                        return real.outputs();
                    }

                    @Override
                    public Map<String, float[]> run(Map<String, float[]> inputs) {
                        if (error != null) {
                            throw error;
                        }
                        throw exception;
                    }
                };
            }
        };
    }

    @Test
    public void aDeviceWithoutEnoughMemoryIsTold() throws Exception {
        failWith(new OutOfMemoryError("a test"), null);
        app.session().pick(Side.INPUT, Pictures.ofAsset(App.COLLINS));
        awaitText(R.string.error_memory);
    }

    @Test
    public void theUnexpectedIsToldAndTheAppGoesOn() throws Exception {
        failWith(null, new IllegalStateException("a test"));
        app.session().pick(Side.INPUT, Pictures.ofAsset(App.COLLINS));
        awaitText(R.string.error_unexpected);
        App.useLiteRt();
        app.close();
        app = new App();
        app.pick();
        assertFalse(app.session().bitmaps.of(Side.INPUT).masks.values.length == 0);
    }

    @Test
    public void aModelThatDoesNotLoadIsTold() throws Exception {
        Work.opener = new Work.Opener() {
            @Override
            public Network open(AssetManager assets, String name) throws DemoException {
                throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, name);
            }
        };
        app.session().pick(Side.INPUT, Pictures.ofAsset(App.COLLINS));
        awaitText(R.string.error_model);
    }
}
