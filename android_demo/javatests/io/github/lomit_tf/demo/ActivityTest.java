package io.github.lomit_tf.demo;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import android.content.res.Configuration;
import android.graphics.Bitmap;
import android.os.Bundle;
import android.os.SystemClock;
import android.view.MotionEvent;
import android.view.View;
import android.widget.CheckBox;
import android.widget.SeekBar;
import android.widget.Spinner;
import io.github.lomit_tf.demo.core.DemoState;
import io.github.lomit_tf.demo.core.Planes;
import io.github.lomit_tf.demo.core.Side;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** Painting with a finger, and what outlives a rotation and the process's death. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, qualifiers = "w360dp-h740dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class ActivityTest extends WithApp {
    /** A corner where the portrait has no hair. */
    private static final float PLACE = 0.1f;

    @Before
    public void pick() throws Exception {
        app.pick();
    }

    /** At a place of the picture, which is a square in the middle of its view. */
    private static void touch(View view, int action, float across, float down) {
        long now = SystemClock.uptimeMillis();
        int side = Math.min(view.getWidth(), view.getHeight());
        MotionEvent event = MotionEvent.obtain(now, now, action, (view.getWidth() - side) / 2 + across * side,
                (view.getHeight() - side) / 2 + down * side, 0);
        view.dispatchTouchEvent(event);
        event.recycle();
        App.idle();
    }

    private static void line(View view) {
        touch(view, MotionEvent.ACTION_DOWN, PLACE, PLACE);
        touch(view, MotionEvent.ACTION_MOVE, PLACE + 0.1f, PLACE);
        touch(view, MotionEvent.ACTION_UP, PLACE + 0.1f, PLACE);
    }

    /** Index of the model's last group: some models have one only. */
    private int last() {
        return app.session().model.groups.size() - 1;
    }

    private View photo() {
        return app.view(R.id.photo_view);
    }

    private float mask(int group) {
        Planes masks = app.session().bitmaps.of(Side.INPUT).masks;
        int at = Math.round(PLACE * masks.height) * masks.width + Math.round((PLACE + 0.05f) * masks.width);
        return masks.values[at * masks.channels + group];
    }

    private void awaitMask(final String what, final boolean painted) throws InterruptedException {
        app.await(what, new App.Condition() {
            @Override
            boolean holds() {
                return mask(0) > 0.9f == painted;
            }
        });
    }

    private static int pixel(Bitmap drawn) {
        int side = Math.min(drawn.getWidth(), drawn.getHeight());
        return drawn.getPixel((drawn.getWidth() - side) / 2 + Math.round((PLACE + 0.05f) * side),
                (drawn.getHeight() - side) / 2 + Math.round(PLACE * side));
    }

    private static boolean redder(int pixel, int before) {
        return (pixel >> 16 & 255) - (pixel >> 8 & 255) > (before >> 16 & 255) - (before >> 8 & 255) + 50;
    }

    @Test
    public void aFingerPaintsAndIsSeenAtOnceAndUndone() throws Exception {
        float[] found = app.session().bitmaps.of(Side.INPUT).masks.values.clone();
        int before = pixel(App.draw(photo()));
        touch(photo(), MotionEvent.ACTION_DOWN, PLACE, PLACE);
        touch(photo(), MotionEvent.ACTION_MOVE, PLACE + 0.1f, PLACE);
        assertTrue("seen while the finger is down", redder(pixel(App.draw(photo())), before));
        assertFalse("not a stroke yet", app.view(R.id.undo).isEnabled());
        touch(photo(), MotionEvent.ACTION_UP, PLACE + 0.1f, PLACE);
        assertTrue("seen while the masks are drawn", redder(pixel(App.draw(photo())), before));
        awaitMask("the painted mask", true);
        assertTrue("seen in the mask", redder(pixel(App.draw(photo())), before));
        assertTrue(app.view(R.id.undo).isEnabled());

        app.view(R.id.undo).performClick();
        awaitMask("the mask without the stroke", false);
        assertArrayEquals(found, app.session().bitmaps.of(Side.INPUT).masks.values, 0f);
        assertEquals(before, pixel(App.draw(photo())));
        app.view(R.id.redo).performClick();
        awaitMask("the stroke again", true);

        ((CheckBox) app.view(R.id.erase)).performClick();
        line(photo());
        awaitMask("the erased mask", false);
        assertEquals(0f, mask(0), 1e-6f);
        touch(photo(), MotionEvent.ACTION_DOWN, PLACE, PLACE);
        touch(photo(), MotionEvent.ACTION_CANCEL, PLACE, PLACE);
        app.view(R.id.undo).performClick();
        awaitMask("the stroke, since a line that the page took over is none", true);
    }

    @Test
    public void theBrushAndTheGroupArePaintedWith() throws Exception {
        final int last = last();
        ((Spinner) app.view(R.id.group)).setSelection(last);
        ((SeekBar) app.view(R.id.brush_size)).setProgress(100);
        App.idle();
        float hair = mask(0);
        line(photo());
        app.await("the last group's mask", new App.Condition() {
            @Override
            boolean holds() {
                return mask(last) > 0.9f;
            }
        });
        assertTrue("another group gives way or stays", last == 0 || mask(0) <= hair + 1e-6f);
        Planes masks = app.session().bitmaps.of(Side.INPUT).masks;
        int wide = Math.round((PLACE + 0.12f) * masks.height) * masks.width + Math.round(PLACE * masks.width);
        assertTrue("a large brush", masks.values[wide * masks.channels + last] > 0.9f);
    }

    private void turn() {
        Configuration other = new Configuration(app.activity().getResources().getConfiguration());
        other.orientation = Configuration.ORIENTATION_LANDSCAPE;
        other.screenWidthDp = 740;
        other.screenHeightDp = 360;
        app.controller.configurationChange(other);
        App.idle();
    }

    @Test
    public void aRotationInTheMiddleOfATranslationLosesNothing() throws Exception {
        line(photo());
        ((Spinner) app.view(R.id.group)).setSelection(last());
        app.view(R.id.translate).performClick();
        assertEquals(DemoState.Phase.TRANSLATING, app.session().state.phase());
        assertEquals(View.VISIBLE, app.view(R.id.progress).getVisibility());
        MainActivity old = app.activity();
        Session session = app.session();
        turn();
        assertNotSame(old, app.activity());
        assertSame(session, app.session());
        app.await(DemoState.Phase.DONE);
        assertTrue(app.view(R.id.save).isEnabled());
        assertTrue(app.view(R.id.undo).isEnabled());
        assertEquals(last(), ((Spinner) app.view(R.id.group)).getSelectedItemPosition());
        assertEquals("Done in " + session.state.milliseconds() + " ms.", app.text(R.id.status));
    }

    @Test
    public void theProcessDiesAndAllIsThereAgain() throws Exception {
        line(photo());
        awaitMask("the painted mask", true);
        int last = last();
        app.session().choose(last, false);
        ((Spinner) app.view(R.id.group)).setSelection(last);
        ((SeekBar) app.view(R.id.brush_size)).setProgress(77);
        app.view(R.id.translate).performClick();
        app.await(DemoState.Phase.DONE);
        Session old = app.session();
        Bundle saved = new Bundle();
        app.controller.pause().stop().saveInstanceState(saved);
        App.idle();

        app = new App(saved);
        assertNotSame(old, app.session());
        app.awaitMasks();
        app.await(DemoState.Phase.DONE);
        assertEquals(old.state.result(), app.session().state.result());
        assertArrayEquals(old.bitmaps.of(Side.INPUT).masks.values, app.session().bitmaps.of(Side.INPUT).masks.values, 0f);
        assertTrue(old.bitmaps.after.sameAs(app.session().bitmaps.after));
        assertFalse(app.session().state.chosen(last));
        assertEquals(last, ((Spinner) app.view(R.id.group)).getSelectedItemPosition());
        assertEquals(77, ((SeekBar) app.view(R.id.brush_size)).getProgress());
        app.view(R.id.undo).performClick();
        awaitMask("the mask without the stroke of the dead process", false);
        assertEquals(DemoState.Phase.READY, app.session().state.phase());
    }

    @Test
    public void whatDiesWhileItTranslatesIsReadyAgain() throws Exception {
        app.view(R.id.translate).performClick();
        Bundle saved = new Bundle();
        app.controller.pause().stop().saveInstanceState(saved);
        app = new App(saved);
        app.awaitMasks();
        assertEquals(DemoState.Phase.READY, app.session().state.phase());
        assertTrue(app.view(R.id.translate).isEnabled());
    }

    @Test
    public void aCancelledTranslationBringsNothing() throws Exception {
        app.view(R.id.translate).performClick();
        app.view(R.id.cancel).performClick();
        assertEquals(DemoState.Phase.READY, app.session().state.phase());
        line(photo()); // the one thread does this after the translation
        awaitMask("the painted mask", true);
        assertEquals(DemoState.Phase.READY, app.session().state.phase());
        assertEquals("", app.session().state.result());
        app.view(R.id.translate).performClick();
        app.await(DemoState.Phase.DONE);
        assertNotEquals("", app.session().state.result());
    }
}
